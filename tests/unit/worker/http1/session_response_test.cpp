// Requests in, answers out: order, framing, whether the connection goes on.
#include <gmock/gmock.h>

#include "tests/support/unlinked_file.h"
#include "tests/unit/worker/http1/session_harness.h"

namespace holdfast::http1 {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

void answer_target(api::Exchange& exchange) {
  const api::Field type{"Content-Type", "text/plain"};
  exchange.respond({200, {&type, 1}}, api::Body::copy(exchange.request().target));
}

void stream(api::Exchange& exchange, std::string text, std::size_t part,
            std::optional<std::uint64_t> length = std::nullopt) {
  auto source = std::make_unique<TextSource>(std::move(text), part);
  TextSource& kept = *source;
  exchange.attach(std::move(source));
  exchange.respond({200, {}}, api::Body::stream(kept, length));
}

TEST(Session, answers_a_request_and_keeps_the_connection) {
  SessionHarness harness(answer_target);
  const std::string answer = harness.exchange(kGet);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nServer: holdfast\r\nDate: "));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n/"));
  EXPECT_THAT(answer, Not(HasSubstr("Connection:")));
  EXPECT_FALSE(harness.peer->closed());
  EXPECT_EQ(harness.requests(api::Method::Get, 200), 1u);
  EXPECT_EQ(harness.in_state(stats::ConnectionState::Idle), 1u);
}

TEST(Session, answers_pipelined_requests_in_order_however_they_arrive) {
  std::string input, expected;
  for (int i = 0; i < 20; ++i) {
    const std::string target = "/" + std::to_string(i);
    input += "POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab\r\n\r";
    expected += target;
  }
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{17}, input.size()}) {
    std::string targets;
    SessionHarness harness([&](api::Exchange& exchange) {
      targets += exchange.request().target;
      answer_target(exchange);
    });
    for (std::size_t at = 0; at < input.size(); at += step) {
      harness.peer->send(std::string_view(input).substr(at, step));
      harness.turn(2);
    }
    harness.turn();
    EXPECT_EQ(targets, expected);
    EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>(20, 200)) << step;
    EXPECT_EQ(harness.all_requests(), 20u);
  }
}

TEST(Session, decides_about_the_connection_as_the_request_asks) {
  struct Case {
    std::string_view head;
    bool closes;
    std::string_view field;
  };
  const Case cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n", false, ""},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n", false, ""},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", true, "Connection: close\r\n"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n", true, "Connection: close\r\n"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n", false, ""},
      {"GET / HTTP/1.0\r\n", true, "Connection: close\r\n"},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", false, "Connection: keep-alive\r\n"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n", true, "Connection: close\r\n"},
  };
  for (const Case& one : cases) {
    SessionHarness harness(answer_target);
    const std::string answer = harness.exchange(std::string(one.head) + "\r\n");
    EXPECT_EQ(statuses(answer), std::vector<int>{200}) << one.head;
    EXPECT_EQ(harness.peer->closed(), one.closes) << one.head;
    EXPECT_FALSE(harness.peer->was_reset());
    if (one.field.empty()) {
      EXPECT_THAT(answer, Not(HasSubstr("Connection:")));
    } else {
      EXPECT_THAT(answer, HasSubstr(one.field));
    }
  }
}

TEST(Session, frames_a_stream_of_unknown_length_in_chunks) {
  SessionHarness harness([](api::Exchange& exchange) { stream(exchange, "hello world", 6); });
  const std::string answer = harness.exchange(kGet);
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n00000006\r\nhello \r\n00000005\r\nworld\r\n0\r\n\r\n"));
  EXPECT_EQ(statuses(harness.exchange(kGet)), std::vector<int>{200});
}

TEST(Session, ends_a_stream_of_unknown_length_for_http_1_0_by_closing) {
  SessionHarness harness([](api::Exchange& exchange) { stream(exchange, "hello world", 6); });
  const std::string answer = harness.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(answer, Not(HasSubstr("chunked")));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nhello world"));
  harness.peer->end_sending();
  harness.turn();
  EXPECT_TRUE(harness.peer->closed());
}

