#include "worker/upstream/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "tests/support/other_server.h"
#include "tests/unit/worker/upstream/loop_until.h"
#include "worker/upstream/connector.h"

namespace holdfast::upstream {
namespace {

using api::FetchFailure;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using support::OtherConnection;
using support::OtherServer;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Notes what it is told; destroys its call when it is told to.
struct Caller final : api::CallListener {
  void start(api::HttpClient& http, const api::OutgoingRequest& request) { call = http.start(request, *this); }
  void on_head(std::uint16_t code, std::span<const api::Field> /*fields*/) override {
    status = code;
    if (drop_at_head) call.reset();
  }
  void on_body(std::span<const std::byte> bytes) override {
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    largest = std::max(largest, bytes.size());
    if (grants) call->grant(bytes.size());
  }
  void on_end() override {
    ended = true;
    call.reset();
  }
  void on_failure(const api::CallError& error) override {
    failure = error.why;
    problem = error.text;
    call.reset();
  }
  bool over() const { return ended || failure; }

  bool drop_at_head = false;
  bool grants = true;
  std::uint16_t status = 0;
  std::string body;
  std::size_t largest = 0;
  bool ended = false;
  std::optional<FetchFailure> failure;
  std::string problem;
  std::unique_ptr<api::OutgoingCall> call;
};

class ClientTest : public ::testing::Test {
 protected:
  bool until(const std::function<bool()>& condition) { return loop_until(*loop_, condition); }
  /// Turns until the other side has a connection.
  OtherConnection accept() {
    until([this] { return !other_.idle(); });
    return other_.accept();
  }

