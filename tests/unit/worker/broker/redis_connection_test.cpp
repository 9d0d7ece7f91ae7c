#include "worker/broker/redis_connection.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/unit/worker/broker/fake_redis.h"

namespace holdfast::broker {
namespace {

class RedisConnectionTest : public testing::Test, public RedisConnection::User {
 protected:
  RedisConnectionTest() { alarm(30); }
  ~RedisConnectionTest() { alarm(0); }
  void on_reply(RedisConnection& from, const redisReply& reply) override {
    replies.push_back(reply.str != nullptr
                          ? std::string(reply.str, reply.len)
                          : std::to_string(reply.elements + static_cast<std::size_t>(reply.integer)));
    if (then) then(from);
  }
  void on_lost(RedisConnection& /*from*/, const std::string& why) override { lost.push_back(why); }
  void turn_until(const std::function<bool()>& done) {
    while (!done()) loop->turn();
  }
  Fd connect() {
    EXPECT_TRUE(connection.open(redis.address()));
    return redis.accept(*loop);
  }
  /// The connection ends with this reason after the server has said `text`.
  std::string why_lost(std::string_view text) {
    lost.clear();
    const Fd peer = connect();
    say(peer, text);
    turn_until([&] { return !lost.empty(); });
    EXPECT_FALSE(connection.is_open());
    return lost.back();
  }

