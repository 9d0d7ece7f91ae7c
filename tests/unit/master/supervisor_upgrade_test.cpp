// From one binary to another: what is asked for when, and how the next supervisor goes on.
#include "tests/unit/master/supervisor_harness.h"

namespace holdfast::master {
namespace {

using Phase = Supervisor::Phase;

TEST(SupervisorUpgrade, IsPreparedWhileTheWorkersServeOn) {
  SupervisorHarness h;
  h.all_ready();
  h.tell(event::UpgradeRequested{});
  EXPECT_EQ(h.last_count<action::PrepareUpgrade>(), 1U);
  EXPECT_EQ(h.supervisor.phase(), Phase::Preparing);
  h.exited(h.newest(0));
  EXPECT_EQ(h.last_of<action::Start>().slot, 0U);
}

TEST(SupervisorUpgrade, ThatIsRefusedChangesNothing) {
  SupervisorHarness h;
  h.all_ready();
  h.tell(event::UpgradeRequested{});
  h.tell(event::ReloadRefused{"no such binary"});
  EXPECT_EQ(h.last_of<action::ReloadFailed>().reason, "no such binary");
  EXPECT_EQ(h.supervisor.phase(), Phase::Serving);
  EXPECT_EQ(h.supervisor.generation(), 1U);
}

TEST(SupervisorUpgrade, WaitsForAReloadAndStandsForTheNextOne) {
  SupervisorHarness h;
  h.all_ready();
  h.reload(two_workers());
  h.tell(event::UpgradeRequested{});
  h.tell(event::ReloadRequested{});
  EXPECT_EQ(h.last_count<action::PrepareUpgrade>(), 0U);
  h.ready(h.newest(0));
  h.ready(h.newest(1));
  EXPECT_EQ(h.last_count<action::PrepareUpgrade>(), 1U);
  h.tell(event::ReloadRefused{"no"});
  EXPECT_EQ(h.last_count<action::PrepareReload>(), 0U);
}

TEST(SupervisorUpgrade, IsNoneWhileStopping) {
  SupervisorHarness h;
  h.all_ready();
  h.tell(event::StopRequested{StopMode::Graceful});
  h.tell(event::UpgradeRequested{});
  EXPECT_EQ(h.last_count<action::PrepareUpgrade>(), 0U);
}

TEST(SupervisorUpgrade, GoesOnWithTheProcessesThatThereAre) {
  SupervisorHarness h;
  h.all_ready();
  h.reload(two_workers());
  h.ready(h.newest(0));
  h.ready(h.newest(1));
  ASSERT_EQ(h.supervisor.phase(), Phase::Serving);
  const Past past = h.supervisor.past();
  EXPECT_EQ(past.generation, 2U);
  EXPECT_EQ(past.processes.size(), 4U);  // two of each generation

  Supervisor next(two_workers(), past);
  EXPECT_EQ(next.phase(), Phase::Serving);
  EXPECT_EQ(next.generation(), 2U);
  EXPECT_TRUE(next.handle(event::Tick{}, h.now).empty());
  EXPECT_EQ(next.census(h.now).ready, 2U);
  EXPECT_EQ(next.census(h.now).draining, 2U);
  // New processes get numbers that nobody has had.
  const std::vector<Action> actions = next.handle(event::ProcessExited{h.newest(0), "exit code 1"}, h.now);
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_GT(std::get<action::Start>(actions.front()).id, h.newest(1));
  // Drain deadlines hold.
  EXPECT_LE(next.next_deadline(), h.now + 30s);
}

TEST(SupervisorUpgrade, GivesGenerationsNumbersThatNobodyHasHad) {
  SupervisorHarness h;
  h.all_ready();
  h.reload(two_workers());
  h.exited(h.newest(0));  // so that generation 2 has been, and failed
  const Past past = h.supervisor.past();
  EXPECT_EQ(past.generation, 1U);
  Supervisor next(two_workers(), past);
  (void)next.handle(event::ReloadRequested{}, h.now);
  std::vector<Action> actions = next.handle(event::ReloadPrepared{two_workers()}, h.now);
  EXPECT_EQ(std::get<action::Start>(actions.front()).generation, 3U);
}

TEST(SupervisorUpgrade, FillsASlotWhoseProcessIsMissing) {
  SupervisorHarness h;
  h.all_ready();
  Past past = h.supervisor.past();
  std::erase_if(past.processes, [](const Past::Process& process) { return process.slot == 1; });
  Supervisor next(two_workers(), past);
  const std::vector<Action> actions = next.handle(event::Tick{}, h.now);
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(std::get<action::Start>(actions.front()).slot, 1U);
}

}  // namespace
}  // namespace holdfast::master
