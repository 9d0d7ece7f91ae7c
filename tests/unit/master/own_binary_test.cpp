#include "master/own_binary.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

using Paths = std::vector<std::string>;

TEST(OwnBinary, IsWhereItWasCalledFrom) {
  EXPECT_EQ(possible_paths({"/usr/sbin/holdfast", "/", "/bin", "/usr/sbin/holdfast"}),
            (Paths{"/usr/sbin/holdfast", "/usr/sbin/holdfast"}));
  EXPECT_EQ(possible_paths({"./holdfast", "/srv/app", "", ""}), Paths{"/srv/app/holdfast"});
  EXPECT_EQ(possible_paths({"../bin/holdfast", "/srv/app", "", ""}), Paths{"/srv/bin/holdfast"});
}

TEST(OwnBinary, KeepsTheLinkThatItWasCalledBy) {
  EXPECT_EQ(possible_paths({"/opt/current/holdfast", "/", "", "/opt/v1/holdfast"}).front(),
            "/opt/current/holdfast");
}

TEST(OwnBinary, IsLookedForAlongThePath) {
  EXPECT_EQ(possible_paths({"holdfast", "/srv", "/usr/bin::/sbin", "/usr/sbin/holdfast"}),
            (Paths{"/usr/bin/holdfast", "/srv/holdfast", "/sbin/holdfast", "/usr/sbin/holdfast"}));
}

TEST(OwnBinary, ForgetsThatItsFileIsGone) {
  EXPECT_EQ(possible_paths({"", "/", "", "/usr/sbin/holdfast (deleted)"}), Paths{"/usr/sbin/holdfast"});
}

TEST(OwnBinary, OfThisTestIsThisTest) {
  char name[] = "unit_master";
  char* arguments[] = {name, nullptr};
  const OwnBinary own = OwnBinary::of_this_process(1, arguments);
  EXPECT_TRUE(own.path.ends_with("unit_master")) << own.path;
  EXPECT_TRUE(own.file);
  EXPECT_EQ(own.arguments, Paths{"unit_master"});
}

}  // namespace
}  // namespace holdfast::master
