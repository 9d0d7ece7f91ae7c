// What waits and for how long: requests behind answers that nobody reads, deadlines beside answers on their
// way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