TEST(Session, tells_head_what_get_would_have_and_sends_no_body) {
  SessionHarness harness([](api::Exchange& exchange) {
    if (exchange.request().target == "/stream") return stream(exchange, "hello", 5);
    exchange.respond({200, {}}, api::Body::copy("hello"));
  });
  const std::string head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_THAT(harness.exchange(head), EndsWith("Content-Length: 5\r\n\r\n"));
  EXPECT_THAT(harness.exchange("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n"),
              EndsWith("Transfer-Encoding: chunked\r\n\r\n"));
  EXPECT_THAT(harness.exchange(kGet), EndsWith("Content-Length: 5\r\n\r\nhello"));
}

TEST(Session, gives_statuses_without_content_neither_length_nor_body) {
  for (const std::uint16_t status : {204, 304}) {
    SessionHarness harness([status](api::Exchange& exchange) {
      exchange.respond({status, {}}, api::Body::copy("hello"));
    });
    const std::string answer = harness.exchange(kGet);
    EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
    EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
    EXPECT_FALSE(harness.peer->closed());
  }
}

TEST(Session, leaves_out_fields_that_are_the_cores_and_refuses_to_split_a_response) {
  std::string value = "x";
  SessionHarness harness([&](api::Exchange& exchange) {
    const api::Field fields[] = {{"Content-Length", "999"}, {"Connection", "upgrade"}, {"X", value}};
    exchange.respond({200, fields}, api::Body::copy("hello"));
  });
  EXPECT_THAT(harness.exchange(kGet), EndsWith("\r\nX: x\r\nContent-Length: 5\r\n\r\nhello"));
  value = "x\r\nSet-Cookie: y";
  const std::string answer = harness.exchange(kGet);
  EXPECT_EQ(statuses(answer), std::vector<int>{500});
  EXPECT_THAT(answer, Not(HasSubstr("Cookie")));
}

