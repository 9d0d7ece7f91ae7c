#include "worker/handlers/registry.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_exchange.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;

Result<std::unique_ptr<api::Handler>> make(config::Action action) {
  static Shared shared;
  config::Route route;
  route.action = std::move(action);
  return make_handler(route, "site", shared);
}

/// The answer of a handler made for `action` to `target`.
struct Answer {
  Answer(config::Action action, std::string_view target, FakeExchange::Fields fields = {})
      : exchange("GET", target, std::move(fields)), handler(std::move(make(std::move(action)).value())) {
    handler->handle(exchange);
  }
  FakeExchange exchange;
  std::unique_ptr<api::Handler> handler;
};

TEST(Registry, HelloGreetsInJson) {
  Answer answer(config::HelloAction{}, "/");
  EXPECT_EQ(answer.exchange.status(), 200);
  EXPECT_EQ(answer.exchange.body(), "{\"message\":\"Hello from holdfast\"}\n");
  EXPECT_EQ(answer.exchange.field("Content-Type"), "application/json");
}

TEST(Registry, ARedirectKeepsTheQueryUnlessItsTargetHasOne) {
  EXPECT_EQ(Answer(config::RedirectAction{"/new", 308}, "/old?a=1").exchange.field("Location"), "/new?a=1");
  EXPECT_EQ(Answer(config::RedirectAction{"/new", 308}, "/old").exchange.field("Location"), "/new");
  EXPECT_EQ(Answer(config::RedirectAction{"/new?x", 302}, "/old?a=1").exchange.field("Location"), "/new?x");
  EXPECT_EQ(Answer(config::RedirectAction{"/new#part?", 301}, "/old?a=1").exchange.field("Location"),
            "/new?a=1#part?");
}

TEST(Registry, ARedirectCarriesAShortPage) {
  Answer answer(config::RedirectAction{"/new", 308}, "/old");
  EXPECT_EQ(answer.exchange.status(), 308);
  EXPECT_EQ(answer.exchange.field("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(answer.exchange.body().find("308 Permanent Redirect"), std::string::npos);
}

TEST(Registry, AFixedResponseIsPlainTextUnlessItSaysOtherwise) {
  Answer plain(config::RespondAction{200, "hi", {}}, "/");
  EXPECT_EQ(plain.exchange.body(), "hi");
  EXPECT_EQ(plain.exchange.field("Content-Type"), "text/plain; charset=utf-8");
  Answer typed(config::RespondAction{404, "{}", {{"content-type", "application/json"}, {"X-A", "b"}}}, "/");
  EXPECT_EQ(typed.exchange.status(), 404);
  EXPECT_EQ(typed.exchange.fields().size(), 2U);
  EXPECT_EQ(typed.exchange.field("X-A"), "b");
}

TEST(Registry, AFixedResponseWithoutContentNamesNoType) {
  EXPECT_EQ(Answer(config::RespondAction{204, "", {}}, "/").exchange.fields().size(), 0U);
}

TEST(Registry, ABigFixedResponseIsSentWhereItStands) {
  const std::string body(100'000, 'x');
  EXPECT_EQ(Answer(config::RespondAction{200, body, {}}, "/").exchange.body(), body);
}

TEST(Registry, WhatWouldSplitAResponseIsRefused) {
  EXPECT_FALSE(make(config::RedirectAction{"/x\r\nSet-Cookie: a", 301}).has_value());
  EXPECT_FALSE(make(config::RespondAction{200, "", {{"X-A", "b\nc"}}}).has_value());
  EXPECT_FALSE(make(config::RespondAction{200, "", {{"X A", "b"}}}).has_value());
  EXPECT_FALSE(make(config::RespondAction{200, "", {{"Content-Length", "5"}}}).has_value());
}

TEST(Registry, AMissingDocumentRootIsNamed) {
  config::FilesAction action;
  action.root = "/nowhere/at/all";
  EXPECT_NE(make(action).error().message().find("/nowhere/at/all"), std::string::npos);
}

TEST(Registry, ActionsOfOtherFoldersMakeNoHandler) {
  EXPECT_EQ(make(config::StatusAction{}).value(), nullptr);
  EXPECT_EQ(make(config::MetricsAction{}).value(), nullptr);
}

}  // namespace
}  // namespace holdfast::handlers
