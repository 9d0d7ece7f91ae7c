// What waits and for how long: requests behind answers that nobody reads, deadlines beside answers on their
// way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/support/unlinked_file.h"
#include "tests/unit/worker/http1/session_harness.h"

namespace holdfast::http1 {
namespace {

const std::string kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::size_t answers_in(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find("HTTP/1.1 200"); at != std::string_view::npos;
       at = text.find("HTTP/1.1 200", at + 1))
    ++count;
  return count;
}

TEST(SessionWaiting, no_more_pipelined_requests_are_answered_than_the_queue_has_room_for) {
  int handled = 0;
  const std::string body(4000, 'x');
  SessionHarness harness([&](api::Exchange& exchange) {
    ++handled;
    exchange.respond({200, {}}, api::Body::copy(body));
  });
  harness.peer->take_at_most(0);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += kRequest;
  harness.peer->send(many);
  harness.turn();
  EXPECT_LE(handled, static_cast<int>(net::OutputQueue::kHighMark / body.size()) + 1);
  harness.peer->take_everything();
  harness.turn(100);
  EXPECT_EQ(handled, 1000);
  EXPECT_EQ(answers_in(harness.peer->received()), 1000U);
}

TEST(SessionWaiting, the_idle_time_does_not_begin_before_the_answer_has_left) {
  const support::UnlinkedFile file(600'000);
  SessionHarness harness(
      [&](api::Exchange& exchange) {
        exchange.respond({200, {}}, api::Body::file(file.fd(), 0, file.size(), nullptr));
      },
      [](config::Config& config) { config.timeouts.keep_alive = 30ms; });
  harness.peer->take_at_most(100'000);
  harness.peer->send(kRequest);
  harness.turns_within(120ms);
  harness.peer->take_everything();
  harness.turn();
  harness.peer->send(kRequest);
  harness.turn();
  EXPECT_EQ(answers_in(harness.peer->received()), 2U);
}

TEST(SessionWaiting, a_request_that_lies_in_the_socket_when_its_time_is_over_is_answered) {
  SessionHarness harness(
      [](api::Exchange& exchange) {
        exchange.respond({200, {}}, api::Body::copy("x"));
      },
      [](config::Config& config) { config.timeouts.keep_alive = 30ms; });
  EXPECT_EQ(answers_in(harness.exchange(kRequest)), 1U);
  harness.peer->place(kRequest);
  harness.turns_within(60ms);
  EXPECT_EQ(answers_in(harness.peer->received()), 1U);
}

TEST(SessionWaiting, a_head_whose_end_lies_in_the_socket_in_time_is_no_timeout) {
  SessionHarness harness(
      [](api::Exchange& exchange) {
        exchange.respond({200, {}}, api::Body::copy("x"));
      },
      [](config::Config& config) { config.timeouts.request_header = 30ms; });
  harness.peer->send("GET / HTTP/1.1\r\nHost: a\r\n");
  harness.turn();
  harness.peer->place("\r\n");
  harness.turns_within(60ms);
  EXPECT_EQ(answers_in(harness.peer->received()), 1U);
}

TEST(SessionWaiting, a_client_that_still_receives_its_answer_is_not_idle) {
  SessionHarness harness(
      [](api::Exchange& exchange) {
        exchange.respond({200, {}}, api::Body::copy("x"));
      },
      [](config::Config& config) { config.timeouts.keep_alive = 40ms; });
  harness.peer->has_not_received(1000);
  harness.exchange(kRequest);
  harness.turns_within(60ms);
  EXPECT_FALSE(harness.peer->writing_ended());
  harness.peer->has_not_received(500);
  harness.turns_within(40ms);
  EXPECT_EQ(answers_in(harness.exchange(kRequest)), 1U);
}

TEST(SessionWaiting, a_client_that_takes_nothing_of_its_answer_is_let_go) {
  SessionHarness harness(
      [](api::Exchange& exchange) {
        exchange.respond({200, {}}, api::Body::copy("x"));
      },
      [](config::Config& config) { config.timeouts.keep_alive = 20ms; });
  harness.peer->has_not_received(1000);
  harness.exchange(kRequest);
  harness.turns_within(100ms);
  EXPECT_TRUE(harness.peer->writing_ended());
}

// 600,000 bytes, of which the peer's kernel has taken 100,000 and the peer 10,000.
class SlowReader : public testing::Test {
 protected:
  void begin(std::uint64_t rate) {
    harness_.emplace(
        [this](api::Exchange& exchange) {
          exchange.respond({200, {}}, api::Body::file(file_.fd(), 0, file_.size(), nullptr));
        },
        [rate](config::Config& config) {
          config.sites[0].routes[0].timeouts.response_write = 200ms;
          config.sites[0].routes[0].limits.response_rate = rate;
        });
    harness_->peer->take_at_most(100'000);
    harness_->peer->has_not_received(unreceived_);
    harness_->peer->send(kRequest);
    harness_->turn();
  }
  // Takes so much each 20 ms, and never enough for the kernel to say that there is room.
  void read(std::uint32_t bytes, Milliseconds time) {
    for (const TimePoint end = Clock::now() + time; Clock::now() < end;) {
      unreceived_ -= bytes;
      harness_->peer->has_not_received(unreceived_);
      harness_->turns_within(20ms);
    }
  }

  const support::UnlinkedFile file_{600'000};
  std::optional<SessionHarness> harness_;
  std::uint32_t unreceived_ = 90'000;
};

TEST_F(SlowReader, is_reset_when_it_takes_nothing_for_the_time) {
  begin(0);
  read(0, 150ms);
  EXPECT_FALSE(harness_->peer->closed());
  read(0, 300ms);
  EXPECT_TRUE(harness_->peer->was_reset());
  EXPECT_EQ(harness_->resets(stats::ResetReason::ResponseWrite), 1u);
}

TEST_F(SlowReader, is_served_as_long_as_it_takes_something) {
  begin(0);
  read(100, 600ms);
  EXPECT_FALSE(harness_->peer->closed());
  read(0, 450ms);
  EXPECT_TRUE(harness_->peer->was_reset());
}

TEST_F(SlowReader, is_reset_when_it_takes_too_little) {
  begin(100'000);
  read(100, 500ms);
  EXPECT_TRUE(harness_->peer->was_reset());
  EXPECT_EQ(harness_->resets(stats::ResetReason::ResponseRate), 1u);
}

TEST_F(SlowReader, is_served_while_it_keeps_the_rate) {
  begin(10'000);
  read(1000, 800ms);
  EXPECT_FALSE(harness_->peer->closed());
}

TEST(SessionWaiting, a_source_that_waits_is_not_the_readers_fault) {
  struct Waiting final : api::ExchangeState, api::BodySource {
    api::Pulled read(std::span<std::byte> room) override {
      if (!ready) return {0, api::Pull::Later};
      room[0] = std::byte{'x'};
      return {1, api::Pull::End};
    }
    bool ready = false;
  };
  Waiting* source = nullptr;
  api::Exchange* open = nullptr;
  SessionHarness harness(
      [&](api::Exchange& exchange) {
        open = &exchange;
        auto state = std::make_unique<Waiting>();
        source = state.get();
        exchange.attach(std::move(state));
        exchange.respond({200, {}}, api::Body::stream(*source));
      },
      [](config::Config& config) {
        config.sites[0].routes[0].timeouts.response_write = 40ms;
        config.sites[0].routes[0].limits.response_rate = 1'000'000;
      });
  harness.exchange(kRequest);
  harness.turns_within(200ms);
  ASSERT_FALSE(harness.peer->closed());
  source->ready = true;
  open->body_ready();
  harness.turn();
  EXPECT_NE(harness.peer->take_received().find("0\r\n\r\n"), std::string::npos);
}

TEST(SessionWaiting, a_client_that_hardly_takes_its_last_answer_is_let_go) {
  SessionHarness harness(
      [](api::Exchange& exchange) {
        exchange.respond({200, {}}, api::Body::copy("x"));
      },
      [](config::Config& config) {
        config.timeouts.keep_alive = 40ms;
        config.limits.response_rate = 10'000;
      });
  std::uint32_t left = 100'000;
  harness.peer->has_not_received(left);
  harness.exchange(kRequest);
  for (int i = 0; i < 30 && !harness.peer->writing_ended(); ++i) {
    harness.peer->has_not_received(--left);
    harness.turns_within(20ms);
  }
  EXPECT_TRUE(harness.peer->writing_ended());
}

TEST(SessionWaiting, a_connection_that_becomes_idle_while_a_worker_leaves_soon_ends_soon) {
  // Longer than what is handed over at once: its exchange goes on.
  const support::UnlinkedFile file(3'000'000);
  SessionHarness harness([&](api::Exchange& exchange) {
    exchange.respond({200, {}}, api::Body::file(file.fd(), 0, file.size(), nullptr));
  });
  harness.peer->take_at_most(100'000);
  harness.peer->send(kRequest);
  harness.turn();
  harness.table().begin_drain(net::Drain::Gently);
  harness.table().begin_drain(net::Drain::Soon);
  harness.peer->take_everything();
  harness.turns_within(300ms);
  EXPECT_FALSE(harness.peer->writing_ended());
  harness.turns_within(500ms);
  EXPECT_TRUE(harness.peer->writing_ended());
}

TEST(SessionWaiting, a_refused_client_that_still_sends_has_time_to_see_why) {
  SessionHarness harness([](api::Exchange& exchange) { exchange.respond({200, {}}, api::Body::copy("x")); });
  harness.exchange("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  ASSERT_TRUE(harness.peer->writing_ended());
  for (int i = 0; i < 4; ++i) {
    harness.turns_within(1500ms);
    EXPECT_FALSE(harness.peer->closed()) << i;
    harness.peer->send("more");
  }
}

TEST(SessionWaiting, a_leaving_worker_answers_all_that_is_there_and_says_close_with_the_last) {
  SessionHarness harness([](api::Exchange& exchange) { exchange.respond({200, {}}, api::Body::copy("x")); });
  harness.exchange(kRequest);
  harness.table().begin_drain(net::Drain::Gently);
  const std::string answers = harness.exchange(kRequest + kRequest + kRequest);
  EXPECT_EQ(answers_in(answers), 3U);
  EXPECT_GT(answers.find("Connection: close"), answers.rfind("HTTP/1.1 200"));
  EXPECT_TRUE(harness.peer->writing_ended());
}

TEST(SessionWaiting, the_first_head_has_its_time_from_the_start_of_the_connection) {
  SessionHarness harness(
      [](api::Exchange& exchange) {
        exchange.respond({200, {}}, api::Body::copy("x"));
      },
      [](config::Config& config) { config.timeouts.request_header = 200ms; });
  harness.turns_within(150ms);
  harness.peer->send("GET");
  harness.turns_within(100ms);
  EXPECT_NE(harness.peer->received().find("HTTP/1.1 408"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::http1
