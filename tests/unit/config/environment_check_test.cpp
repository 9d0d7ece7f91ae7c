#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A configuration in a folder of its own with which nothing is wrong, `change` put in.
std::string configuration(const TempFolder& folder, const std::string& process, const std::string& root) {
  return folder.write("c.yaml", "process: {user: \"\", pid_file: " + folder.file(process) +
                                    "}\nlog: {access: {to: " + folder.file("a.log") +
                                    "}}\nsites:\n- routes:\n  - path: /*\n" + "    files: {root: " + root +
                                    "}\n");
}

std::vector<std::string> environment_of(const std::string& path) {
  const Loaded loaded = load_file(path);
  EXPECT_THAT(lines(loaded.problems), IsEmpty());
  return lines(check_environment(*loaded.config));
}

TEST(EnvironmentCheck, is_content_with_what_is_there) {
  const TempFolder folder;
  EXPECT_THAT(environment_of(configuration(folder, "x.pid", ".")), IsEmpty());
}

TEST(EnvironmentCheck, names_a_root_that_is_missing_or_no_folder_at_its_place) {
  const TempFolder folder;
  folder.write("file", "");
  EXPECT_THAT(environment_of(configuration(folder, "x.pid", "none")),
              ElementsAre(folder.file("c.yaml") + ":6:19: sites[0].routes[0].files.root: " +
                          folder.file("none") + ": No such file or directory"));
  EXPECT_THAT(environment_of(configuration(folder, "x.pid", "file")),
              ElementsAre(HasSubstr("is not a folder")));
}

TEST(EnvironmentCheck, names_a_folder_that_is_missing_for_files_to_be_written) {
  const TempFolder folder;
  EXPECT_THAT(
      environment_of(configuration(folder, "none/x.pid", ".")),
      ElementsAre(HasSubstr(":1:31: process.pid_file: the folder " + folder.file("none") + ": No such file")));
}

TEST(EnvironmentCheck, names_what_routes_ask_of_the_sandbox_and_is_not_there) {
  const TempFolder folder;
  folder.write("data/x", "");
  const auto with = [&folder](const std::string& sandbox) {
    return folder.write("c.yaml", "process: {user: \"\", pid_file: off, sandbox: " + sandbox +
                                      "}\nlog: {access: off}\nsites:\n- routes:\n  - path: /x\n    hello: {}\n"
                                      "    sandbox: {read: [data], write: [data, none]}\n");
  };
  EXPECT_THAT(environment_of(with("auto")),
              ElementsAre(folder.file("c.yaml") + ":7:36: sites[0].routes[0].sandbox.write: " +
                          folder.file("none") + ": No such file or directory"));
  EXPECT_THAT(environment_of(with("off")), IsEmpty());
}

TEST(EnvironmentCheck, asks_about_accounts_only_as_root) {
  const TempFolder folder;
  const std::string path = folder.write(
      "c.yaml", "process: {user: no-such-user, group: no-such-group, pid_file: off}\nlog: {access: off}\n" +
                    std::string(kSites));
  if (::geteuid() == 0) {
    EXPECT_THAT(environment_of(path), ElementsAre(HasSubstr(":1:17: process.user: there is no user"),
                                                  HasSubstr(":1:38: process.group: there is no")));
  } else {
    EXPECT_THAT(environment_of(path), IsEmpty());
  }
}

}  // namespace
}  // namespace holdfast::config
