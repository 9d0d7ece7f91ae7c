// Start, crash, stop, number of workers. Reloads have a file of their own.
#include "master/supervisor.h"

#include "tests/unit/master/supervisor_harness.h"

namespace holdfast::master {
namespace {

using Phase = Supervisor::Phase;

TEST(SupervisorStart, StartsOneProcessASlotAndTheAdminProcess) {
  Settings settings = two_workers();
  settings.admin = true;
  const SupervisorHarness h(settings);
  ASSERT_EQ(h.started.size(), 3U);
  EXPECT_EQ(h.started[0].slot, 0U);
  EXPECT_EQ(h.started[1].slot, 1U);
  EXPECT_EQ(h.started[2].slot, stats::kAdminSlot);
  for (const action::Start& start : h.started) EXPECT_EQ(start.generation, 1U);
}

TEST(SupervisorStart, IsReadyOnlyWhenEveryWorkerIs) {
  SupervisorHarness h;
  h.ready(h.newest(0));
  EXPECT_EQ(h.total<action::ServerReady>(), 0U);
  h.ready(h.newest(1));
  const auto ready = h.last_of<action::ServerReady>();
  EXPECT_EQ(ready.generation, 1U);
  EXPECT_EQ(ready.workers, 2U);
  EXPECT_EQ(ready.wanted, 2U);
  EXPECT_EQ(h.supervisor.phase(), Phase::Serving);
}

TEST(SupervisorStart, ServesWithTheOthersWhenOneWorkerCannotStart) {
  SupervisorHarness h;
  h.ready(h.newest(0));
  h.exited(h.newest(1));
  const auto ready = h.last_of<action::ServerReady>();
  EXPECT_EQ(ready.workers, 1U);
  EXPECT_EQ(ready.wanted, 2U);
}

TEST(SupervisorStart, FailsWithTheWorkersWordsWhenNoneCanStart) {
  SupervisorHarness h;
  const ProcessId first = h.newest(0);
  const ProcessId second = h.newest(1);
  h.tell(event::ProcessFailed{first, "no route to anywhere"});
  h.exited(first);
  EXPECT_EQ(h.total<action::StartFailed>(), 0U);
  h.tell(event::ProcessFailed{second, "no route to anywhere"});
  h.exited(second);
  EXPECT_NE(h.last_of<action::StartFailed>().reason.find("no route to anywhere"), std::string::npos);
  h.exited(h.newest(0));
  h.exited(h.newest(1));
  EXPECT_EQ(h.last_count<action::Exit>(), 1U);
}

TEST(SupervisorStart, KillsAWorkerThatIsNotReadyInTime) {
  SupervisorHarness h;
  h.ready(h.newest(0));
  const ProcessId late = h.newest(1);
  h.pass(9999ms);
  EXPECT_EQ(h.total<action::Kill>(), 0U);
  h.pass(1ms);
  EXPECT_TRUE(h.last_has<action::Kill>(late));
  h.exited(late);
  EXPECT_EQ(h.last_of<action::ServerReady>().workers, 1U);
}

TEST(SupervisorStart, DoesNotWaitForAnAdminProcessThatCannotStart) {
  Settings settings = two_workers();
  settings.admin = true;
  SupervisorHarness h(settings);
  h.exited(h.newest(stats::kAdminSlot));
  h.all_ready();
  EXPECT_EQ(h.total<action::ServerReady>(), 1U);
}

TEST(SupervisorCrash, RefillsTheSlotAtOnceWithTheServingGeneration) {
  SupervisorHarness h;
  h.all_ready();
  h.pass(5s);
  h.exited(h.newest(1));
  const auto start = h.last_of<action::Start>();
  EXPECT_EQ(start.slot, 1U);
  EXPECT_EQ(start.generation, 1U);
}

TEST(SupervisorCrash, KillEvery300MsIsRepairedAtOnceEachTime) {
  SupervisorHarness h;
  h.all_ready();
  for (int n = 0; n < 34; ++n) {
    h.pass(300ms);
    h.exited(h.newest(0));
    ASSERT_EQ(h.last_count<action::Start>(), 1U) << "after kill " << n;
    h.ready(h.newest(0));
  }
}

TEST(SupervisorCrash, SlotThatDiesAtOnceIsStartedAtMostTenTimesInThreeSecondsAndOthersAreLeftAlone) {
  SupervisorHarness h;
  h.ready(h.newest(0));
  const TimePoint begin = h.now;
  int forks = 1;
  h.exited(h.newest(1));
  while (h.now < begin + 3s) {
    if (h.last_count<action::Start>() == 0) {
      h.now = h.supervisor.next_deadline();
      if (h.now >= begin + 3s) break;
      h.tick();
    }
    ASSERT_EQ(h.last_of<action::Start>().slot, 1U);
    ++forks;
    h.now += 1ms;
    h.exited(h.newest(1));
  }
  EXPECT_GT(forks, 3);
  EXPECT_LE(forks, 10);
  EXPECT_EQ(h.supervisor.census(h.now).ready, 1U);
}

TEST(SupervisorCrash, SaysThatASlotIsHeldBackAndCountsIt) {
  SupervisorHarness h;
  h.ready(h.newest(0));
  h.exited(h.newest(1));
  h.exited(h.newest(1));
  const auto held = h.last_of<action::HeldBack>();
  EXPECT_EQ(held.slot, 1U);
  EXPECT_EQ(held.delay, 50ms);
  EXPECT_EQ(h.supervisor.census(h.now).backing_off, 1U);
  h.pass(50ms);
  EXPECT_EQ(h.last_of<action::Start>().slot, 1U);
}

TEST(SupervisorCrash, EndOfAnUnknownProcessChangesNothing) {
  SupervisorHarness h;
  h.all_ready();
  h.exited(4711);
  h.ready(4711);
  EXPECT_TRUE(h.last.empty());
}

TEST(SupervisorStop, GracefulStopDrainsAndEndsWhenAllAreGone) {
  SupervisorHarness h;
  h.all_ready();
  h.tell(event::StopRequested{StopMode::Graceful});
  EXPECT_EQ(h.last_count<action::Drain>(), 2U);
  EXPECT_EQ(h.last_of<action::Drain>().deadline, 30s);
  EXPECT_EQ(h.last_count<action::SendAway>(), 2U);
  h.exited(h.newest(0));
  EXPECT_EQ(h.total<action::Exit>(), 0U);
  h.exited(h.newest(1));
  EXPECT_EQ(h.last_count<action::Exit>(), 1U);
  EXPECT_EQ(h.started.size(), 2U) << "nothing is started while stopping";
}

TEST(SupervisorStop, WorkerPastTheDrainDeadlineIsToldToQuitAndThenKilled) {
  SupervisorHarness h;
  h.all_ready();
  h.tell(event::StopRequested{StopMode::Graceful});
  h.exited(h.newest(0));
  h.pass(29'999ms);
  EXPECT_EQ(h.total<action::Quit>(), 0U);
  h.pass(1ms);
  EXPECT_TRUE(h.last_has<action::Quit>(h.newest(1)));
  h.pass(1s);
  EXPECT_TRUE(h.last_has<action::Kill>(h.newest(1)));
  EXPECT_EQ(h.supervisor.next_deadline(), kNever);
  h.exited(h.newest(1));
  EXPECT_EQ(h.last_count<action::Exit>(), 1U);
}

TEST(SupervisorStop, SecondRequestEndsAtOnce) {
  SupervisorHarness h;
  h.all_ready();
  h.tell(event::StopRequested{StopMode::Graceful});
  h.tell(event::StopRequested{StopMode::Graceful});
  EXPECT_EQ(h.last_count<action::Quit>(), 2U);
  h.pass(1s);
  EXPECT_EQ(h.last_count<action::Kill>(), 2U);
}

TEST(SupervisorStop, QuickStopTellsAllToQuitAndKillsAfterASecond) {
  SupervisorHarness h;
  h.all_ready();
  h.tell(event::StopRequested{StopMode::Quick});
  EXPECT_EQ(h.last_count<action::Quit>(), 2U);
  EXPECT_EQ(h.last_count<action::Drain>(), 0U);
  h.pass(1s);
  EXPECT_EQ(h.last_count<action::Kill>(), 2U);
}

TEST(SupervisorStop, AdminProcessStaysUntilTheWorkersAreGone) {
  Settings settings = two_workers();
  settings.admin = true;
  SupervisorHarness h(settings);
  h.all_ready();
  const ProcessId admin = h.newest(stats::kAdminSlot);
  h.tell(event::StopRequested{StopMode::Graceful});
  EXPECT_FALSE(h.last_has<action::Drain>(admin));
  h.exited(h.newest(0));
  h.exited(h.newest(1));
  EXPECT_TRUE(h.last_has<action::Quit>(admin));
  EXPECT_EQ(h.total<action::Exit>(), 0U);
  h.exited(admin);
  EXPECT_EQ(h.last_count<action::Exit>(), 1U);
}

TEST(SupervisorStop, StopDuringStartEndsTheStartingWorkers) {
  SupervisorHarness h;
  h.tell(event::StopRequested{StopMode::Graceful});
  EXPECT_EQ(h.last_count<action::Drain>(), 2U);
  h.exited(h.newest(0));
  h.exited(h.newest(1));
  EXPECT_EQ(h.last_count<action::Exit>(), 1U);
}

TEST(SupervisorStop, ReloadWhileStoppingIsIgnored) {
  SupervisorHarness h;
  h.all_ready();
  h.tell(event::StopRequested{StopMode::Graceful});
  h.tell(event::ReloadRequested{});
  EXPECT_EQ(h.last_count<action::PrepareReload>(), 0U);
}

TEST(SupervisorWorkers, OneMoreAndOneFewerArePreparedLikeAReload) {
  SupervisorHarness h;
  h.all_ready();
  h.tell(event::WorkersRequested{+1});
  EXPECT_EQ(h.last_of<action::PrepareWorkers>().workers, 3U);
  Settings three = two_workers();
  three.workers = 3;
  h.tell(event::ReloadPrepared{three});
  EXPECT_EQ(h.last_count<action::Start>(), 3U);
  h.all_ready();
  EXPECT_EQ(h.supervisor.wanted_workers(), 3U);
  h.tell(event::WorkersRequested{-1});
  EXPECT_EQ(h.last_of<action::PrepareWorkers>().workers, 2U);
}

TEST(SupervisorWorkers, ChangesAskedForDuringAReloadAreAddedUpAndMadeAfterIt) {
  SupervisorHarness h;
  h.all_ready();
  h.reload(two_workers());
  h.tell(event::WorkersRequested{+1});
  h.tell(event::WorkersRequested{+1});
  EXPECT_EQ(h.total<action::PrepareWorkers>(), 0U);
  h.all_ready();
  EXPECT_EQ(h.last_of<action::PrepareWorkers>().workers, 4U);
}

TEST(SupervisorWorkers, AWaitingReloadOverridesWaitingChanges) {
  SupervisorHarness h;
  h.all_ready();
  h.reload(two_workers());
  h.tell(event::WorkersRequested{+1});
  h.tell(event::ReloadRequested{});
  h.all_ready();
  EXPECT_EQ(h.last_count<action::PrepareReload>(), 1U);
  h.tell(event::ReloadRefused{"no"});
  EXPECT_EQ(h.total<action::PrepareWorkers>(), 0U);
}

TEST(SupervisorWorkers, AreRenewedOnceHoweverManyOfThemAskForIt) {
  SupervisorHarness h;
  h.all_ready();
  const ProcessId first = h.newest(0);
  const ProcessId second = h.newest(1);
  h.tell(event::RenewalRequested{first, "/srv/www"});
  EXPECT_EQ(h.last_of<action::PrepareWorkers>().workers, 2U);
  EXPECT_EQ(h.last_of<action::PrepareWorkers>().replaced, "/srv/www");
  h.tell(event::RenewalRequested{second, "/srv/www"});
  h.tell(event::ReloadPrepared{two_workers()});
  h.tell(event::RenewalRequested{second, "/srv/www"});
  h.all_ready();
  h.tell(event::RenewalRequested{second, "/srv/www"});
  EXPECT_EQ(h.total<action::PrepareWorkers>(), 1U) << "those that leave are not listened to";
  EXPECT_EQ(h.supervisor.generation(), 2U);
}

TEST(SupervisorWorkers, TheLastWorkerIsNotTakenAway) {
  Settings one = two_workers();
  one.workers = 1;
  SupervisorHarness h(one);
  h.all_ready();
  h.tell(event::WorkersRequested{-1});
  EXPECT_EQ(h.last_count<action::PrepareWorkers>(), 0U);
  EXPECT_EQ(h.supervisor.phase(), Phase::Serving);
}

TEST(SupervisorWorkers, DrainedWorkersAreNotReplacedUntilAReload) {
  SupervisorHarness h;
  h.all_ready();
  h.tell(event::DrainWorkers{});
  EXPECT_EQ(h.last_count<action::Drain>(), 2U);
  EXPECT_EQ(h.last_count<action::SendAway>(), 0U);
  h.exited(h.newest(0));
  h.exited(h.newest(1));
  h.pass(60s);
  EXPECT_EQ(h.started.size(), 2U);
  EXPECT_EQ(h.total<action::Exit>(), 0U);
  EXPECT_EQ(h.supervisor.wanted_workers(), 0U);
  h.reload(two_workers());
  EXPECT_EQ(h.started.size(), 4U);
  h.all_ready();
  EXPECT_EQ(h.total<action::ReloadSucceeded>(), 1U);
  EXPECT_EQ(h.supervisor.census(h.now).ready, 2U);
}

}  // namespace
}  // namespace holdfast::master
