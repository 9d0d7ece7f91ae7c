#include "worker/handlers/echo.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_exchange.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;

std::string varied(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i * 7919);
  text.resize(size);
  return text;
}

TEST(Echo, ABodyComesBackWithItsTypeAndLength) {
  FakeExchange exchange("POST", "/echo", {{"Content-Length", "5"}, {"Content-Type", "text/x-own"}});
  Echo().handle(exchange);
  EXPECT_FALSE(exchange.answered()) << "the body may still turn out to be wrong from its start";
  EXPECT_EQ(exchange.feed("hello"), "");
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.field("Content-Type"), "text/x-own");
  EXPECT_EQ(exchange.announced_length(), 5U);
  exchange.end_body();
  EXPECT_EQ(exchange.body(), "hello");
  EXPECT_TRUE(exchange.body_complete());
}

TEST(Echo, WithoutABodyTheAnswerIsEmpty) {
  FakeExchange none("POST", "/echo");
  Echo().handle(none);
  EXPECT_EQ(none.status(), 200);
  EXPECT_EQ(none.announced_length(), 0U);
  FakeExchange empty("POST", "/echo", {{"Content-Length", "0"}});
  Echo().handle(empty);
  EXPECT_EQ(empty.body(), "");
  EXPECT_TRUE(empty.body_complete());
  EXPECT_EQ(empty.field("Content-Type"), "application/octet-stream");
}

TEST(Echo, ABodyOfUnknownLengthIsStreamed) {
  FakeExchange exchange("POST", "/echo");
  exchange.mutable_request().has_body = true;
  Echo().handle(exchange);
  exchange.feed("ab");
  EXPECT_EQ(exchange.announced_length(), std::nullopt);
  EXPECT_EQ(exchange.body(), "ab");
  exchange.feed("cd");
  exchange.end_body();
  EXPECT_EQ(exchange.body(), "abcd");
  EXPECT_TRUE(exchange.body_complete());
}

TEST(Echo, TheSenderWaitsWhileNobodyReads) {
  const std::string sent = varied(1'000'000);
  FakeExchange exchange("POST", "/echo", {{"Content-Length", std::to_string(sent.size())}});
  Echo().handle(exchange);
  std::string_view left = exchange.feed(sent);
  EXPECT_EQ(sent.size() - left.size(), 64U * 1024);
  exchange.set_room(1000);
  while (!left.empty()) {
    const std::size_t before = exchange.body().size();
    left = exchange.feed(left);
    ASSERT_LE(sent.size() - left.size() - before, 64U * 1024);
  }
  exchange.end_body();
  EXPECT_EQ(exchange.body(), sent);
  EXPECT_TRUE(exchange.body_complete());
}

TEST(Echo, AReaderThatWaitsIsResumedByBytesAndByTheEnd) {
  FakeExchange exchange("POST", "/echo", {{"Content-Length", "2"}});
  Echo().handle(exchange);
  exchange.feed("x");
  EXPECT_EQ(exchange.body(), "x");
  EXPECT_FALSE(exchange.body_complete());
  exchange.feed("y");
  EXPECT_EQ(exchange.times_resumed(), 1);
  EXPECT_EQ(exchange.body(), "xy");
  exchange.end_body();
  EXPECT_EQ(exchange.times_resumed(), 2);
  exchange.body();
  EXPECT_TRUE(exchange.body_complete());
}

TEST(Echo, AClientThatLeavesTakesTheStateWithIt) {
  FakeExchange exchange("POST", "/echo", {{"Content-Length", "100"}});
  Echo().handle(exchange);
  exchange.feed("partial");
  exchange.leave();
}

}  // namespace
}  // namespace holdfast::handlers
