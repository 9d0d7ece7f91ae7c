#include "master/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/master/temp_folder.h"

namespace holdfast::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct GenerationTest : testing::Test {
  GenerationTest() : segment(std::move(*stats::Segment::create())) {}

  std::shared_ptr<const config::Config> parse(const std::string& more,
                                              const std::string& route = "hello: {}") const {
    const std::string text = "process: {workers: 2, user: '', pid_file: " + (folder / "x.pid") +
                             "}\nlog: {access: {to: " + (folder / "access") + "}}\n" + more +
                             "sites: [{name: shop, routes: [{path: /*, " + route + "}]}]\n";
    const config::Loaded loaded = config::load_text(text, "test.yaml");
    for (const config::Problem& problem : loaded.problems) ADD_FAILURE() << problem.text();
    return loaded.config;
  }
  std::vector<std::string> problems(const std::shared_ptr<const config::Config>& config,
                                    const config::Config* serving = nullptr) {
    Prepared prepared = prepare_generation(config, serving, listeners, segment);
    if (const auto* why = std::get_if<Unpreparable>(&prepared)) return why->problems;
    return {};
  }

  TempFolder folder;
  stats::Segment segment;
  ListenerSet listeners;
};

TEST_F(GenerationTest, EachWorkerGetsItsOwnSocketOfEveryListenerAndAdminItsOwn) {
  const auto config =
      parse("listeners: {a: {bind: '127.0.0.1:0'}, b: {bind: '127.0.0.1:0'}}\nadmin: {bind: '127.0.0.1:0'}\n");
  Prepared prepared = prepare_generation(config, nullptr, listeners, segment);
  ASSERT_TRUE(std::holds_alternative<std::unique_ptr<Generation>>(prepared));
  const Generation& generation = *std::get<std::unique_ptr<Generation>>(prepared);
  const auto first = sockets_for(generation, 0, listeners);
  const auto second = sockets_for(generation, 1, listeners);
  ASSERT_EQ(first.size(), 2U);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(first[1].listener, 1U);
  EXPECT_NE(first[0].fd, second[0].fd);
  const auto admin = sockets_for(generation, stats::kAdminSlot, listeners);
  ASSERT_EQ(admin.size(), 1U);
  EXPECT_NE(admin[0].fd, first[0].fd);
}

TEST_F(GenerationTest, NamesAreKnownToTheStatisticsBeforeAnyWorkerIsForked) {
  EXPECT_THAT(problems(parse("listeners: {front: {bind: '127.0.0.1:0'}}\nadmin: {bind: off}\n")),
              ElementsAre());
  EXPECT_NE(segment.site_index("shop"), 0);
  EXPECT_NE(segment.listener_index("front"), 0);
  EXPECT_NE(segment.listener_index("admin"), 0);
}

TEST_F(GenerationTest, MissingDocumentRootIsAProblemWithItsPlace) {
  const auto config = parse("listeners: {a: {bind: '127.0.0.1:0'}}\n", "files: {root: /nonexistent/www}");
  EXPECT_THAT(problems(config),
              ElementsAre(testing::AllOf(HasSubstr("test.yaml:"), HasSubstr("/nonexistent/www"))));
}

TEST_F(GenerationTest, SettingThatNeedsARestartIsAProblemOnlyForAReload) {
  const auto serving = parse("listeners: {a: {bind: '127.0.0.1:0'}}\nadmin: {bind: off}\n");
  auto changed = std::make_shared<config::Config>(*serving);
  changed->process.pid_file = folder / "other.pid";
  EXPECT_THAT(problems(changed, serving.get()), ElementsAre(HasSubstr("process.pid_file")));
  EXPECT_THAT(problems(changed), ElementsAre());
}

TEST_F(GenerationTest, TakenPortIsToldAsUnavailable) {
  ListenerSet other;
  const EndpointNeed taken{"x", *Endpoint::parse("127.0.0.1:0"), false, 1};
  ASSERT_TRUE(other.prepare({taken}));
  const auto config =
      parse("listeners: {a: {bind: '" + other.address_of(taken).text() + "'}}\nadmin: {bind: off}\n");
  Prepared prepared = prepare_generation(config, nullptr, listeners, segment);
  const auto* why = std::get_if<Unpreparable>(&prepared);
  ASSERT_NE(why, nullptr);
  EXPECT_EQ(why->kind, ErrorKind::Unavailable);
  EXPECT_EQ(why->system_code, EADDRINUSE);
}

TEST_F(GenerationTest, AnotherNumberOfWorkersIsTheSameConfigurationOtherwise) {
  const auto config = parse("");
  const auto more = with_workers(*config, 7);
  EXPECT_EQ(more->process.workers, 7U);
  EXPECT_EQ(config->process.workers, 2U);
  EXPECT_EQ(more->sites.size(), config->sites.size());
}

}  // namespace
}  // namespace holdfast::master
