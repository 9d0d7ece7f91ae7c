// Request bodies: credit, 100 Continue, limits, what nobody reads.
#include <gmock/gmock.h>

#include "tests/support/unlinked_file.h"
#include "tests/unit/worker/http1/session_harness.h"

namespace holdfast::http1 {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::string post(std::string_view fields, std::string_view body = {}) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

std::string counted(std::size_t size) {
  return post("Content-Length: " + std::to_string(size) + "\r\n", std::string(size, 'b'));
}

/// What a collecting handler has seen; outlives its exchanges.
struct Seen {
  std::string body;
  int ends = 0;
  int states = 0;
  std::size_t largest = 0;
  api::Exchange* open = nullptr;
};

/// Collects the body and answers with its length at its end.
class Collector final : public api::ExchangeState, public api::BodySink {
 public:
  Collector(api::Exchange& exchange, Seen& seen, bool grants)
      : exchange_(exchange), seen_(seen), grants_(grants) {
    ++seen_.states;
  }
  ~Collector() override { --seen_.states; }
  void on_body(std::span<const std::byte> bytes) override {
    seen_.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    seen_.largest = std::max(seen_.largest, bytes.size());
    if (grants_) exchange_.grant(bytes.size());
  }
  void on_body_end() override {
    ++seen_.ends;
    exchange_.respond({200, {}}, api::Body::copy(std::to_string(seen_.body.size())));
  }

 private:
  api::Exchange& exchange_;
  Seen& seen_;
  bool grants_;
};

SessionHarness::Handle collects(Seen& seen, std::size_t credit, bool grants = true) {
  return [&seen, credit, grants](api::Exchange& exchange) {
    if (exchange.request().method == api::Method::Get)
      return exchange.respond({200, {}}, api::Body::copy("get"));
    seen.open = &exchange;
    auto state = std::make_unique<Collector>(exchange, seen, grants);
    Collector& kept = *state;
    exchange.attach(std::move(state));
    exchange.receive_body(kept, credit);
  };
}

void ignores(api::Exchange& exchange) {
  exchange.respond({200, {}}, api::Body::copy("ignored"));
}

TEST(SessionBody, reaches_its_sink_whole_in_both_framings_however_it_arrives) {
  const std::string inputs[] = {
      post("Content-Length: 10\r\n", "0123456789"),
      post("Transfer-Encoding: chunked\r\n", "4\r\n0123\r\n6;x=y\r\n456789\r\n0\r\nTrailer: t\r\n\r\n"),
  };
  for (const std::string& input : inputs) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{5}, std::size_t{1000}}) {
      for (const std::size_t credit : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) {
        Seen seen;
        SessionHarness harness(collects(seen, credit));
        const std::string both = input + kGet;
        for (std::size_t at = 0; at < both.size(); at += step) {
          harness.peer->send(std::string_view(both).substr(at, step));
          harness.turn(2);
        }
        harness.turn();
        EXPECT_EQ(seen.body, "0123456789");
        EXPECT_EQ(seen.ends, 1);
        EXPECT_EQ(seen.states, 0);
        EXPECT_LE(seen.largest, credit);
        EXPECT_EQ(statuses(harness.peer->received()), (std::vector<int>{200, 200}));
        EXPECT_THAT(harness.peer->received(), EndsWith("get"));
      }
    }
  }
}

TEST(SessionBody, its_end_needs_no_credit_in_either_framing) {
  for (const std::string& input :
       {counted(10), post("Transfer-Encoding: chunked\r\n", "a\r\n0123456789\r\n0\r\n\r\n")}) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{1000}}) {
      Seen seen;
      SessionHarness harness(collects(seen, 10, false));
      for (std::size_t at = 0; at < input.size(); at += step) {
        harness.peer->send(std::string_view(input).substr(at, step));
        harness.turn(2);
      }
      EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{200}) << input;
      EXPECT_EQ(seen.ends, 1);
    }
  }
}

TEST(SessionBody, an_empty_body_ends_at_once) {
  for (const std::string_view fields : {"", "Content-Length: 0\r\n"}) {
    Seen seen;
    SessionHarness harness(collects(seen, 10));
    EXPECT_EQ(statuses(harness.exchange(post(fields))), std::vector<int>{200});
    EXPECT_EQ(seen.ends, 1);
  }
}

