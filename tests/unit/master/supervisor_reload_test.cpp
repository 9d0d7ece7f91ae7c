#include "master/supervisor.h"
#include "tests/unit/master/supervisor_harness.h"

namespace holdfast::master {
namespace {

using Phase = Supervisor::Phase;

struct Serving : SupervisorHarness {
  explicit Serving(const Settings& settings = two_workers()) : SupervisorHarness(settings) {
    all_ready();
    old = started;
  }
  std::vector<action::Start> old;
};

TEST(SupervisorReload, OldWorkersDrainOnlyWhenEveryNewOneIsReady) {
  Serving h;
  h.tell(event::ReloadRequested{});
  EXPECT_EQ(h.last_count<action::PrepareReload>(), 1U);
  h.tell(event::ReloadPrepared{two_workers()});
  EXPECT_EQ(h.last_count<action::Start>(), 2U);
  EXPECT_EQ(h.last_of<action::Start>().generation, 2U);
  h.ready(h.newest(0));
  EXPECT_EQ(h.total<action::Drain>(), 0U);
  h.ready(h.newest(1));
  EXPECT_EQ(h.last_of<action::ReloadSucceeded>().generation, 2U);
  EXPECT_TRUE(h.last_has<action::Drain>(h.old[0].id));
  EXPECT_TRUE(h.last_has<action::Drain>(h.old[1].id));
  EXPECT_EQ(h.supervisor.generation(), 2U);
  EXPECT_EQ(h.supervisor.phase(), Phase::Serving);
}

TEST(SupervisorReload, NewGenerationServesBeforeAnyOldWorkerDrains) {
  Serving h;
  h.reload(two_workers());
  h.all_ready();
  const auto is_replaced = [](const Action& a) { return std::holds_alternative<action::Replaced>(a); };
  const auto is_drain = [](const Action& a) { return std::holds_alternative<action::Drain>(a); };
  const auto replaced = std::find_if(h.all.begin(), h.all.end(), is_replaced);
  const auto drain = std::find_if(h.all.begin(), h.all.end(), is_drain);
  ASSERT_NE(replaced, h.all.end());
  EXPECT_LT(replaced, drain);
}

struct Settling : Serving {
  Settling() {
    drains_are_confirmed = false;
    reload(two_workers());
    ready(newest(0));
    ready(newest(1));
  }
};

TEST(SupervisorReload, SuccessIsToldOnlyWhenNoOldWorkerAcceptsAnyMore) {
  Settling h;
  EXPECT_EQ(h.supervisor.phase(), Phase::Settling);
  EXPECT_EQ(h.supervisor.generation(), 2U);
  h.tell(event::ProcessClosed{h.old[0].id});
  EXPECT_EQ(h.total<action::ReloadSucceeded>(), 0U);
  h.tell(event::ProcessClosed{h.old[1].id});
  EXPECT_EQ(h.last_count<action::ReloadSucceeded>(), 1U);
  EXPECT_EQ(h.supervisor.phase(), Phase::Serving);
}

TEST(SupervisorReload, EndOfAnOldWorkerIsAsGoodAsItsWord) {
  Settling h;
  h.exited(h.old[0].id);
  h.exited(h.old[1].id);
  EXPECT_EQ(h.last_count<action::ReloadSucceeded>(), 1U);
}

TEST(SupervisorReload, OldWorkerThatIsStuckHoldsTheReloadUpForASecondOnly) {
  Settling h;
  h.tell(event::ProcessClosed{h.old[0].id});
  h.pass(999ms);
  EXPECT_EQ(h.total<action::ReloadSucceeded>(), 0U);
  h.pass(1ms);
  EXPECT_EQ(h.total<action::ReloadSucceeded>(), 1U);
  EXPECT_EQ(h.supervisor.phase(), Phase::Serving);
}

TEST(SupervisorReload, CrashWhileSettlingIsRepairedAtOnce) {
  Settling h;
  h.pass(500ms);
  h.exited(h.newest(1));
  EXPECT_EQ(h.last_of<action::Start>().generation, 2U);
  EXPECT_EQ(h.supervisor.phase(), Phase::Settling);
}

TEST(SupervisorReload, RequestWhileSettlingIsServedAfterIt) {
  Settling h;
  h.tell(event::ReloadRequested{});
  EXPECT_EQ(h.last_count<action::PrepareReload>(), 0U);
  h.pass(1s);
  EXPECT_EQ(h.total<action::PrepareReload>(), 2U);
}

TEST(SupervisorReload, DrainAskedMeanwhileIsDoneAfterIt) {
  Serving h;
  h.reload(two_workers());
  h.tell(event::DrainWorkers{});
  EXPECT_EQ(h.total<action::Drain>(), 0U);
  h.ready(h.newest(0));
  h.ready(h.newest(1));
  EXPECT_EQ(h.total<action::Drain>(), 4U) << "the old ones, then the new ones";
  h.pass(1s);
  EXPECT_EQ(h.started.size(), 4U);
}

TEST(SupervisorReload, StopWhileSettlingTellsTheSuccessFirst) {
  Settling h;
  h.tell(event::StopRequested{StopMode::Graceful});
  EXPECT_EQ(h.total<action::ReloadSucceeded>(), 1U);
  EXPECT_EQ(h.total<action::ReloadFailed>(), 0U);
  EXPECT_EQ(h.last_count<action::Drain>(), 2U) << "the new workers; the old ones drain already";
  EXPECT_EQ(h.supervisor.phase(), Phase::Stopping);
}

TEST(SupervisorReload, EndOfADrainedWorkerStartsNothing) {
  Serving h;
  h.reload(two_workers());
  h.all_ready();
  h.exited(h.old[0].id);
  h.exited(h.old[1].id);
  EXPECT_EQ(h.started.size(), 4U);
  EXPECT_EQ(h.supervisor.census(h.now).draining, 0U);
}

TEST(SupervisorReload, RefusedConfigurationChangesNothing) {
  Serving h;
  h.tell(event::ReloadRequested{});
  h.tell(event::ReloadRefused{"x.yaml:3:1: unknown key", ErrorKind::Configuration});
  const auto failed = h.last_of<action::ReloadFailed>();
  EXPECT_EQ(failed.reason, "x.yaml:3:1: unknown key");
  EXPECT_EQ(failed.kind, ErrorKind::Configuration);
  EXPECT_EQ(failed.kept_generation, 1U);
  EXPECT_EQ(h.started.size(), 2U);
  EXPECT_EQ(h.total<action::Drain>() + h.total<action::Quit>(), 0U);
  EXPECT_EQ(h.supervisor.phase(), Phase::Serving);
}

TEST(SupervisorReload, OneNewWorkerThatFailsEndsTheNewGenerationAndKeepsTheOld) {
  Serving h;
  h.reload(two_workers());
  const ProcessId good = h.newest(0);
  const ProcessId bad = h.newest(1);
  h.ready(good);
  h.tell(event::ProcessFailed{bad, "module is of another interface", ErrorKind::Configuration});
  const auto failed = h.last_of<action::ReloadFailed>();
  EXPECT_NE(failed.reason.find("worker 1: module is of another interface"), std::string::npos);
  EXPECT_EQ(failed.kind, ErrorKind::Configuration);
  EXPECT_TRUE(h.last_has<action::Drain>(good)) << "it has accepted connections already";
  EXPECT_TRUE(h.last_has<action::Quit>(bad));
  EXPECT_EQ(h.total<action::Drain>(), 1U);
  h.exited(good);
  h.exited(bad);
  EXPECT_EQ(h.supervisor.generation(), 1U);
  EXPECT_EQ(h.supervisor.census(h.now).ready, 2U);
  EXPECT_EQ(h.started.size(), 4U);
}

TEST(SupervisorReload, OneNewWorkerThatDiesFailsTheReloadOnce) {
  Serving h;
  h.reload(two_workers());
  h.tell(event::ProcessExited{h.newest(1), "signal 11 (SIGSEGV)"});
  EXPECT_NE(h.last_of<action::ReloadFailed>().reason.find("signal 11"), std::string::npos);
  EXPECT_EQ(h.last_of<action::ReloadFailed>().kind, ErrorKind::Unavailable);
  h.exited(h.newest(0));
  EXPECT_EQ(h.total<action::ReloadFailed>(), 1U);
}

TEST(SupervisorReload, NewWorkerThatIsLateFailsTheReloadAndIsEndedSoon) {
  Serving h;
  h.reload(two_workers());
  h.ready(h.newest(0));
  h.pass(9999ms);
  EXPECT_EQ(h.total<action::ReloadFailed>(), 0U);
  h.pass(1ms);
  EXPECT_NE(h.last_of<action::ReloadFailed>().reason.find("worker 1 was not ready within 10000 ms"),
            std::string::npos);
  EXPECT_TRUE(h.last_has<action::Quit>(h.newest(1)));
  h.pass(1s);
  EXPECT_TRUE(h.last_has<action::Kill>(h.newest(1)));
  EXPECT_EQ(h.supervisor.phase(), Phase::Serving);
}

TEST(SupervisorReload, GenerationNumbersAreNotUsedTwice) {
  Serving h;
  h.reload(two_workers());
  h.exited(h.newest(0));
  h.reload(two_workers());
  EXPECT_EQ(h.last_of<action::Start>().generation, 3U);
  h.ready(h.newest(0));
  h.ready(h.newest(1));
  EXPECT_EQ(h.supervisor.generation(), 3U);
}

TEST(SupervisorReload, RequestsDuringAReloadAreRememberedOnce) {
  Serving h;
  h.reload(two_workers());
  h.tell(event::ReloadRequested{});
  h.tell(event::ReloadRequested{});
  h.tell(event::ReloadRequested{});
  EXPECT_EQ(h.total<action::PrepareReload>(), 1U);
  h.ready(h.newest(0));
  h.ready(h.newest(1));
  EXPECT_EQ(h.last_count<action::PrepareReload>(), 1U);
  h.tell(event::ReloadPrepared{two_workers()});
  h.ready(h.newest(0));
  h.ready(h.newest(1));
  EXPECT_EQ(h.total<action::ReloadSucceeded>(), 2U);
  EXPECT_EQ(h.total<action::PrepareReload>(), 2U);
}

TEST(SupervisorReload, RequestDuringAReloadThatFailsIsStillServed) {
  Serving h;
  h.reload(two_workers());
  h.tell(event::ReloadRequested{});
  h.exited(h.newest(0));
  EXPECT_EQ(h.last_count<action::ReloadFailed>(), 1U);
  EXPECT_EQ(h.last_count<action::PrepareReload>(), 1U);
}

TEST(SupervisorReload, RequestDuringTheStartWaitsUntilTheServerIsReady) {
  SupervisorHarness h;
  h.tell(event::ReloadRequested{});
  EXPECT_EQ(h.last_count<action::PrepareReload>(), 0U);
  h.all_ready();
  EXPECT_EQ(h.last_count<action::ServerReady>(), 1U);
  EXPECT_EQ(h.last_count<action::PrepareReload>(), 1U);
}

TEST(SupervisorReload, OldWorkerThatCrashesMeanwhileIsReplacedByItsOwnGeneration) {
  Serving h;
  h.reload(two_workers());
  h.pass(1s);
  h.exited(h.old[0].id);
  const auto start = h.last_of<action::Start>();
  EXPECT_EQ(start.generation, 1U);
  EXPECT_EQ(h.supervisor.phase(), Phase::Replacing);
  for (const action::Start& s : std::vector(h.started)) h.ready(s.id);
  EXPECT_EQ(h.total<action::ReloadSucceeded>(), 1U);
  EXPECT_EQ(h.supervisor.census(h.now).ready, 2U);
}

TEST(SupervisorReload, OldestGenerationIsEndedWhenTooManyDrain) {
  Serving h;  // two old generations may drain
  for (int n = 0; n < 2; ++n) {
    h.reload(two_workers());
    h.ready(h.newest(0));
    h.ready(h.newest(1));
  }
  EXPECT_EQ(h.total<action::Finish>(), 0U);
  h.reload(two_workers());
  h.ready(h.newest(0));
  h.ready(h.newest(1));
  EXPECT_EQ(h.last_count<action::Finish>(), 2U);
  EXPECT_TRUE(h.last_has<action::Finish>(h.old[0].id));
  EXPECT_TRUE(h.last_has<action::Finish>(h.old[1].id));
  h.pass(1s);
  EXPECT_TRUE(h.last_has<action::Quit>(h.old[0].id));
  h.pass(1s);
  EXPECT_TRUE(h.last_has<action::Kill>(h.old[0].id));
}

TEST(SupervisorReload, MoreWorkersStartInNewSlotsAndTheOldCountServesMeanwhile) {
  Serving h;
  Settings four = two_workers();
  four.workers = 4;
  h.reload(four);
  EXPECT_EQ(h.last_count<action::Start>(), 4U);
  for (const action::Start& start : h.started)
    if (start.slot >= 2) {
      EXPECT_EQ(start.generation, 2U) << "the old generation has no business there";
    }
  EXPECT_EQ(h.supervisor.wanted_workers(), 2U);
  h.all_ready();
  EXPECT_EQ(h.supervisor.wanted_workers(), 4U);
  EXPECT_EQ(h.supervisor.census(h.now).ready, 4U);
}

TEST(SupervisorReload, FewerWorkersDrainTheLeavingSlotWithTheRest) {
  Serving h;
  Settings one = two_workers();
  one.workers = 1;
  h.reload(one);
  EXPECT_EQ(h.last_count<action::Start>(), 1U);
  h.ready(h.newest(0));
  EXPECT_TRUE(h.last_has<action::Drain>(h.old[0].id));
  EXPECT_TRUE(h.last_has<action::Drain>(h.old[1].id));
  h.exited(h.old[1].id);
  h.pass(60s);
  EXPECT_EQ(h.started.size(), 3U) << "the leaving slot is not refilled";
}

TEST(SupervisorReload, FailedGrowthLeavesNoNewSlotBehind) {
  Serving h;
  Settings three = two_workers();
  three.workers = 3;
  h.reload(three);
  for (std::uint32_t slot = 0; slot < 3; ++slot) h.exited(h.newest(slot));
  h.pass(60s);
  EXPECT_EQ(h.total<action::ReloadFailed>(), 1U);
  EXPECT_EQ(h.started.size(), 5U) << "nothing is started in the slot that was not to be";
  EXPECT_EQ(h.supervisor.wanted_workers(), 2U);
}

TEST(SupervisorReload, AdminProcessComesAndGoesWithTheConfiguration) {
  Serving h;
  Settings with_admin = two_workers();
  with_admin.admin = true;
  h.reload(with_admin);
  const ProcessId admin = h.newest(stats::kAdminSlot);
  EXPECT_NE(admin, 0U);
  h.all_ready();
  h.reload(two_workers());
  h.ready(h.newest(0));
  h.ready(h.newest(1));
  EXPECT_TRUE(h.last_has<action::Drain>(admin));
  h.exited(admin);
  h.pass(60s);
  EXPECT_EQ(h.newest(stats::kAdminSlot), admin);
}

TEST(SupervisorReload, NewDrainDeadlineAppliesToTheWorkersItReplaces) {
  Serving h;
  Settings patient = two_workers();
  patient.shutdown_timeout = 90s;
  h.reload(patient);
  h.all_ready();
  EXPECT_EQ(h.last_of<action::Drain>().deadline, 90s);
}

TEST(SupervisorReload, StopDuringAReloadFailsItAndEndsEverything) {
  Serving h;
  h.reload(two_workers());
  h.tell(event::ReloadRequested{});
  h.tell(event::StopRequested{StopMode::Graceful});
  EXPECT_EQ(h.last_count<action::ReloadFailed>(), 1U);
  EXPECT_EQ(h.last_count<action::Drain>(), 2U);
  EXPECT_EQ(h.last_count<action::Quit>(), 2U);
  EXPECT_EQ(h.last_count<action::PrepareReload>(), 0U);
  for (const action::Start& start : std::vector(h.started)) h.exited(start.id);
  EXPECT_EQ(h.last_count<action::Exit>(), 1U);
}

TEST(SupervisorReload, HundredReloadsLeaveOnlyTheLastGenerationBehind) {
  Serving h;
  for (int n = 0; n < 100; ++n) {
    const std::vector<ProcessId> old{h.newest(0), h.newest(1)};
    h.reload(two_workers());
    h.ready(h.newest(0));
    h.ready(h.newest(1));
    for (const ProcessId id : old) h.exited(id);
  }
  EXPECT_EQ(h.supervisor.generation(), 101U);
  EXPECT_EQ(h.supervisor.census(h.now).ready, 2U);
  EXPECT_EQ(h.supervisor.census(h.now).draining, 0U);
}

}  // namespace
}  // namespace holdfast::master
