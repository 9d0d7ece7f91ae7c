// Workers that stand still: (event, now) -> actions.
#include "master/supervisor.h"
#include "tests/unit/master/supervisor_harness.h"

namespace holdfast::master {
namespace {

using Phase = Supervisor::Phase;

TEST(SupervisorHangs, AStandInIsStartedFirstAndTheStuckOneAbortedWhenItIsReady) {
  SupervisorHarness h;
  h.all_ready();
  const ProcessId stuck = h.newest(1);
  h.tell(event::ProcessHung{stuck});
  EXPECT_EQ(h.last_of<action::Start>().slot, 1U);
  EXPECT_EQ(h.last_count<action::Abort>(), 0U);
  h.ready(h.newest(1));
  EXPECT_TRUE(h.last_has<action::Abort>(stuck));
  h.exited(stuck);
  EXPECT_EQ(h.last_count<action::Start>(), 0U) << "its place is taken already";
  EXPECT_EQ(h.supervisor.census(h.now).ready, 2U);
  EXPECT_EQ(h.total<action::HeldBack>(), 0U);
}

TEST(SupervisorHangs, OneThatAnAbortDoesNotEndIsKilled) {
  SupervisorHarness h;
  h.all_ready();
  const ProcessId stuck = h.newest(0);
  h.tell(event::ProcessHung{stuck});
  h.ready(h.newest(0));
  h.pass(2999ms);
  EXPECT_EQ(h.total<action::Kill>(), 0U);
  h.pass(1ms);
  EXPECT_TRUE(h.last_has<action::Kill>(stuck));
  EXPECT_TRUE(h.supervisor.find(stuck)->was_hung);
}

TEST(SupervisorHangs, IsAbortedWithoutAStandInWhenNoneGetsReady) {
  SupervisorHarness h;
  h.all_ready();
  const ProcessId stuck = h.newest(0);
  h.tell(event::ProcessHung{stuck});
  h.pass(1999ms);
  EXPECT_EQ(h.total<action::Abort>(), 0U);
  h.pass(1ms);
  EXPECT_TRUE(h.last_has<action::Abort>(stuck));
}

TEST(SupervisorHangs, OneThatMovesAgainDrains) {
  SupervisorHarness h;
  h.all_ready();
  const ProcessId slow = h.newest(0);
  h.tell(event::ProcessHung{slow});
  h.tell(event::ProcessMoves{slow});
  EXPECT_TRUE(h.last_has<action::Drain>(slow));
  EXPECT_FALSE(h.supervisor.find(slow)->was_hung);
  h.ready(h.newest(0));
  EXPECT_EQ(h.total<action::Abort>(), 0U);
  h.pass(29s);
  EXPECT_EQ(h.total<action::Quit>(), 0U) << "it has the whole drain time";
}

TEST(SupervisorHangs, OneThatIsAbortedAlreadyIsNotSpared) {
  SupervisorHarness h;
  h.all_ready();
  const ProcessId stuck = h.newest(0);
  h.tell(event::ProcessHung{stuck});
  h.ready(h.newest(0));
  h.tell(event::ProcessMoves{stuck});
  EXPECT_EQ(h.last_count<action::Drain>(), 0U);
  EXPECT_EQ(h.supervisor.find(stuck)->state, ProcessState::Aborting);
}

TEST(SupervisorHangs, ADrainingOneNeedsNoStandIn) {
  SupervisorHarness h;
  h.all_ready();
  const ProcessId old = h.newest(0);
  h.reload(two_workers());
  h.all_ready();
  h.tell(event::ProcessHung{old});
  EXPECT_EQ(h.last_count<action::Start>(), 0U);
  EXPECT_TRUE(h.last_has<action::Abort>(old));
}

TEST(SupervisorHangs, DuringAReloadTheOldGenerationIsFilledUpAndTheReloadGoesOn) {
  SupervisorHarness h;
  h.all_ready();
  const ProcessId stuck = h.newest(0);
  h.reload(two_workers());
  const ProcessId successor = h.newest(0);
  h.tell(event::ProcessHung{stuck});
  EXPECT_EQ(h.last_of<action::Start>().generation, 1U);
  h.ready(successor);
  h.ready(h.newest(1));
  EXPECT_EQ(h.supervisor.generation(), 2U);
  EXPECT_TRUE(h.last_has<action::Abort>(stuck)) << "the successor is its stand-in";
}

TEST(SupervisorHangs, ASuccessorThatStandsStillFailsTheReload) {
  SupervisorHarness h;
  h.all_ready();
  h.reload(two_workers());
  const ProcessId successor = h.newest(0);
  h.ready(successor);
  h.tell(event::ProcessHung{successor});
  EXPECT_EQ(h.last_of<action::ReloadFailed>().reason, "worker 0 of the new generation stood still");
  EXPECT_TRUE(h.last_has<action::Abort>(successor)) << "the old worker is its stand-in";
  EXPECT_EQ(h.supervisor.phase(), Phase::Serving);
}

TEST(SupervisorHangs, WhileTheServerStopsNobodyTakesItsPlace) {
  SupervisorHarness h;
  h.all_ready();
  const ProcessId stuck = h.newest(0);
  h.tell(event::StopRequested{StopMode::Graceful});
  h.tell(event::ProcessHung{stuck});
  EXPECT_EQ(h.last_count<action::Start>(), 0U);
  EXPECT_TRUE(h.last_has<action::Abort>(stuck));
  h.exited(stuck);
  h.exited(h.newest(1));
  EXPECT_EQ(h.total<action::Exit>(), 1U);
}

TEST(SupervisorHangs, AStopEndsOneThatWaitsForItsStandIn) {
  SupervisorHarness h;
  h.all_ready();
  const ProcessId stuck = h.newest(0);
  h.tell(event::ProcessHung{stuck});
  h.tell(event::StopRequested{StopMode::Graceful});
  EXPECT_TRUE(h.last_has<action::Abort>(stuck));
}

TEST(SupervisorHangs, OfOneThatIsStartingOrLeavingNothingIsSaid) {
  SupervisorHarness h;
  const ProcessId starting = h.newest(0);
  h.tell(event::ProcessHung{starting});
  EXPECT_TRUE(h.last.empty());
  h.all_ready();
  h.tell(event::StopRequested{StopMode::Quick});
  h.tell(event::ProcessHung{starting});
  EXPECT_TRUE(h.last.empty());
}

}  // namespace
}  // namespace holdfast::master
