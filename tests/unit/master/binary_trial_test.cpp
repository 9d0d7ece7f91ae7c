#include "master/binary_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/stats/stats_segment.h"

namespace holdfast::master {
namespace {

using ::testing::HasSubstr;

std::string layout() {
  return std::to_string(stats::layout_version());
}

TEST(BinaryTrial, BelievesABinaryThatAnswersAsThisOneWould) {
  const TrialOutcome outcome = judge_trial("/b", "ended \n" + takes_over_line());
  EXPECT_EQ(outcome.problems, "");
  EXPECT_EQ(outcome.version, HOLDFAST_VERSION);
}

TEST(BinaryTrial, ToleratesWhatItDoesNotKnow) {
  const std::string line = "takes-over handover=1 statistics=" + layout() + " version=9.0 charm=3\n";
  EXPECT_EQ(judge_trial("/b", "ended \nwarning: it is Monday\n" + line).problems, "");
}

TEST(BinaryTrial, SaysWhatIsWrong) {
  EXPECT_THAT(judge_trial("/b", std::nullopt).problems, HasSubstr("/b: the trial of it was cut short"));
  EXPECT_THAT(judge_trial("/b", "ended \n").problems, HasSubstr("/b: is no holdfast"));
  const TrialOutcome wrong = judge_trial("/b", "ended exit code 78\nx.yaml:1:2: no\n");
  EXPECT_EQ(wrong.problems, "x.yaml:1:2: no\n/b: its trial ended with exit code 78");
  EXPECT_EQ(wrong.kind, ErrorKind::Configuration);
  EXPECT_EQ(judge_trial("/b", "ended exit code 70\n").kind, ErrorKind::Unavailable);
  EXPECT_THAT(
      judge_trial("/b", "ended \ntakes-over handover=2 statistics=" + layout() + " version=9\n").problems,
      HasSubstr("in another way (2 instead of 1)"));
  EXPECT_THAT(judge_trial("/b", "ended \ntakes-over handover=1 statistics=1 version=9\n").problems,
              HasSubstr("another layout (1 instead of " + layout()));
}

TEST(BinaryTrial, RunsTheProgram) {
  EXPECT_EQ(try_binary("/bin/echo", {"echo", "hello"}), "ended \nhello --can-take-over\n");
  EXPECT_EQ(try_binary("/bin/false", {"false"}), "ended exit code 1\n");
  EXPECT_THAT(try_binary("/no/such/file", {"x"}), HasSubstr("cannot be run: No such file"));
}

}  // namespace
}  // namespace holdfast::master
