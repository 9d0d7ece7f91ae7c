#include "master/client.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

TEST(PidFileInText, IsFoundInAConfigurationThatDoesNotLoad) {
  EXPECT_EQ(pid_file_in_text("process:\n  pid_file: /run/a.pid\n  wrokers: [\n"), "/run/a.pid");
  EXPECT_EQ(pid_file_in_text("process: {workers: 2, pid_file: \"/run/b.pid\", x: }"), "/run/b.pid");
  EXPECT_EQ(pid_file_in_text("  pid_file: /run/c.pid  # here\r\n"), "/run/c.pid");
}

TEST(PidFileInText, OffIsNoFile) {
  EXPECT_EQ(pid_file_in_text("process: {pid_file: off}"), "");
}

TEST(PidFileInText, CommentsDoNotCount) {
  EXPECT_EQ(pid_file_in_text("# pid_file: /run/old.pid\npid_file: /run/new.pid\n"), "/run/new.pid");
}

TEST(PidFileInText, IsUnknownWhenNoneIsNamed) {
  EXPECT_EQ(pid_file_in_text(""), std::nullopt);
  EXPECT_EQ(pid_file_in_text("sites: []\n"), std::nullopt);
  EXPECT_EQ(pid_file_in_text("pid_file:"), "");
}

}  // namespace
}  // namespace holdfast::master
