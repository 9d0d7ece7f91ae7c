#include "common/api/task.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <stdexcept>
#include <string>

#include "common/api/awaits.h"
#include "tests/support/fake_exchange.h"

namespace holdfast::api {
namespace {

using support::FakeExchange;
using std::chrono_literals::operator""ms;

class Scripted final : public CoroutineHandler {
 public:
  explicit Scripted(std::function<Task<>(Exchange&)> script) : script_(std::move(script)) {}
  Task<> serve(Exchange& exchange) override { return script_(exchange); }

 private:
  std::function<Task<>(Exchange&)> script_;
};

/// Work is done when the test says so.
class HandPool final : public WorkPool {
 public:
  bool submit(std::unique_ptr<Work> work) override {
    if (full) return false;
    waiting.push_back(std::move(work));
    return true;
  }
  void run() {
    for (; !waiting.empty(); waiting.pop_front()) {
      waiting.front()->run();
      waiting.front()->done();
    }
  }

  bool full = false;
  std::deque<std::unique_ptr<Work>> waiting;
};

/// Counts those that are alive.
class Local {
 public:
  explicit Local(int& count) : count_(count) { ++count_; }
  ~Local() { --count_; }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;

 private:
  int& count_;
};

class TaskTest : public ::testing::Test {
 protected:
  void serve(std::function<Task<>(Exchange&)> script) {
    handler_ = std::make_unique<Scripted>(std::move(script));
    handler_->handle(exchange_);
  }