TEST(Session, sends_heads_larger_than_a_chunk_of_the_queue) {
  const std::string value(100'000, 'v');
  SessionHarness harness([&](api::Exchange& exchange) {
    const api::Field field{"X", value};
    exchange.respond({200, {&field, 1}}, api::Body::copy("hello"));
  });
  EXPECT_THAT(harness.exchange(kGet), EndsWith(value + "\r\nContent-Length: 5\r\n\r\nhello"));
}

TEST(Session, never_reads_a_request_behind_a_refused_message) {
  SessionHarness* running = nullptr;
  SessionHarness harness([&](api::Exchange& exchange) {
    ++running->handled;
    answer_target(exchange);
  });
  running = &harness;
  const std::string answer = harness.exchange("GET / HTTP/1.1\r\nHost : a\r\n\r\n" + kGet + kGet);
  EXPECT_EQ(statuses(answer), std::vector<int>{400});
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  harness.exchange(kGet);
  EXPECT_EQ(harness.handled, 0);
  EXPECT_TRUE(harness.peer->writing_ended());
  EXPECT_FALSE(harness.peer->closed()) << "the client may still be sending and must see the answer";
  harness.peer->end_sending();
  harness.turn();
  EXPECT_TRUE(harness.peer->closed());
  EXPECT_FALSE(harness.peer->was_reset());
  EXPECT_EQ(harness.bad_requests(stats::BadRequest::FieldLine), 1u);
}

TEST(Session, a_refused_client_that_asked_for_the_close_may_still_be_sending) {
  for (const std::string input : {
           "GET a HTTP/1.0\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
           "CONNECT a:80 HTTP/1.0\r\n\r\n",
       }) {
    SessionHarness harness(answer_target);
    harness.exchange(input);
    EXPECT_TRUE(harness.peer->writing_ended()) << input;
    EXPECT_FALSE(harness.peer->closed()) << input;
    EXPECT_EQ(harness.exchange(kGet), "") << input;
    harness.peer->end_sending();
    harness.turn();
    EXPECT_TRUE(harness.peer->closed()) << input;
    EXPECT_FALSE(harness.peer->was_reset()) << input;
  }
}

TEST(Session, refuses_each_kind_with_its_status_and_closes) {
  const std::pair<std::string, int> cases[] = {
      {"hello\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1200, 'a') + "\r\n\r\n", 431},
      {"GET / HTTP/1.1\r\na:1\r\nb:1\r\nc:1\r\nd:1\r\ne:1\r\nf:1\r\ng:1\r\nh:1\r\ni:1\r\nj:1\r\nk:1\r\n\r\n",
       431},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417},
  };
  for (const auto& [input, status] : cases) {
    SessionHarness harness(answer_target);
    const std::string answer = harness.exchange(input + kGet);
    EXPECT_EQ(statuses(answer), std::vector<int>{status}) << input;
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n")) << input;
    EXPECT_TRUE(harness.peer->writing_ended() || harness.peer->closed()) << input;
    EXPECT_EQ(harness.all_requests(), 1u);
  }
}

TEST(Session, answers_a_client_that_has_ended_its_side_then_closes) {
  SessionHarness harness(answer_target);
  harness.peer->send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  harness.peer->end_sending();
  harness.turn();
  EXPECT_EQ(statuses(harness.peer->received()), (std::vector<int>{200, 200}));
  EXPECT_TRUE(harness.peer->closed());
  EXPECT_FALSE(harness.peer->was_reset());
}

TEST(Session, closes_quietly_when_the_client_leaves_between_requests) {
  SessionHarness harness(answer_target);
  harness.exchange(kGet);
  harness.peer->end_sending();
  harness.turn();
  EXPECT_TRUE(harness.peer->closed());
  EXPECT_EQ(harness.peer->received(), "");
  EXPECT_EQ(harness.table().size(), 0u);
}

// -- large answers and slow readers

TEST(Session, sends_a_large_stream_whole_to_a_slow_reader) {
  std::string text;
  for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i) + ",";
  SessionHarness harness([&](api::Exchange& exchange) { stream(exchange, text, 5000, text.size()); });
  harness.peer->take_at_most(0);
  harness.exchange(kGet);
  while (harness.peer->received().size() < text.size() && harness.all_requests() == 0) {
    const std::size_t before = harness.peer->received().size();
    harness.peer->take_at_most(70'001);
    harness.turn(3);
    ASSERT_GT(harness.peer->received().size(), before) << "stalled";
  }
  harness.peer->take_everything();
  harness.turn();
  const std::string answer = harness.peer->take_received();
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), text);
  EXPECT_EQ(harness.all_requests(), 1u);
}