  OtherServer other_;
  std::unique_ptr<loop::EventLoop> loop_ = std::move(*loop::EventLoop::create());
  HandPool pool_;
};

TEST_F(ClientTest, tells_nothing_from_within_start) {
  Client client(*loop_, pool_);
  Caller wrong;
  wrong.start(client, {.url = "nonsense"});
  EXPECT_FALSE(wrong.over());
  ASSERT_TRUE(until([&] { return wrong.over(); }));
  EXPECT_EQ(wrong.failure, FetchFailure::Invalid);
  EXPECT_EQ(client.calls(), 0u);
}

TEST_F(ClientTest, makes_so_many_calls_at_once_and_no_more) {
  Client client(*loop_, pool_, {.calls = 2});
  Caller first, second, third, fourth;
  first.start(client, {.url = other_.url()});
  second.start(client, {.url = other_.url()});
  third.start(client, {.url = other_.url()});
  ASSERT_TRUE(until([&] { return third.over(); }));
  EXPECT_EQ(third.failure, FetchFailure::TooMany);
  second.call.reset();
  EXPECT_EQ(client.calls(), 1u);
  fourth.start(client, {.url = other_.url()});
  EXPECT_EQ(client.calls(), 2u);
}

TEST_F(ClientTest, a_call_may_be_dropped_at_any_time) {
  Client client(*loop_, pool_);
  Caller before, named, connecting, at_head;
  before.start(client, {.url = other_.url()});
  before.call.reset();
  named.start(client, {.url = "http://localhost:1/"});
  ASSERT_TRUE(until([this] { return !pool_.waiting.empty(); }));
  named.call.reset();
  pool_.run();
  connecting.start(client, {.url = other_.url()});
  OtherConnection connection = accept();
  connecting.call.reset();
  at_head.drop_at_head = true;
  at_head.start(client, {.url = other_.url()});
  OtherConnection second = accept();
  second.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
  ASSERT_TRUE(until([&] { return at_head.status == 200; }));
  loop_until(
      *loop_, [] { return false; }, 50ms);
  EXPECT_EQ(at_head.body, "");
  EXPECT_FALSE(before.over() || named.over() || connecting.over() || at_head.over());
  EXPECT_TRUE(connection.closed_within(5s) && second.closed_within(5s));
  EXPECT_EQ(client.calls(), 0u);
}

TEST_F(ClientTest, a_body_comes_within_its_credit) {
  Client client(*loop_, pool_);
  Caller caller;
  caller.grants = false;
  caller.start(client, {.url = other_.url(), .credit = 10});
  OtherConnection connection = accept();
  connection.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n01234567890123456789\r\n0\r\n\r\n");
  ASSERT_TRUE(until([&] { return caller.body.size() == 10; }));
  loop_until(
      *loop_, [] { return false; }, 50ms);
  EXPECT_EQ(caller.body, "0123456789");
  caller.call->grant(3);
  EXPECT_EQ(caller.body.size(), 10u) << "not from within grant()";
  ASSERT_TRUE(until([&] { return caller.body.size() == 13; }));
  caller.grants = true;
  caller.call->grant(1);
  ASSERT_TRUE(until([&] { return caller.ended; }));
  EXPECT_EQ(caller.body, "01234567890123456789");
  EXPECT_LE(caller.largest, 10u);
}

TEST_F(ClientTest, silence_is_not_held_against_a_server_that_has_no_credit) {
  Client client(*loop_, pool_);
  Caller caller;
  caller.grants = false;
  caller.start(client, {.url = other_.url(), .idle_timeout = 100ms, .credit = 5});
  OtherConnection connection = accept();
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
  ASSERT_TRUE(until([&] { return caller.body.size() == 5; }));
  loop_until(
      *loop_, [] { return false; }, 400ms);
  EXPECT_FALSE(caller.over());
  caller.call->grant(100);
  ASSERT_TRUE(until([&] { return caller.ended; }));
  Caller silent;
  silent.start(client, {.url = other_.url(), .idle_timeout = 100ms});
  ASSERT_TRUE(until([&] { return silent.over(); }));
  EXPECT_EQ(silent.failure, FetchFailure::TimedOut);
  EXPECT_THAT(silent.problem, HasSubstr("silent for 100ms"));
}

TEST_F(ClientTest, an_early_answer_is_taken_before_the_request_is_sent_whole) {
  Client client(*loop_, pool_);
  Caller caller;
  const std::string large(20'000'000, 'x');
  caller.start(client, {.method = "POST", .url = other_.url(), .body = large});
  OtherConnection connection = accept();
  connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(until([&] { return caller.ended; }));
  EXPECT_EQ(caller.status, 413);
  EXPECT_TRUE(connection.closed_within(5s)) << "the rest of the request will not come";
}

TEST_F(ClientTest, lookups_are_part_of_the_time_to_connect) {
  Client client(*loop_, pool_);
  Caller caller;
  caller.start(client, {.url = "http://localhost:1/", .connect_timeout = 50ms});
  ASSERT_TRUE(until([&] { return caller.over(); }));
  EXPECT_EQ(caller.failure, FetchFailure::TimedOut);
}

TEST_F(ClientTest, kept_connections_end_with_their_time_and_their_number) {
  Client client(*loop_, pool_, {.idle = {.all = 1, .of_one_server = 1, .time = Milliseconds(100)}});
  const auto call_once = [&](OtherServer& server) {
    Caller caller;
    caller.start(client, {.url = server.url()});
    until([&] { return !server.idle(); });
    OtherConnection connection = server.accept();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TRUE(until([&] { return caller.ended; }));
    return connection;
  };
  OtherConnection first = call_once(other_);
  OtherServer another;
  OtherConnection second = call_once(another);
  EXPECT_TRUE(first.closed_within(5s)) << "it gave way to the second";
  loop_until(
      *loop_, [] { return false; }, 300ms);
  EXPECT_TRUE(second.closed_within(5s)) << "nobody wanted it in time";
}

TEST_F(ClientTest, nothing_is_ever_heard_where_no_calls_are_made) {
  NoClient none;
  Caller caller;
  caller.start(none, {.url = other_.url()});
  caller.call->grant(1);
  caller.call.reset();
  EXPECT_FALSE(caller.over());
}

// ---- addresses

struct Dialer final : Connector::Listener {
  void on_connected(std::unique_ptr<net::Transport> made) override { transport = std::move(made); }
  void on_not_connected(FetchFailure code, std::string_view text) override {
    why = code;
    problem = text;
  }
  std::unique_ptr<net::Transport> transport;
  std::optional<FetchFailure> why;
  std::string problem;
};

Endpoint local(std::uint16_t port) {
  return *Endpoint::parse("127.0.0.1:" + std::to_string(port));
}

TEST_F(ClientTest, the_next_address_is_tried_when_one_refuses) {
  std::uint16_t closed;
  { closed = OtherServer().port(); }
  Dialer dialer;
  Connector connector(*loop_, dialer, {local(closed), local(other_.port())}, {}, kNever);
  connector.begin();
  ASSERT_TRUE(until([&] { return dialer.transport != nullptr; })) << dialer.problem;
  EXPECT_TRUE(other_.accept().connected());

  Dialer refused;
  Connector last(*loop_, refused, {local(closed), local(closed)}, {}, kNever);
  last.begin();
  ASSERT_TRUE(until([&] { return refused.why.has_value(); }));
  EXPECT_EQ(refused.why, FetchFailure::Refused);
  EXPECT_EQ(refused.problem, "127.0.0.1:" + std::to_string(closed) + ": Connection refused");
}

}  // namespace
}  // namespace holdfast::upstream