  std::unique_ptr<Scripted> handler_;
  HandPool pool_;
  int locals_ = 0;
  FakeExchange exchange_{"POST", "/x", {{"Content-Length", "10"}}};
};

Task<int> doubled(Exchange& exchange, int number) {
  co_await pause(exchange, 10ms);
  co_return number * 2;
}

Task<int> failing(Exchange& exchange) {
  co_await pause(exchange, 10ms);
  throw std::runtime_error("no luck");
}

TEST_F(TaskTest, answers_at_once) {
  serve([](Exchange& exchange) -> Task<> {
    exchange.respond({201}, Body::copy("made"));
    co_return;
  });
  EXPECT_EQ(exchange_.status(), 201);
  EXPECT_EQ(exchange_.body(), "made");
}

TEST_F(TaskTest, goes_on_when_a_pause_is_over) {
  serve([](Exchange& exchange) -> Task<> {
    co_await pause(exchange, 0ms);
    const int number = co_await doubled(exchange, 21);
    exchange.respond({200}, Body::copy(std::to_string(number)));
  });
  EXPECT_FALSE(exchange_.answered());
  exchange_.advance(exchange_.now() + 9ms);
  EXPECT_FALSE(exchange_.answered());
  exchange_.advance(exchange_.now() + 1ms);
  EXPECT_EQ(exchange_.body(), "42");
}

TEST_F(TaskTest, is_destroyed_where_it_waits) {
  serve([this](Exchange& exchange) -> Task<> {
    const Local outer(locals_);
    const int number = co_await [](Exchange& inner, int& count) -> Task<int> {
      const Local local(count);
      co_return co_await doubled(inner, 1);
    }(exchange, locals_);
    exchange.respond({200}, Body::copy(std::to_string(number)));
  });
  EXPECT_EQ(locals_, 2);
  EXPECT_TRUE(exchange_.has_timers());
  exchange_.leave();
  EXPECT_EQ(locals_, 0);
  EXPECT_FALSE(exchange_.has_timers());
}

TEST_F(TaskTest, exceptions_come_out_of_what_is_awaited) {
  std::string caught;
  serve([&caught](Exchange& exchange) -> Task<> {
    try {
      co_await failing(exchange);
    } catch (const std::runtime_error& thrown) {
      caught = thrown.what();
    }
    exchange.fail(404);
  });
  exchange_.advance(exchange_.now() + 10ms);
  EXPECT_EQ(caught, "no luck");
  EXPECT_EQ(exchange_.status(), 404);
  EXPECT_EQ(exchange_.thrown(), "");
}

TEST_F(TaskTest, what_nobody_catches_is_told_to_the_exchange) {
  serve([](Exchange& exchange) -> Task<> { co_await failing(exchange); });
  exchange_.advance(exchange_.now() + 10ms);
  EXPECT_EQ(exchange_.thrown(), "no luck");
}

TEST_F(TaskTest, ending_without_an_answer_is_a_mistake) {
  serve([](Exchange& exchange) -> Task<> { co_await pause(exchange, 0ms); });
  EXPECT_NE(exchange_.thrown().find("without an answer"), std::string::npos);
}

TEST_F(TaskTest, an_http_error_is_its_status) {
  serve([](Exchange& exchange) -> Task<> {
    co_await pause(exchange, 0ms);
    throw HttpError(409);
  });
  EXPECT_EQ(exchange_.status(), 409);
  EXPECT_TRUE(exchange_.failed());
  EXPECT_EQ(exchange_.thrown(), "");
}

TEST_F(TaskTest, an_http_error_after_the_answer_is_a_mistake) {
  serve([](Exchange& exchange) -> Task<> {
    exchange.respond({200}, Body::none());
    co_await pause(exchange, 0ms);
    throw HttpError(409);
  });
  EXPECT_EQ(exchange_.status(), 200);
  EXPECT_EQ(exchange_.thrown(), "Conflict");
}

// ---- the pool

TEST_F(TaskTest, work_in_the_pool_gives_its_result) {
  serve([this](Exchange& exchange) -> Task<> {
    const std::string text = co_await in_pool(pool_, [] { return std::string("read"); });
    co_await in_pool(pool_, [] {});
    exchange.respond({200}, Body::copy(text));
  });
  EXPECT_FALSE(exchange_.answered());
  pool_.run();
  EXPECT_EQ(exchange_.body(), "read");
}

TEST_F(TaskTest, work_in_the_pool_has_what_is_handed_to_it) {
  serve([this](Exchange& exchange) -> Task<> {
    const std::string long_word(100, 'l');
    const auto join = [long_word](const std::string& more) { return long_word + more; };
    std::string all = co_await in_pool(pool_, join, std::string(50, 'm'));
    all += co_await in_pool(
        pool_, [](std::unique_ptr<std::string> last, int times) { return *last + std::to_string(times); },
        std::make_unique<std::string>(100, 'e'), 3);
    exchange.respond({200}, Body::copy(all + long_word));
  });
  pool_.run();
  pool_.run();
  EXPECT_EQ(exchange_.body(),
            std::string(100, 'l') + std::string(50, 'm') + std::string(100, 'e') + "3" + std::string(100, 'l'));
}

TEST_F(TaskTest, an_exception_in_the_pool_comes_out_of_the_await) {
  serve([this](Exchange& /*exchange*/) -> Task<> {
    co_await in_pool(pool_, []() -> int { throw std::runtime_error("no such row"); });
  });
  pool_.run();
  EXPECT_EQ(exchange_.thrown(), "no such row");
}

TEST_F(TaskTest, work_outlives_a_client_that_leaves) {
  bool ran = false;
  serve([this, &ran](Exchange& /*exchange*/) -> Task<> {
    const Local local(locals_);
    co_await in_pool(pool_, [&ran] { ran = true; });
  });
  exchange_.leave();
  EXPECT_EQ(locals_, 0);
  pool_.run();
  EXPECT_TRUE(ran);
}

TEST_F(TaskTest, work_that_is_never_begun_leaves_the_coroutine_waiting) {
  serve([this](Exchange& /*exchange*/) -> Task<> {
    const Local local(locals_);
    co_await in_pool(pool_, [] {});
  });
  pool_.waiting.clear();
  EXPECT_EQ(locals_, 1);
  exchange_.leave();
  EXPECT_EQ(locals_, 0);
}

TEST_F(TaskTest, a_full_pool_is_503) {
  pool_.full = true;
  serve([this](Exchange& /*exchange*/) -> Task<> { co_await in_pool(pool_, [] {}); });
  EXPECT_EQ(exchange_.status(), 503);
}

// ---- the request body

TEST_F(TaskTest, the_body_comes_in_pieces_by_credit) {
  std::string seen;
  serve([&seen](Exchange& exchange) -> Task<> {
    BodyReader reader(exchange, 4);
    for (;;) {
      const std::string_view piece = co_await reader.next();
      if (piece.empty()) break;
      seen.append(piece).append("|");
    }
    exchange.respond({204}, Body::none());
  });
  EXPECT_EQ(exchange_.credit(), 4u);
  EXPECT_EQ(exchange_.feed("0123456789"), "");
  EXPECT_FALSE(exchange_.answered());
  exchange_.end_body();
  EXPECT_EQ(seen, "0123|4567|89|");
  EXPECT_EQ(exchange_.status(), 204);
}

TEST_F(TaskTest, a_reader_that_is_busy_gives_no_credit) {
  serve([](Exchange& exchange) -> Task<> {
    BodyReader reader(exchange, 4);
    (void)co_await reader.next();
    co_await pause(exchange, 10ms);
    (void)co_await reader.next();
    (void)co_await reader.next();
    exchange.respond({204}, Body::none());
  });
  EXPECT_EQ(exchange_.feed("0123456789"), "456789");
  exchange_.advance(exchange_.now() + 10ms);
  EXPECT_EQ(exchange_.credit(), 4u);
  EXPECT_EQ(exchange_.feed("4567"), "");
  EXPECT_EQ(exchange_.feed("8"), "");
  EXPECT_EQ(exchange_.status(), 204);
  EXPECT_FALSE(exchange_.wants_body()) << "the reader is gone";
}

TEST_F(TaskTest, a_body_is_read_as_a_whole) {
  serve([](Exchange& exchange) -> Task<> {
    const std::string all = co_await whole_body(exchange, 10);
    exchange.respond({200}, Body::copy(all));
  });
  exchange_.feed("01234");
  exchange_.feed("56789");
  exchange_.end_body();
  EXPECT_EQ(exchange_.body(), "0123456789");
}

TEST_F(TaskTest, a_body_above_the_limit_is_413) {
  serve([](Exchange& exchange) -> Task<> { (void)co_await whole_body(exchange, 9); });
  EXPECT_EQ(exchange_.status(), 413);
}

TEST(TaskWithoutLength, a_body_above_the_limit_is_413_when_it_shows) {
  FakeExchange exchange("POST", "/x");
  exchange.mutable_request().has_body = true;
  Scripted handler([](Exchange& of) -> Task<> { (void)co_await whole_body(of, 9); });
  handler.handle(exchange);
  exchange.feed("012345678");
  EXPECT_FALSE(exchange.answered());
  exchange.feed("9");
  EXPECT_EQ(exchange.status(), 413);
  EXPECT_FALSE(exchange.wants_body());
}

TEST_F(TaskTest, leaving_while_the_body_comes_ends_the_coroutine) {
  serve([this](Exchange& exchange) -> Task<> {
    const Local local(locals_);
    (void)co_await whole_body(exchange, 100);
  });
  exchange_.feed("01");
  EXPECT_EQ(locals_, 1);
  exchange_.leave();
  EXPECT_EQ(locals_, 0);
}

// ---- the response

TEST_F(TaskTest, a_response_is_written_as_there_is_room) {
  const std::string block(10'000, 'b');
  int written = 0;
  serve([&](Exchange& exchange) -> Task<> {
    ResponseWriter writer(exchange, {200});
    for (int i = 0; i < 3; ++i) {
      co_await writer.write(block);
      ++written;
    }
    writer.end();
  });
  EXPECT_EQ(exchange_.status(), 200);
  EXPECT_EQ(written, 0) << "nothing was taken yet";
  EXPECT_EQ(exchange_.body().size(), 30'000u);
  EXPECT_TRUE(exchange_.body_complete());
  EXPECT_EQ(written, 3);
}

TEST_F(TaskTest, a_writer_that_waits_for_something_else_is_pulled_later) {
  serve([](Exchange& exchange) -> Task<> {
    ResponseWriter writer(exchange, {200});
    co_await writer.write("one");
    co_await pause(exchange, 10ms);
    co_await writer.write("two");
    writer.end();
  });
  EXPECT_EQ(exchange_.body(), "one");
  exchange_.advance(exchange_.now() + 10ms);
  EXPECT_EQ(exchange_.times_resumed(), 1);
  EXPECT_EQ(exchange_.body(), "onetwo");
  EXPECT_TRUE(exchange_.body_complete());
}

TEST_F(TaskTest, a_response_without_its_end_is_not_whole) {
  serve([](Exchange& exchange) -> Task<> {
    ResponseWriter writer(exchange, {200});
    co_await writer.write("one");
    throw std::runtime_error("the source is gone");
  });
  EXPECT_EQ(exchange_.body(), "one");
  EXPECT_TRUE(exchange_.body_failed());
  EXPECT_EQ(exchange_.thrown(), "the source is gone");
}

TEST_F(TaskTest, leaving_while_a_response_is_written_ends_the_coroutine) {
  serve([this](Exchange& exchange) -> Task<> {
    const Local local(locals_);
    ResponseWriter writer(exchange, {200});
    const std::string block(100, 'b');
    for (;;) co_await writer.write(block);
  });
  EXPECT_EQ(locals_, 1);
  exchange_.leave();
  EXPECT_EQ(locals_, 0);
}

}  // namespace
}  // namespace holdfast::api