  std::unique_ptr<loop::EventLoop> loop = *loop::EventLoop::create();
  FakeRedis redis;
  RedisConnection connection{*loop, *this};
  std::vector<std::string> replies;
  std::vector<std::string> lost;
  std::function<void(RedisConnection&)> then;
};

TEST_F(RedisConnectionTest, sends_what_was_given_before_it_was_connected) {
  ASSERT_TRUE(connection.open(redis.address()));
  EXPECT_TRUE(connection.send({"PUBLISH", "room", std::string_view("a\0b", 3)}));
  const Fd peer = redis.accept(*loop);
  EXPECT_EQ(read_until(*loop, peer, "b\r\n"),
            std::string("*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n$3\r\na\0b\r\n", 36));
}

TEST_F(RedisConnectionTest, tells_replies_whole_however_they_come) {
  const Fd peer = connect();
  for (const char c : std::string_view("+OK\r\n:7\r\n$5\r\nhello\r\n*0\r\n")) {
    say(peer, {&c, 1});
    loop->turn();
  }
  turn_until([&] { return replies.size() == 4; });
  EXPECT_EQ(replies, (std::vector<std::string>{"OK", "7", "hello", "0"}));
  EXPECT_TRUE(lost.empty()) << "nobody asked for any of them, and it does no harm";
}

TEST_F(RedisConnectionTest, may_be_closed_by_whom_it_tells) {
  then = [](RedisConnection& from) { from.close(); };
  const Fd peer = connect();
  say(peer, "+one\r\n+two\r\n");
  turn_until([&] { return !replies.empty(); });
  EXPECT_EQ(replies, (std::vector<std::string>{"one"}));
  EXPECT_TRUE(lost.empty());
  EXPECT_FALSE(connection.send({"PING"}));
}

TEST_F(RedisConnectionTest, a_server_that_leaves_or_is_not_there_is_lost) {
  { connect(); }
  turn_until([&] { return lost.size() == 1; });
  EXPECT_EQ(lost.back(), "it has closed the connection");
  redis.leave();
  if (connection.open(redis.address())) turn_until([&] { return lost.size() == 2; });
  EXPECT_EQ(lost.back(), "Connection refused");
}

TEST_F(RedisConnectionTest, another_protocol_is_lost) {
  EXPECT_NE(why_lost("HTTP/1.1 400 Bad Request\r\n\r\n").find("does not follow the Redis protocol"),
            std::string::npos);
}

TEST_F(RedisConnectionTest, an_array_that_is_announced_too_long_reserves_nothing) {
  EXPECT_NE(why_lost("*2147483647\r\n").find("does not follow"), std::string::npos);
  EXPECT_NE(why_lost("*17\r\n").find("does not follow"), std::string::npos);
}

TEST_F(RedisConnectionTest, nesting_without_end_is_lost) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "*1\r\n";
  EXPECT_NE(why_lost(deep).find("does not follow"), std::string::npos);
}

TEST_F(RedisConnectionTest, a_reply_without_end_is_lost_before_it_takes_much_memory) {
  const Fd peer = connect();
  const std::string piece(10'000, 'x');
  say(peer, "$500000000\r\n");
  std::size_t said = 0;
  for (; lost.empty() && said < 2 * RedisConnection::kMostReply; said += piece.size()) {
    say(peer, piece);
    loop->turn();
  }
  ASSERT_FALSE(lost.empty());
  EXPECT_EQ(lost.back(), "it has sent a reply of more than 262144 bytes");
}

TEST_F(RedisConnectionTest, a_server_that_reads_nothing_makes_it_hold_so_much_and_no_more) {
  const Fd peer = connect();
  loop->turn();
  const std::string word(50'000, 'x');
  std::size_t taken = 0;
  // What the kernel takes is not counted.
  while (connection.send({"PUBLISH", "room", word})) {
    ++taken;
    loop->turn();
    ASSERT_LE(connection.waiting(), RedisConnection::kMostWaiting);
    ASSERT_LT(taken, 10'000u);
  }
  EXPECT_GT(connection.waiting(), RedisConnection::kMostWaiting - 60'000);
  std::size_t arrived = 0;
  while (connection.waiting() > 0) {
    char piece[65536];
    const ssize_t got = ::recv(peer.get(), piece, sizeof piece, MSG_DONTWAIT);
    if (got > 0)
      arrived += static_cast<std::size_t>(got);
    else
      loop->turn();
  }
  EXPECT_GT(arrived, RedisConnection::kMostWaiting / 2);
  EXPECT_TRUE(connection.send({"PUBLISH", "room", word})) << "there is room again";
}

TEST_F(RedisConnectionTest, what_waits_at_its_end_is_sent_still) {
  const Fd peer = connect();
  turn_until([&] {
    loop->turn();
    return connection.waiting() == 0;
  });
  say(peer, "+a reply that nobody reads\r\n");
  connection.send({"PUBLISH", "room", "farewell"});
  connection.close();
  EXPECT_EQ(read_until(*loop, peer, "farewell\r\n"), "*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n$8\r\nfarewell\r\n");
}

TEST_F(RedisConnectionTest, a_server_that_falls_silent_is_asked_and_then_lost) {
  RedisConnection impatient(*loop, *this, {Milliseconds(300), Milliseconds(600)});
  ASSERT_TRUE(impatient.open(redis.address()));
  const Fd peer = redis.accept(*loop);
  say(peer, "+OK\r\n");
  EXPECT_EQ(read_until(*loop, peer, "PING\r\n"), "*1\r\n$4\r\nPING\r\n");
  say(peer, "+PONG\r\n");
  EXPECT_EQ(read_until(*loop, peer, "PING\r\n"), "*1\r\n$4\r\nPING\r\n");
  turn_until([&] { return !lost.empty(); });
  EXPECT_EQ(lost.back(), "it does not answer within 600 ms");
}

TEST_F(RedisConnectionTest, a_server_that_takes_the_connection_and_says_nothing_is_lost) {
  RedisConnection impatient(*loop, *this, {Milliseconds(300), Milliseconds(600)});
  ASSERT_TRUE(impatient.open(redis.address()));
  const Fd peer = redis.accept(*loop);
  turn_until([&] { return !lost.empty(); });
  EXPECT_EQ(lost.back(), "it does not answer within 600 ms");
}

}  // namespace
}  // namespace holdfast::broker
