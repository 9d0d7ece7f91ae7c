#include "common/api/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "common/api/awaits.h"
#include "tests/support/fake_exchange.h"

namespace holdfast::api {
namespace {

using support::FakeExchange;
using ::testing::HasSubstr;

/// Calls answer when the test says so.
class HandClient final : public HttpClient {
 public:
  struct Started {
    std::string method, url, body;
    CallListener* listener;  // null: cancelled
    std::size_t credit;
  };
  std::unique_ptr<OutgoingCall> start(const OutgoingRequest& request, CallListener& listener) override {
    calls.push_back({std::string(request.method), std::string(request.url), std::string(request.body),
                     &listener, request.credit});
    return std::make_unique<Handle>(calls.back());
  }
  void head(std::size_t call, std::uint16_t status, std::span<const Field> fields = {}) {
    calls[call].listener->on_head(status, fields);
  }
  void body(std::size_t call, std::string_view bytes) {
    calls[call].credit -= bytes.size();
    calls[call].listener->on_body(std::as_bytes(std::span(bytes)));
  }
  std::deque<Started> calls;

 private:
  struct Handle final : OutgoingCall {
    explicit Handle(Started& of) : started(of) {}
    ~Handle() override { started.listener = nullptr; }
    void grant(std::size_t bytes) override { started.credit += bytes; }
    Started& started;
  };
};

class Scripted final : public CoroutineHandler {
 public:
  explicit Scripted(std::function<Task<>(Exchange&)> script) : script_(std::move(script)) {}
  Task<> serve(Exchange& exchange) override { return script_(exchange); }

 private:
  std::function<Task<>(Exchange&)> script_;
};

class FetchTest : public ::testing::Test {
 protected:
  void serve(std::function<Task<>(Exchange&)> script) {
    handler_ = std::make_unique<Scripted>(std::move(script));
    handler_->handle(exchange_);
  }
  bool cancelled(std::size_t call) const { return http_.calls[call].listener == nullptr; }

  HandClient http_;
  std::unique_ptr<Scripted> handler_;
  FakeExchange exchange_{"GET", "/x"};
};

TEST_F(FetchTest, gives_head_and_body) {
  serve([this](Exchange& exchange) -> Task<> {
    Response reply =
        co_await fetch(http_, {.method = "PUT", .url = std::string("http://") + "a/", .body = "sent"});
    const std::string text = std::string(reply.field("x-second").value_or("none")) + " " +
                             std::string(reply.fields().front().value) + " ";
    const std::string body = co_await whole_body(reply, 100);
    exchange.respond({reply.status()}, Body::copy(text + body));
  });
  ASSERT_EQ(http_.calls.size(), 1u);
  EXPECT_EQ(http_.calls[0].method + http_.calls[0].url + http_.calls[0].body, "PUThttp://a/sent");
  {
    const std::string one = "1", two = "2";
    const Field fields[] = {{"X-First", one}, {"X-Second", two}};
    http_.head(0, 207, fields);
  }
  http_.body(0, "ab");
  http_.body(0, "cd");
  EXPECT_FALSE(exchange_.answered());
  http_.calls[0].listener->on_end();
  EXPECT_EQ(exchange_.status(), 207);
  EXPECT_EQ(exchange_.body(), "2 1 abcd");
  EXPECT_TRUE(cancelled(0)) << "the reply was a local object";
}

TEST_F(FetchTest, credit_is_given_back_when_a_piece_was_used) {
  std::string taken;
  serve([this, &taken](Exchange& exchange) -> Task<> {
    Response reply = co_await fetch(http_, {.url = "http://a/", .credit = 10});
    for (;;) {
      const std::string_view piece = co_await reply.next();
      if (piece.empty()) break;
      taken += piece;
      taken += '|';
      co_await pause(exchange, std::chrono::seconds(1));
    }
    exchange.respond({}, Body::none());
  });
  http_.head(0, 200);
  http_.body(0, "0123");
  http_.body(0, "45");
  http_.body(0, "6789");
  EXPECT_EQ(http_.calls[0].credit, 0u) << "nothing was used yet";
  exchange_.advance(exchange_.now() + std::chrono::seconds(2));
  EXPECT_EQ(taken, "0123|456789|");
  EXPECT_EQ(http_.calls[0].credit, 4u);
  exchange_.advance(exchange_.now() + std::chrono::seconds(2));
  EXPECT_EQ(http_.calls[0].credit, 10u);
}

TEST_F(FetchTest, failures_are_thrown_where_they_are_awaited) {
  std::vector<std::string> seen;
  const auto script = [this, &seen](Exchange& exchange) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      try {
        Response reply = co_await fetch(http_, {.url = "http://a/list?secret"});
        seen.push_back(co_await whole_body(reply, 4));
      } catch (const FetchError& error) {
        seen.push_back(std::to_string(error.gateway_status()) + " " + error.what());
      }
    }
    exchange.respond({}, Body::none());
  };
  serve(script);
  http_.calls[0].listener->on_failure({FetchFailure::TimedOut, "late"});
  http_.head(1, 200);
  http_.body(1, "abc");
  http_.calls[1].listener->on_failure({FetchFailure::CutShort, "cut"});
  http_.head(2, 200);
  http_.body(2, "abcde");
  EXPECT_EQ(seen, (std::vector<std::string>{"504 late", "502 cut",
                                            "502 http://a/list: the answer is larger than 4 bytes"}));
  EXPECT_TRUE(cancelled(0) && cancelled(1) && cancelled(2));
}