TEST(SessionBody, without_credit_nothing_is_read_and_a_grant_resumes) {
  Seen seen;
  SessionHarness harness(collects(seen, 100, false));
  harness.peer->move_at_most(1000);
  harness.peer->send(counted(90'000));
  harness.turn();
  EXPECT_EQ(seen.body.size(), 100u);
  const std::size_t unread = harness.peer->unread();
  EXPECT_GT(unread, 80'000u) << "the rest waits at the sender";
  EXPECT_LT(harness.turns_within(30ms), 20) << "waiting for credit costs nothing";
  EXPECT_EQ(harness.peer->unread(), unread);
  seen.open->grant(200);
  harness.turn();
  EXPECT_EQ(seen.body.size(), 300u);
  seen.open->grant(100'000);
  harness.turn(120);
  EXPECT_EQ(seen.body.size(), 90'000u);
  EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{200});
}

TEST(SessionBody, continue_is_sent_once_and_only_when_the_body_is_wanted) {
  Seen seen;
  SessionHarness harness(collects(seen, 2));
  const std::string head = post("Content-Length: 4\r\nExpect: 100-continue\r\n");
  EXPECT_EQ(harness.exchange(head), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(harness.exchange("ab"), "");
  EXPECT_THAT(harness.exchange("cd"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(harness.peer->writing_ended());
}

TEST(SessionBody, continue_waits_for_the_first_credit) {
  Seen seen;
  SessionHarness harness(collects(seen, 0));
  EXPECT_EQ(harness.exchange(post("Content-Length: 4\r\nExpect: 100-continue\r\n")), "");
  seen.open->grant(4);
  harness.turn();
  EXPECT_EQ(harness.peer->take_received(), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(SessionBody, a_refused_expectation_gets_the_final_answer_instead_and_the_connection_closes) {
  SessionHarness harness(ignores);
  const std::string answer = harness.exchange(post("Content-Length: 4\r\nExpect: 100-continue\r\n"));
  EXPECT_EQ(statuses(answer), std::vector<int>{200});
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(harness.peer->writing_ended());
}

TEST(SessionBody, http_1_0_is_never_sent_100) {
  Seen seen;
  SessionHarness harness(collects(seen, 10));
  const std::string answer =
      harness.exchange("POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab");
  EXPECT_EQ(statuses(answer), std::vector<int>{200});
}

TEST(SessionBody, what_nobody_reads_is_skipped_when_it_is_short) {
  for (const std::size_t step : {std::size_t{7}, std::size_t{100'000}}) {
    SessionHarness harness(ignores);
    const std::string input = counted(500) + kGet;
    for (std::size_t at = 0; at < input.size(); at += step) {
      harness.peer->send(std::string_view(input).substr(at, step));
      harness.turn(2);
    }
    harness.turn();
    EXPECT_EQ(statuses(harness.peer->received()), (std::vector<int>{200, 200}));
    EXPECT_FALSE(harness.peer->writing_ended());
  }
  SessionHarness harness(ignores);
  EXPECT_EQ(statuses(harness.exchange(counted(64 * 1024) + kGet)), (std::vector<int>{200, 200}));
}

TEST(SessionBody, what_nobody_reads_closes_the_connection_when_it_is_long_or_of_unknown_length) {
  for (const std::string& input :
       {counted(64 * 1024 + 1), post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n")}) {
    SessionHarness harness(ignores);
    const std::string answer = harness.exchange(input + kGet);
    EXPECT_EQ(statuses(answer), std::vector<int>{200});
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(harness.peer->writing_ended());
  }
}

TEST(SessionBody, what_nobody_reads_is_skipped_behind_an_answer_that_takes_its_time) {
  const support::UnlinkedFile file(2'500'000);
  SessionHarness harness([&](api::Exchange& exchange) {
    if (exchange.request().method == api::Method::Get) return ignores(exchange);
    exchange.respond({200, {}}, api::Body::file(file.fd(), 0, file.size(), nullptr));
  });
  harness.peer->take_at_most(1000);
  harness.peer->send(counted(500) + kGet);
  harness.turn();
  harness.peer->take_everything();
  harness.turn(20);
  EXPECT_EQ(statuses(harness.peer->received()), (std::vector<int>{200, 200}));
}

TEST(SessionBody, the_limit_is_exact_in_both_framings) {
  const auto adjust = [](config::Config& config) { config.sites[0].routes[0].limits.request_body = 10; };
  const auto chunked = [](std::size_t size) {
    return post("Transfer-Encoding: chunked\r\n", "1\r\nb\r\n" + std::string(size == 11 ? "a" : "9") + "\r\n" +
                                                      std::string(size - 1, 'b') + "\r\n0\r\n\r\n");
  };
  for (const auto& [input, status] : {std::pair{counted(10), 200}, std::pair{counted(11), 413},
                                      std::pair{chunked(10), 200}, std::pair{chunked(11), 413}}) {
    Seen seen;
    SessionHarness harness(collects(seen, 1000), adjust);
    EXPECT_EQ(statuses(harness.exchange(input)), std::vector<int>{status});
    EXPECT_EQ(seen.states, 0);
    EXPECT_EQ(seen.ends, status == 200 ? 1 : 0);
    EXPECT_EQ(harness.bad_requests(stats::BadRequest::BodyTooLarge), status == 200 ? 0u : 1u);
  }
}

TEST(SessionBody, a_broken_chunk_is_answered_400_and_its_sink_never_hears_of_an_end) {
  Seen seen;
  SessionHarness harness(collects(seen, 1000));
  const std::string answer =
      harness.exchange(post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n3 3\r\nabc\r\n0\r\n\r\n") + kGet);
  EXPECT_EQ(statuses(answer), std::vector<int>{400});
  EXPECT_EQ(seen.body, "abc");
  EXPECT_EQ(seen.ends, 0);
  EXPECT_EQ(seen.states, 0);
  EXPECT_TRUE(harness.peer->writing_ended());
}

TEST(SessionBody, a_broken_chunk_behind_a_large_answer_lets_that_answer_come_through) {
  const support::UnlinkedFile file(800'000);
  Seen seen;
  SessionHarness::Handle collect = collects(seen, 1000);
  SessionHarness harness([&](api::Exchange& exchange) {
    if (exchange.request().method == api::Method::Get)
      return exchange.respond({200, {}}, api::Body::file(file.fd(), 0, file.size(), nullptr));
    collect(exchange);
  });
  harness.peer->take_at_most(1000);
  harness.peer->send(kGet + post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nX\r\n"));
  harness.turn();
  // The refusal waits in the queue; a grant that comes now must not look like the body's end.
  if (seen.states == 1) seen.open->grant(1);
  EXPECT_EQ(seen.ends, 0);
  harness.peer->take_everything();
  harness.turn(20);
  EXPECT_EQ(statuses(harness.peer->received()), (std::vector<int>{200, 400}));
  EXPECT_FALSE(harness.peer->was_reset());
  EXPECT_EQ(seen.ends, 0);
}

TEST(SessionBody, a_client_that_ends_before_its_body_does_is_dropped_and_its_sink_never_hears_of_an_end) {
  Seen seen;
  SessionHarness harness(collects(seen, 1000));
  harness.peer->send(post("Content-Length: 10\r\n", "abc"));
  harness.turn();
  harness.peer->end_sending();
  harness.turn();
  EXPECT_TRUE(harness.peer->closed());
  EXPECT_EQ(seen.ends, 0);
  EXPECT_EQ(seen.states, 0);
  EXPECT_EQ(harness.all_requests(), 1u);
}

TEST(SessionBody, a_client_that_ends_before_a_body_that_nobody_wanted_gets_its_answer) {
  SessionHarness harness(ignores);
  harness.peer->send(post("Content-Length: 10\r\n", "abc"));
  harness.peer->end_sending();
  harness.turn();
  EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{200});
  EXPECT_TRUE(harness.peer->closed());
  EXPECT_FALSE(harness.peer->was_reset());
}

TEST(SessionBody, a_body_that_does_not_come_is_answered_408) {
  Seen seen;
  // The route's own time counts.
  SessionHarness harness(collects(seen, 1000), [](config::Config& config) {
    config.sites[0].routes[0].timeouts.request_body = 30ms;
  });
  harness.peer->send(post("Content-Length: 10\r\n", "abc"));
  harness.turns_within(150ms);
  EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{408});
  EXPECT_EQ(seen.ends, 0);
  EXPECT_EQ(harness.bad_requests(stats::BadRequest::BodyTimeout), 1u);
}

TEST(SessionBody, a_body_that_trickles_is_answered_408_as_if_it_did_not_come) {
  Seen seen;
  SessionHarness harness(collects(seen, 1000), [](config::Config& config) {
    config.sites[0].routes[0].timeouts.request_body = 100ms;
    config.sites[0].routes[0].limits.request_body_rate = 1000;
  });
  harness.peer->send(post("Content-Length: 1000\r\n"));
  for (int i = 0; i < 20; ++i) {
    harness.turns_within(20ms);
    harness.peer->send("b");
  }
  EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{408});
  EXPECT_LT(seen.body.size(), 12u);
  EXPECT_EQ(harness.bad_requests(stats::BadRequest::BodyRate), 1u);
}

TEST(SessionBody, a_body_that_nobody_wants_may_not_trickle_either) {
  SessionHarness harness(ignores, [](config::Config& config) {
    config.sites[0].routes[0].timeouts.request_body = 100ms;
    config.sites[0].routes[0].limits.request_body_rate = 1000;
  });
  harness.peer->send(post("Content-Length: 1000\r\n"));
  for (int i = 0; i < 20 && !harness.peer->writing_ended(); ++i) {
    harness.turns_within(20ms);
    harness.peer->send("b");
  }
  EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{200});
  EXPECT_TRUE(harness.peer->writing_ended());
  EXPECT_EQ(harness.bad_requests(stats::BadRequest::BodyRate), 1u);
}

TEST(SessionBody, a_body_that_keeps_the_rate_may_take_longer_than_its_timeout) {
  Seen seen;
  SessionHarness harness(collects(seen, 100'000), [](config::Config& config) {
    config.sites[0].routes[0].timeouts.request_body = 300ms;
    config.sites[0].routes[0].limits.request_body_rate = 1000;
  });
  harness.peer->send(post("Content-Length: 15000\r\n"));
  for (int i = 0; i < 30; ++i) {
    harness.turns_within(20ms);
    harness.peer->send(std::string(500, 'b'));
  }
  harness.turn();
  EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{200});
}

// Such a client may send the body now or the next request: nothing can tell them apart.
TEST(SessionBody, nothing_is_read_behind_a_body_that_was_awaited_and_never_asked_for) {
  for (const std::string_view fields : {"Content-Length: 5\r\nExpect: 100-continue\r\n",
                                        "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"}) {
    Seen seen;
    int handled = 0;
    SessionHarness harness([&](api::Exchange& exchange) {
      ++handled;
      auto state = std::make_unique<Collector>(exchange, seen, false);
      Collector& kept = *state;
      exchange.attach(std::move(state));
      exchange.receive_body(kept, 0);
      exchange.respond({200, {}}, api::Body::copy("no, thanks"));
    });
    std::string received = harness.exchange(post(fields));
    received += harness.exchange(kGet + kGet);
    EXPECT_EQ(handled, 1);
    EXPECT_EQ(statuses(received), std::vector<int>{200});
    EXPECT_THAT(received, HasSubstr("Connection: close"));
    EXPECT_TRUE(harness.peer->writing_ended());
  }
}

TEST(SessionBody, what_lies_in_a_body_that_is_too_large_is_never_a_request) {
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string size = std::to_string(hidden.size());
  for (const std::string& input : {post("Content-Length: " + size + "\r\n", hidden),
                                   post("Transfer-Encoding: chunked\r\n", "22\r\n" + hidden + "\r\n0\r\n\r\n"),
                                   post("Content-Length: " + size + "\r\nExpect: 100-continue\r\n", hidden)}) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{1000}}) {
      Seen seen;
      std::vector<std::string> targets;
      const auto collect = collects(seen, 1000);
      SessionHarness harness(
          [&](api::Exchange& exchange) {
            targets.emplace_back(exchange.request().target);
            collect(exchange);
          },
          [](config::Config& config) { config.sites[0].routes[0].limits.request_body = 10; });
      for (std::size_t at = 0; at < input.size(); at += step) {
        harness.peer->send(std::string_view(input).substr(at, step));
        harness.turn(2);
      }
      EXPECT_THAT(harness.peer->received(), StartsWith("HTTP/1.1 413"));
      EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{413}) << input;
      for (const std::string& target : targets) EXPECT_EQ(target, "/");
    }
  }
}

TEST(SessionBody, waiting_for_the_handler_is_not_the_clients_fault) {
  Seen seen;
  SessionHarness harness(collects(seen, 3, false), [](config::Config& config) {
    config.sites[0].routes[0].timeouts.request_body = 30ms;
    config.timeouts.request_body = 30ms;
  });
  harness.peer->send(counted(10));
  harness.turns_within(150ms);
  EXPECT_EQ(harness.peer->received(), "");
  seen.open->grant(7);
  harness.turn();
  EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{200});
}

TEST(SessionBody, a_sink_that_throws_is_answered_500) {
  struct Throwing final : api::ExchangeState, api::BodySink {
    void on_body(std::span<const std::byte>) override { throw std::runtime_error("broken"); }
    void on_body_end() override {}
  };
  SessionHarness harness([](api::Exchange& exchange) {
    if (exchange.request().method == api::Method::Get) return ignores(exchange);
    auto state = std::make_unique<Throwing>();
    Throwing& kept = *state;
    exchange.attach(std::move(state));
    exchange.receive_body(kept, 100);
  });
  EXPECT_EQ(statuses(harness.exchange(counted(10))), std::vector<int>{500});
}

TEST(SessionBody, a_sink_whose_handler_threw_is_never_called) {
  struct Sink final : api::BodySink {
    void on_body(std::span<const std::byte>) override { ADD_FAILURE() << "called"; }
    void on_body_end() override { ADD_FAILURE() << "called"; }
  };
  SessionHarness harness([](api::Exchange& exchange) {
    if (exchange.request().method == api::Method::Get) return ignores(exchange);
    Sink gone;
    exchange.receive_body(gone, 100);
    throw std::runtime_error("broken");
  });
  EXPECT_EQ(statuses(harness.exchange(counted(10) + kGet)).front(), 500);
}

}  // namespace
}  // namespace holdfast::http1
