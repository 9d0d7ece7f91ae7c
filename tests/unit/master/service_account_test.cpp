#include "master/service_account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/master/temp_folder.h"

namespace holdfast::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kFile = "/etc/holdfast/holdfast.yaml";
const std::string kUnit =
    "\n[Service]\nExecStart=/usr/sbin/holdfast -c /etc/holdfast/holdfast.yaml\nUser=holdfast\nGroup=holdfast\n";

std::string user_in(const std::string& unit, const std::string& file = kFile) {
  return account_in_unit(unit, file).user;
}

TEST(ServiceAccount, is_what_the_unit_says_of_the_file) {
  EXPECT_EQ(user_in(kUnit), "holdfast");
  EXPECT_EQ(user_in(kUnit, "/etc/holdfast/other.yaml"), "") << "the unit has nothing to do with it";
  EXPECT_EQ(user_in(kUnit, "holdfast.yaml"), "") << "only the whole name is a name";
  EXPECT_EQ(user_in(""), "");
}

TEST(ServiceAccount, is_what_was_said_last) {
  EXPECT_EQ(user_in(kUnit + "\n[Service]\nUser=root\n"), "") << "who is root may read all";
  EXPECT_EQ(user_in(kUnit + "\n[Service]\nUser=www\n"), "www");
  EXPECT_EQ(user_in(kUnit + "\n[Service]\nExecStart=\nExecStart=/x/holdfast -c /srv/my.yaml\n"), "");
}

TEST(ServiceAccount, has_the_groups_and_rights_that_were_added) {
  EXPECT_THAT(account_in_unit(kUnit + "SupplementaryGroups=ssl-cert adm\n", kFile).groups,
              ElementsAre("ssl-cert", "adm"));
  EXPECT_EQ(user_in(kUnit + "AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_DAC_READ_SEARCH\n"), "");
}

TEST(ServiceAccount, of_a_process_is_what_the_kernel_says) {
  const std::string status =
      "Name:\tholdfast\nUid:\t0\t997\t997\t997\nGid:\t0\t996\t996\t996\nGroups:\t110 996 \nCapEff:\t";
  const std::optional<Identity> identity = identity_in_status(status + "0000000000000400\n");
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->user, 997U);
  EXPECT_EQ(identity->group, 996U);
  EXPECT_THAT(identity->groups, ElementsAre(110U, 996U));
  EXPECT_FALSE(identity_in_status(status + "0000000000000004\n")) << "CAP_DAC_READ_SEARCH";
  EXPECT_FALSE(identity_in_status("Uid:\t0\t0\t0\t0\nCapEff:\t0000000000000000\n"));
  EXPECT_FALSE(identity_in_status(""));
}

class UnreadableFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can look with the eyes of another";
    std::filesystem::permissions(folder_ / ".", std::filesystem::perms(0755));
  }
  void TearDown() override {
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
  }
  std::string write(const std::string& name, unsigned mode) const {
    const std::string path = folder_ / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << "x";
    std::filesystem::permissions(path, std::filesystem::perms(mode));
    return path;
  }
  static std::vector<std::string> told(const std::vector<std::string>& files) {
    const ServiceAccount account{"nobody", {65534, 65534, {65534}}};
    std::vector<std::string> texts;
    for (const config::Problem& problem : unreadable_for(account, files)) texts.push_back(problem.text());
    return texts;
  }
  TempFolder folder_;
};

TEST_F(UnreadableFiles, are_told_with_what_lets_them_be_read) {
  const std::string key = write("site.key", 0600);
  EXPECT_THAT(
      told({write("site.pem", 0644), key}),
      ElementsAre(key + ": the service runs as nobody and cannot read it: Permission denied; `chgrp nobody " +
                  key + " && chmod g+r " + key + "` lets it"));
}

TEST_F(UnreadableFiles, are_told_with_the_folder_that_shuts_them_in) {
  const std::string key = write("shut/inner/site.key", 0644);
  std::filesystem::permissions(folder_ / "shut", std::filesystem::perms(0700));
  EXPECT_THAT(told({key}), ElementsAre(HasSubstr("; " + (folder_ / "shut") + " lets it not through")));
}

TEST_F(UnreadableFiles, are_none_where_there_is_none) {
  EXPECT_THAT(told({folder_ / "none"}), IsEmpty()) << "that has been told by the loading";
  EXPECT_THAT(told({}), IsEmpty());
}

}  // namespace
}  // namespace holdfast::master
