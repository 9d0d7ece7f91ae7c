#include "worker/admin/admin_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <variant>

#include "tests/support/fake_exchange.h"
#include "tests/unit/worker/admin/sample_segment.h"

namespace holdfast::admin {
namespace {

using support::FakeExchange;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AdminHandlers : public ::testing::Test {
 protected:
  /// The answer of the handler made for an action.
  void get(const config::Action& action) {
    const auto handler = make_admin_handler(action, sample.segment);
    ASSERT_NE(handler, nullptr);
    handler->handle(exchange);
    EXPECT_EQ(exchange.field("Cache-Control"), "no-store");
    EXPECT_EQ(exchange.announced_length(), exchange.body().size());
  }
  SampleSegment sample;
  FakeExchange exchange{"GET", "/"};
};

TEST_F(AdminHandlers, ServeMetricsWithTheVersionedType) {
  get(config::MetricsAction{});
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.field("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(exchange.body(), HasSubstr("# TYPE holdfast_http_requests_total counter\n"));
}

TEST_F(AdminHandlers, ServeStatusAsJson) {
  get(config::StatusAction{});
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.field("Content-Type"), "application/json");
  EXPECT_THAT(exchange.body(), StartsWith("{\"version\":1,"));
}

TEST_F(AdminHandlers, SayThatTheProcessLives) {
  get(config::HealthAction{});
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.body(), "ok\n");
}

TEST_F(AdminHandlers, SayReadyWhenTheWantedWorkersServe) {
  get(config::ReadyAction{});
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.body(), "ok\n");
}

TEST_F(AdminHandlers, SayWhyNotReadyInOneLine) {
  sample.segment.retire_seat(sample.first);
  get(config::ReadyAction{});
  EXPECT_EQ(exchange.status(), 503);
  EXPECT_EQ(exchange.body(), "1 of 2 workers are ready\n");
}

TEST_F(AdminHandlers, AreMadeForNothingElse) {
  EXPECT_EQ(make_admin_handler(config::HelloAction{}, sample.segment), nullptr);
  EXPECT_EQ(make_admin_handler(config::FilesAction{}, sample.segment), nullptr);
  EXPECT_EQ(make_admin_handler(config::EventsAction{}, sample.segment), nullptr) << "without a feed";
}

TEST(AdminConfiguration, RoutesThePagesOfTheAdminListener) {
  config::Config given;
  given.admin.bind = Endpoint::parse("127.0.0.1:9180").value();
  given.log.access.enabled = true;
  given.limits.connections = 100'000;
  given.timeouts.request_header = Milliseconds(1234);
  const config::Config made = admin_configuration(given);
  ASSERT_EQ(made.listeners.size(), 1u);
  EXPECT_EQ(made.listeners[0].name, "admin");
  EXPECT_EQ(made.listeners[0].bind, given.admin.bind);
  EXPECT_FALSE(made.log.access.enabled);
  ASSERT_EQ(made.sites.size(), 1u);
  EXPECT_EQ(made.sites[0].name, "admin");
  EXPECT_EQ(made.sites[0].listeners, std::vector<std::uint32_t>{0});
  std::vector<std::string> paths;
  for (const config::Route& route : made.sites[0].routes) {
    paths.push_back(route.path);
    EXPECT_EQ(route.name, route.path);
    EXPECT_EQ(route.timeouts.request_header, Milliseconds(1234));
    EXPECT_GT(route.limits.request_headers, 0u);
  }
  EXPECT_THAT(paths,
              ::testing::UnorderedElementsAre("/metrics", "/status", "/healthz", "/readyz", "/", "/events",
                                              "/dashboard.css", "/dashboard.js", "/dashboard.svg"));
}

TEST(AdminConfiguration, HasADashboardWithoutOutsideResources) {
  const config::Config made = admin_configuration(config::Config{});
  int files = 0;
  for (const config::Route& route : made.sites[0].routes) {
    const auto* file = std::get_if<config::RespondAction>(&route.action);
    if (file == nullptr) continue;
    ++files;
    EXPECT_EQ(file->status, 200);
    EXPECT_FALSE(file->body.empty());
    std::string_view text = file->body;
    // Names of the formats, which nobody fetches.
    for (std::string_view name; text.find("http") != std::string_view::npos; text.remove_prefix(name.size())) {
      text.remove_prefix(text.find("http"));
      name = text.substr(0, text.find_first_of("'\"/ ,") + 1);
      EXPECT_FALSE(text.starts_with("http:") && !text.starts_with("http://www.w3.org/2000/svg")) << route.path;
      EXPECT_FALSE(text.starts_with("https:")) << route.path;
    }
    for (const char* markup :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=", "onclick="})
      EXPECT_THAT(file->body, Not(HasSubstr(markup))) << route.path;
    const auto field = [&](std::string_view name) {
      const auto found = std::ranges::find(file->headers, name, &std::pair<std::string, std::string>::first);
      return found == file->headers.end() ? "" : found->second;
    };
    EXPECT_EQ(field("Cache-Control"), "no-store");
    EXPECT_EQ(field("X-Content-Type-Options"), "nosniff");
    EXPECT_THAT(field("Content-Security-Policy"), StartsWith("default-src 'none'; "));
    EXPECT_THAT(field("Content-Security-Policy"), Not(HasSubstr("unsafe")));
  }
  EXPECT_EQ(files, 4);
}

TEST(AdminConfiguration, LinksItsOtherPages) {
  const config::Config made = admin_configuration(config::Config{});
  const auto root = std::ranges::find(made.sites[0].routes, "/", &config::Route::path);
  const auto& page = std::get<config::RespondAction>(root->action);
  for (const char* link : {"href=\"metrics\"", "href=\"status\"", "href=\"healthz\"", "href=\"readyz\""})
    EXPECT_THAT(page.body, HasSubstr(link));
}

}  // namespace
}  // namespace holdfast::admin
