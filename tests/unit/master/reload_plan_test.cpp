#include "master/reload_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/loader.h"

namespace holdfast::master {
namespace {

std::vector<std::string> names(const std::vector<EndpointNeed>& needs) {
  std::vector<std::string> names;
  for (const EndpointNeed& need : needs) names.push_back(need.name);
  return names;
}

std::shared_ptr<const config::Config> parse(const std::string& text) {
  const std::string site = "sites: [{routes: [{path: /, hello: {}}]}]\n";
  const config::Loaded loaded = config::load_text(text + site, "test.yaml");
  for (const config::Problem& problem : loaded.problems) ADD_FAILURE() << problem.text();
  return loaded.config;
}

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ReloadPlan, UnchangedConfigurationKeepsEveryEndpoint) {
  const auto config = parse("listeners: {a: {bind: '127.0.0.1:81'}, b: {bind: '[::1]:82'}}\n");
  const ReloadPlan plan = plan_reload(*config, *config);
  EXPECT_THAT(plan.refused, IsEmpty());
  EXPECT_THAT(names(plan.keep), ElementsAre("a", "b", "admin"));
  EXPECT_THAT(plan.bind, IsEmpty());
  EXPECT_THAT(plan.drop, IsEmpty());
}

TEST(ReloadPlan, ChangedAddressIsBoundAndTheOldOneDropped) {
  const auto before = parse("listeners: {a: {bind: '127.0.0.1:81'}}\n");
  const auto after = parse("listeners: {a: {bind: '127.0.0.1:82'}}\n");
  const ReloadPlan plan = plan_reload(*before, *after);
  EXPECT_THAT(names(plan.bind), ElementsAre("a"));
  EXPECT_THAT(names(plan.drop), ElementsAre("a"));
  EXPECT_THAT(names(plan.keep), ElementsAre("admin"));
}

TEST(ReloadPlan, RenamedListenerKeepsItsSocketsUnlessTheKernelChosePort) {
  const auto before = parse("listeners: {a: {bind: '127.0.0.1:81'}, b: {bind: '127.0.0.1:0'}}\n");
  const auto after = parse("listeners: {x: {bind: '127.0.0.1:81'}, y: {bind: '127.0.0.1:0'}}\n");
  const ReloadPlan plan = plan_reload(*before, *after);
  EXPECT_THAT(names(plan.keep), ElementsAre("x", "admin"));
  EXPECT_THAT(names(plan.bind), ElementsAre("y"));
  EXPECT_THAT(names(plan.drop), ElementsAre("b"));
}

TEST(ReloadPlan, AdminListenerComesAndGoes) {
  const auto with = parse("");
  const auto without = parse("admin: {bind: off}\n");
  EXPECT_THAT(names(plan_reload(*with, *without).drop), ElementsAre("admin"));
  EXPECT_THAT(names(plan_reload(*without, *with).bind), ElementsAre("admin"));
}

TEST(ReloadPlan, WorkersGrowAndShrink) {
  const auto two = parse("process: {workers: 2}\n");
  const auto five = parse("process: {workers: 5}\n");
  const ReloadPlan plan = plan_reload(*two, *five);
  EXPECT_EQ(plan.workers_before, 2U);
  EXPECT_EQ(plan.workers_after, 5U);
  EXPECT_THAT(plan.refused, IsEmpty());
}

TEST(ReloadPlan, ChangedPidFileIsRefusedByName) {
  const auto before = parse("process: {pid_file: /run/a.pid}\n");
  const auto after = parse("process: {pid_file: /run/b.pid}\n");
  EXPECT_THAT(plan_reload(*before, *after).refused, ElementsAre(testing::HasSubstr("process.pid_file")));
}

TEST(ReloadPlan, NeedsOneSocketAWorkerForAddressesAndOneForUnixSockets) {
  const auto config =
      parse("process: {workers: 3}\nlisteners: {a: {bind: '127.0.0.1:81'}, u: {bind: 'unix:/run/u'}}\n");
  const std::vector<EndpointNeed> needs = needs_of(*config);
  ASSERT_EQ(needs.size(), 3U);
  EXPECT_EQ(needs[0].sockets, 3U);
  EXPECT_EQ(needs[1].sockets, 1U);
  EXPECT_EQ(needs[2].sockets, 1U);
  EXPECT_TRUE(needs[2].admin);
}

}  // namespace
}  // namespace holdfast::master
