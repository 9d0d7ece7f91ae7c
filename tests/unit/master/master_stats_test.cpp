#include "master/master_stats.h"

#include <gtest/gtest.h>

#include "common/stats/stats_reader.h"
#include "tests/unit/master/supervisor_harness.h"

namespace holdfast::master {
namespace {

using stats::ExitReason;
using stats::Metric;

SlotProcess in_state(ProcessState state) {
  SlotProcess process;
  process.state = state;
  return process;
}

ExitReason reason(ProcessState state, const ExitStatus& status) {
  const SlotProcess process = in_state(state);
  return reason_of(&process, status);
}

const ExitStatus kClean{false, 0};
const ExitStatus kBadExit{false, 3};
const ExitStatus kKilled{true, 9};

TEST(ExitReasons, SayWhoWantedTheEnd) {
  EXPECT_EQ(reason(ProcessState::Draining, kClean), ExitReason::Drained);
  EXPECT_EQ(reason(ProcessState::Finishing, kClean), ExitReason::Drained);
  EXPECT_EQ(reason(ProcessState::Quitting, kClean), ExitReason::Quit);
  EXPECT_EQ(reason(ProcessState::Killing, kKilled), ExitReason::Killed);
}

TEST(ExitReasons, ACrashIsASignalWhateverTheProcessWasAskedToDo) {
  for (const ProcessState state :
       {ProcessState::Starting, ProcessState::Ready, ProcessState::Draining, ProcessState::Quitting})
    EXPECT_EQ(reason(state, kKilled), ExitReason::Signal);
}

TEST(ExitReasons, AnExitNobodyAskedForIsAnExit) {
  EXPECT_EQ(reason(ProcessState::Ready, kClean), ExitReason::Exit);
  EXPECT_EQ(reason(ProcessState::Ready, kBadExit), ExitReason::Exit);
  EXPECT_EQ(reason(ProcessState::Draining, kBadExit), ExitReason::Exit);
}

TEST(ExitReasons, AProcessThatCouldNotStartIsCountedAsSuch) {
  EXPECT_EQ(reason(ProcessState::Starting, kBadExit), ExitReason::StartFailed);
  SlotProcess failed = in_state(ProcessState::Quitting);
  failed.problem = "no such directory";
  EXPECT_EQ(reason_of(&failed, kBadExit), ExitReason::StartFailed);
}

struct MasterStatsTest : testing::Test {
  MasterStatsTest() : segment(std::move(*stats::Segment::create())), stats(segment, "x.yaml", WallTime(5s)) {}

  std::uint64_t value(Metric metric, std::uint16_t label = 0) const {
    for (const stats::SeriesSum& sum : stats::take_snapshot(segment).series)
      if (sum.key.metric == metric && sum.key.a == label) return sum.value;
    ADD_FAILURE() << "no such series";
    return 0;
  }

  stats::Segment segment;
  MasterStats stats;
};

TEST_F(MasterStatsTest, EveryReasonAndOutcomeIsThereFromTheStart) {
  for (std::uint16_t n = 0; n < static_cast<std::uint16_t>(ExitReason::kCount); ++n)
    EXPECT_EQ(value(Metric::WorkerExits, n), 0U);
  EXPECT_EQ(value(Metric::ConfigReloads, 0), 0U);
  EXPECT_EQ(value(Metric::ConfigReloads, 1), 0U);
  EXPECT_EQ(value(Metric::ConfigLastReloadSuccessful), 1U);
  EXPECT_EQ(value(Metric::StartTime), 5'000'000'000U);
}

TEST_F(MasterStatsTest, WorkersAreCountedByState) {
  SupervisorHarness h;
  h.ready(h.newest(0));
  h.exited(h.newest(1));
  h.exited(h.newest(1));
  stats.publish(h.supervisor, h.now);
  EXPECT_EQ(value(Metric::Workers, static_cast<std::uint16_t>(stats::WorkerState::Ready)), 1U);
  EXPECT_EQ(value(Metric::Workers, static_cast<std::uint16_t>(stats::WorkerState::BackingOff)), 1U);
  EXPECT_EQ(value(Metric::WorkersWanted), 2U);
  EXPECT_EQ(value(Metric::Generation), 1U);
}

TEST_F(MasterStatsTest, TheLimitOfConnectionsIsThatOfTheServingConfiguration) {
  config::Limits limits;
  limits.connections = 4000;
  stats.show_limits(limits);
  EXPECT_EQ(value(Metric::ConnectionsLimit), 4000U);
  limits.connections = 10;
  stats.show_limits(limits);
  EXPECT_EQ(value(Metric::ConnectionsLimit), 10U);
}

TEST_F(MasterStatsTest, RefusedReloadIsCountedAndItsReasonsAreKept) {
  stats.note_reload(false, "x.yaml:1:1: no", WallTime(9s));
  EXPECT_EQ(value(Metric::ConfigReloads, static_cast<std::uint16_t>(stats::ReloadResult::Failure)), 1U);
  EXPECT_EQ(value(Metric::ConfigLastReloadSuccessful), 0U);
  EXPECT_EQ(value(Metric::ConfigLastReloadSuccessTimestamp), 5'000'000'000U);
  EXPECT_EQ(stats::read_reloads(segment.reloads()).back().text, "x.yaml:1:1: no");
  stats.note_reload(true, "", WallTime(12s));
  EXPECT_EQ(value(Metric::ConfigLastReloadSuccessful), 1U);
  EXPECT_EQ(value(Metric::ConfigLastReloadSuccessTimestamp), 12'000'000'000U);
}

}  // namespace
}  // namespace holdfast::master