TEST_F(FetchTest, what_came_before_a_failure_is_given_first) {
  std::string seen;
  serve([this, &seen](Exchange& exchange) -> Task<> {
    Response reply = co_await fetch(http_, {.url = "http://a/"});
    co_await pause(exchange, std::chrono::seconds(1));
    seen += co_await reply.next();
    seen += co_await reply.next();
  });
  http_.head(0, 200);
  http_.body(0, "abc");
  http_.calls[0].listener->on_failure({FetchFailure::CutShort, "cut"});
  exchange_.advance(exchange_.now() + std::chrono::seconds(2));
  EXPECT_EQ(seen, "abc");
  EXPECT_EQ(exchange_.thrown(), "cut") << "nobody has caught it";
}

TEST_F(FetchTest, several_may_be_under_way) {
  serve([this](Exchange& exchange) -> Task<> {
    Fetch first = fetch(http_, {.url = "http://a/"});
    Fetch second = fetch(http_, {.url = "http://b/"});
    Response a = co_await first;
    Response b = co_await second;
    exchange.respond({static_cast<std::uint16_t>(a.status() + b.status())}, Body::none());
  });
  ASSERT_EQ(http_.calls.size(), 2u);
  http_.head(1, 300);
  http_.head(0, 200);
  EXPECT_EQ(exchange_.status(), 500);
}

TEST_F(FetchTest, is_cancelled_with_the_coroutine_wherever_it_waits) {
  const auto script = [this](Exchange& exchange) -> Task<> {
    Fetch other = fetch(http_, {.url = "http://b/"});
    Response reply = co_await fetch(http_, {.url = "http://a/"});
    co_await reply.next();
    co_await reply.next();
    co_await pause(exchange, std::chrono::hours(1));
  };
  for (int place = 0; place < 4; ++place) {
    FakeExchange exchange("GET", "/x");
    Scripted handler(script);
    http_.calls.clear();
    handler.handle(exchange);
    if (place > 0) http_.head(1, 200);
    if (place > 1) http_.body(1, "abc");
    if (place > 2) http_.body(1, "def");
    EXPECT_FALSE(cancelled(0) || cancelled(1)) << place;
    exchange.leave();
    EXPECT_TRUE(cancelled(0) && cancelled(1)) << place;
  }
}

}  // namespace
}  // namespace holdfast::api