TEST(Session, serves_requests_that_waited_behind_a_large_answer_to_a_slow_reader) {
  const support::UnlinkedFile file(2'500'000);
  SessionHarness harness([&](api::Exchange& exchange) {
    if (exchange.request().target == "/") return answer_target(exchange);
    exchange.respond({200, {}}, api::Body::file(file.fd(), 0, file.size(), nullptr));
  });
  harness.peer->take_at_most(100'000);
  harness.peer->send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n" + kGet + kGet);
  harness.turn();
  for (int i = 0; i < 40; ++i) {
    harness.peer->take_at_most(100'000);
    harness.turn(3);
  }
  EXPECT_EQ(statuses(harness.peer->received()), (std::vector<int>{200, 200, 200}));
  EXPECT_EQ(harness.all_requests(), 3u);
}

TEST(Session, serves_requests_that_were_not_read_yet_behind_a_large_answer) {
  const support::UnlinkedFile file(1'000'000);
  SessionHarness harness([&](api::Exchange& exchange) {
    exchange.respond({200, {}}, api::Body::file(file.fd(), 0, file.size(), nullptr));
  });
  harness.peer->take_at_most(600'000);
  harness.peer->send(kGet);
  harness.turn();
  harness.peer->send(kGet);
  harness.turn();
  harness.peer->take_everything();
  harness.turn(20);
  EXPECT_EQ(harness.all_requests(), 2u);
}

TEST(Session, does_not_spin_while_a_client_that_ended_its_side_takes_nothing) {
  SessionHarness harness([](api::Exchange& exchange) {
    exchange.respond({200, {}}, api::Body::copy(std::string(300'000, 'x')));
  });
  harness.peer->take_at_most(1000);
  harness.peer->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  harness.peer->end_sending();
  harness.turn();
  EXPECT_FALSE(harness.peer->closed());
  EXPECT_LT(harness.turns_within(50ms), 20);
}

TEST(Session, does_not_spin_while_it_lingers) {
  SessionHarness harness(answer_target,
                         [](config::Config& config) { config.sites[0].routes[0].limits.request_body = 1000; });
  harness.peer->move_at_most(64 * 1024);
  harness.peer->send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" +
                     std::string(400'000, 'x'));
  harness.turn(20);
  EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{413});
  EXPECT_FALSE(harness.peer->closed());
  EXPECT_LT(harness.turns_within(50ms), 20);
}

TEST(Session, one_client_that_takes_everything_leaves_others_their_turn) {
  SessionHarness harness([](api::Exchange& exchange) {
    if (exchange.request().target == "/") return answer_target(exchange);
    stream(exchange, std::string(40'000'000, 'x'), 1 << 20, 40'000'000);
  });
  support::ScriptedPeer& greedy = *harness.peer;
  harness.connect();
  greedy.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  harness.turn(1);
  EXPECT_GT(greedy.received().size(), 100'000u);
  EXPECT_LT(greedy.received().size(), 8'000'000u);
  EXPECT_EQ(statuses(harness.exchange(kGet)), std::vector<int>{200});
  EXPECT_LT(greedy.received().size(), 40'000'000u);
  harness.turn(60);
  EXPECT_GT(greedy.received().size(), 40'000'000u);
}

TEST(Session, copies_an_answer_behind_a_large_one_while_its_bytes_are_there) {
  const support::UnlinkedFile file(1'000'000);
  SessionHarness harness([&](api::Exchange& exchange) {
    if (exchange.request().target == "/file")
      return exchange.respond({200, {}}, api::Body::file(file.fd(), 0, file.size(), nullptr));
    std::string gone(200, 'g');
    exchange.respond({200, {}}, api::Body::copy(gone));
    gone.assign(200, '!');
  });
  harness.peer->take_at_most(1000);
  harness.exchange("GET /file HTTP/1.1\r\nHost: a\r\n\r\n" + kGet);
  harness.peer->take_everything();
  harness.turn(20);
  EXPECT_THAT(harness.peer->received(), EndsWith("\r\n\r\n" + std::string(200, 'g')));
}

// -- answers that come later

TEST(Session, sends_an_answer_given_after_the_handler_returned) {
  struct Waiting final : api::ExchangeState {};
  api::Exchange* open = nullptr;
  SessionHarness harness([&](api::Exchange& exchange) {
    exchange.attach(std::make_unique<Waiting>());
    open = &exchange;
  });
  for (const std::size_t size : {std::size_t{5}, std::size_t{3'000'000}}) {
    EXPECT_EQ(harness.exchange(kGet), "");
    stream(*open, std::string(size, 'x'), 10'000, size);
    harness.turn(30);
    EXPECT_GT(harness.peer->take_received().size(), size) << size;
  }
  EXPECT_EQ(harness.all_requests(), 2u);
}

TEST(Session, sends_the_head_of_a_stream_that_has_nothing_yet) {
  struct Slow final : api::ExchangeState, api::BodySource {
    api::Pulled read(std::span<std::byte> room) override {
      if (!ready) return {0, api::Pull::Later};
      room[0] = std::byte{'!'};
      return {1, api::Pull::End};
    }
    bool ready = false;
  };
  struct Waiting final : api::ExchangeState {};
  api::Exchange* open = nullptr;
  SessionHarness harness([&](api::Exchange& exchange) {
    exchange.attach(std::make_unique<Waiting>());
    open = &exchange;
  });
  harness.exchange(kGet);
  auto owned = std::make_unique<Slow>();
  Slow& slow = *owned;
  open->attach(std::move(owned));
  open->respond({200, {}}, api::Body::stream(slow));
  harness.turn();
  EXPECT_THAT(harness.peer->take_received(), EndsWith("chunked\r\n\r\n"));
  EXPECT_LT(harness.turns_within(30ms), 20);
  slow.ready = true;
  open->body_ready();
  harness.turn();
  EXPECT_EQ(harness.peer->take_received(), "00000001\r\n!\r\n0\r\n\r\n");
}

TEST(Session, destroys_the_state_and_accounts_once_when_the_client_has_left) {
  int alive = 0;
  SessionHarness harness(
      [&](api::Exchange& exchange) { exchange.attach(std::make_unique<TextSource>("", 1, &alive)); });
  harness.exchange(kGet);
  EXPECT_EQ(alive, 1);
  harness.peer->break_off();
  harness.turn();
  // Nobody reads or writes on a waiting exchange: the end of the table is the end of it.
  harness.table().close_all();
  harness.turn();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(harness.requests(api::Method::Get, 499), 1u);
  EXPECT_EQ(harness.all_requests(), 1u);
}

TEST(Session, destroys_the_state_and_accounts_once_when_the_client_leaves_in_the_middle_of_its_answer) {
  int alive = 0;
  SessionHarness harness([&](api::Exchange& exchange) {
    auto source = std::make_unique<TextSource>(std::string(5'000'000, 'x'), 10'000, &alive);
    TextSource& kept = *source;
    exchange.attach(std::move(source));
    exchange.respond({200, {}}, api::Body::stream(kept));
  });
  harness.peer->take_at_most(300'000);
  harness.exchange(kGet);
  EXPECT_EQ(alive, 1);
  harness.peer->break_off();
  harness.peer->take_everything();
  harness.turn();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(harness.peer->closed());
  EXPECT_EQ(harness.requests(api::Method::Get, 200), 1u);
  EXPECT_EQ(harness.all_requests(), 1u);
}

// -- handlers that go wrong

TEST(Session, answers_500_for_a_handler_that_throws_or_forgets) {
  for (const bool throws : {true, false}) {
    SessionHarness harness([&](api::Exchange&) {
      if (throws) throw std::runtime_error("broken");
    });
    EXPECT_EQ(statuses(harness.exchange(kGet)), std::vector<int>{500});
    EXPECT_EQ(statuses(harness.exchange(kGet)), std::vector<int>{500});
  }
}

TEST(Session, resets_a_body_that_ends_before_its_length_fails_throws_or_makes_no_progress) {
  struct Bad final : api::ExchangeState, api::BodySource {
    explicit Bad(int how) : how(how) {}
    api::Pulled read(std::span<std::byte>) override {
      if (how == 0) return {10, api::Pull::End};
      if (how == 1) return {0, api::Pull::Failed};
      if (how == 2) return {0, api::Pull::More};
      throw std::runtime_error("broken");
    }
    int how;
  };
  for (int how = 0; how < 4; ++how) {
    SessionHarness harness([&](api::Exchange& exchange) {
      auto source = std::make_unique<Bad>(how);
      Bad& kept = *source;
      exchange.attach(std::move(source));
      exchange.respond({200, {}}, api::Body::stream(kept, 100));
    });
    harness.exchange(kGet);
    EXPECT_TRUE(harness.peer->closed()) << how;
    EXPECT_TRUE(harness.peer->was_reset()) << how;
    EXPECT_EQ(harness.all_requests(), 1u);
  }
}

TEST(Session, takes_a_body_of_the_announced_length_for_whole_whatever_its_source_says_next) {
  struct Source final : api::ExchangeState, api::BodySource {
    explicit Source(api::Pull next) : next(next) {}
    api::Pulled read(std::span<std::byte> room) override {
      const std::size_t size = std::min<std::size_t>(room.size(), 5);
      std::fill_n(room.begin(), size, std::byte{'x'});
      return {size, next};
    }
    api::Pull next;
  };
  for (const api::Pull next : {api::Pull::More, api::Pull::Later, api::Pull::End}) {
    for (const std::uint64_t length : {0u, 5u}) {
      SessionHarness harness([&](api::Exchange& exchange) {
        auto source = std::make_unique<Source>(next);
        Source& kept = *source;
        exchange.attach(std::move(source));
        exchange.respond({200, {}}, api::Body::stream(kept, length));
      });
      EXPECT_EQ(statuses(harness.exchange(kGet + kGet)), (std::vector<int>{200, 200})) << length;
    }
  }
}

TEST(Session, closes_rather_than_lie_when_a_file_became_shorter) {
  const support::UnlinkedFile file(1000);
  SessionHarness harness([&](api::Exchange& exchange) {
    exchange.respond({200, {}}, api::Body::file(file.fd(), 0, 2000, nullptr));
  });
  harness.exchange(kGet);
  EXPECT_TRUE(harness.peer->was_reset());
}

// -- time

TEST(Session, answers_408_to_a_head_that_does_not_come_to_its_end) {
  SessionHarness harness(answer_target, [](config::Config& config) { config.timeouts.request_header = 30ms; });
  harness.peer->send("GET / HT");
  harness.turns_within(150ms);
  EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{408});
  EXPECT_TRUE(harness.peer->writing_ended());
}

TEST(Session, gives_a_head_no_more_time_for_arriving_slowly) {
  SessionHarness harness(answer_target, [](config::Config& config) { config.timeouts.request_header = 60ms; });
  for (int i = 0; i < 12; ++i) {
    harness.peer->send("G");
    harness.turns_within(20ms);
  }
  EXPECT_EQ(statuses(harness.peer->received()), std::vector<int>{408});
}

TEST(Session, closes_a_client_that_sends_nothing_without_an_answer) {
  SessionHarness silent(answer_target, [](config::Config& config) { config.timeouts.request_header = 30ms; });
  silent.turns_within(150ms);
  EXPECT_TRUE(silent.peer->writing_ended());
  EXPECT_EQ(silent.peer->received(), "");
  SessionHarness idle(answer_target, [](config::Config& config) { config.timeouts.keep_alive = 30ms; });
  EXPECT_EQ(statuses(idle.exchange(kGet)), std::vector<int>{200});
  idle.turns_within(150ms);
  EXPECT_TRUE(idle.peer->writing_ended());
  EXPECT_EQ(idle.peer->received(), "");
}

TEST(Session, refuses_a_head_once_however_long_its_answer_waits) {
  SessionHarness harness(
      [](api::Exchange& exchange) {
        exchange.respond({200, {}}, api::Body::copy(std::string(100'000, 'x')));
      },
      [](config::Config& config) { config.timeouts.request_header = 30ms; });
  harness.peer->take_at_most(10);
  harness.peer->send(kGet);
  harness.turn();
  harness.peer->send("GET / HTTP/1.1\r\nHo");
  harness.turn();
  harness.peer->send("st : a\r\n\r\n");
  harness.turns_within(150ms);
  harness.peer->take_everything();
  harness.turn();
  EXPECT_EQ(statuses(harness.peer->received()), (std::vector<int>{200, 400}));
  EXPECT_EQ(harness.all_requests(), 2u);
}

TEST(Session, resets_a_client_that_takes_nothing_for_too_long) {
  SessionHarness harness(
      [](api::Exchange& exchange) {
        exchange.respond({200, {}}, api::Body::copy(std::string(100'000, 'x')));
      },
      [](config::Config& config) { config.sites[0].routes[0].timeouts.response_write = 30ms; });
  harness.peer->take_at_most(10);
  harness.exchange(kGet);
  harness.turns_within(150ms);
  EXPECT_TRUE(harness.peer->was_reset());
}

// -- leaving

TEST(Session, a_draining_worker_answers_once_more_and_says_close) {
  SessionHarness harness(answer_target);
  harness.exchange(kGet);
  harness.table().begin_drain(net::Drain::Gently);
  harness.turn();
  EXPECT_FALSE(harness.peer->closed()) << "an idle connection stays readable for a while";
  const std::string answer = harness.exchange(kGet);
  EXPECT_EQ(statuses(answer), std::vector<int>{200});
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(harness.peer->writing_ended());
}

TEST(Session, an_idle_connection_owns_no_buffers_and_little_else) {
  constexpr std::size_t kEach =
      sizeof(net::Connection) + sizeof(Session) + 16;  // and a transport: vtable, descriptor
  RecordProperty("bytes", static_cast<int>(kEach));
  EXPECT_LE(kEach, 380u);
}

}  // namespace
}  // namespace holdfast::http1
