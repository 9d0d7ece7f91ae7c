#include "master/control_link.h"

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

TEST(ControlAnswer, TellsTheExitCodeThatTheServerNames) {
  const ControlAnswer good = read_control_answer("ok reload complete\n");
  EXPECT_EQ(good.code, kExitOk);
  EXPECT_EQ(good.text, "reload complete\n");
  const ControlAnswer bad = read_control_answer("failed 78 reload refused\nx.yaml:3:1: no\n");
  EXPECT_EQ(bad.code, kExitConfiguration);
  EXPECT_EQ(bad.text, "reload refused\nx.yaml:3:1: no\n");
}

TEST(ControlAnswer, IsUnavailableWhereNoneIsNamed) {
  EXPECT_EQ(read_control_answer("failed the server is stopping\n").code, kExitUnavailable);
  EXPECT_EQ(read_control_answer("failed 3\n").code, kExitUnavailable);
  EXPECT_EQ(read_control_answer("failed 3\n").text, "3\n");
  EXPECT_EQ(read_control_answer("").code, kExitUnavailable);
  EXPECT_EQ(read_control_answer("").text, "the server ended without an answer\n");
}

}  // namespace
}  // namespace holdfast::master
