#include "worker/broker/redis_broker.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "common/broadcast/segment.h"
#include "tests/unit/worker/broker/fake_redis.h"
#include "worker/broker/redis_record.h"
#include "worker/loop/thread_pool.h"

namespace holdfast::broker {
namespace {

using Kind = RedisRecord::Kind;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

constexpr Origin kFar{77, 1};

class Hearing final : public Listener {
 public:
  void on_message(const Message& message) override {
    told.emplace_back(reinterpret_cast<const char*>(message.payload.data()), message.payload.size());
    origins.push_back(message.origin);
  }
  void on_origin_gone(const Origin& origin) override { gone.push_back(origin); }
  void on_reunion() override { ++reunions; }

  std::vector<std::string> told;
  std::vector<Origin> origins;
  std::vector<Origin> gone;
  int reunions = 0;
};

class RedisBrokerTest : public testing::Test {
 protected:
  RedisBrokerTest() { alarm(30); }
  ~RedisBrokerTest() { alarm(0); }
  void turn_until(const std::function<bool()>& done) {
    while (!done()) loop->turn();
  }
  void open(const RedisBroker::Limits& limits = {}, std::string_view password = {},
            const std::string& host = "127.0.0.1") {
    broker = std::make_unique<RedisBroker>(
        *loop, pool, std::make_unique<HostBroker>(LocalBroker::open(*loop, segment, 1)), segment.host_id(),
        config::ChatBroker{host, redis.port(), "room"}, password, limits);
    broker->listen(hearing);
  }
  /// Takes both connections, the subscriber's first, and answers as a server does.
  void link() {
    subscriber = redis.accept(*loop);
    publisher = redis.accept(*loop);
    EXPECT_TRUE(read_until(*loop, subscriber, "room\r\n").ends_with("SUBSCRIBE\r\n$4\r\nroom\r\n"));
    const int before = hearing.reunions;
    say(subscriber, "*3\r\n" + bulk("subscribe") + bulk("room") + ":1\r\n");
    say(publisher, ":1\r\n");
    turn_until([&] { return hearing.reunions > before; });
  }
  void bring(std::string_view message) {
    say(subscriber, "*3\r\n" + bulk("message") + bulk("room") + bulk(message));
  }
  void bring(Kind kind, const Origin& origin, std::string_view payload = {}) {
    bring(encode({kind, origin, WallTime{}, bytes(payload)}));
  }

  broadcast::Segment segment = *broadcast::Segment::create();
  std::unique_ptr<loop::EventLoop> loop = *loop::EventLoop::create();
  loop::ThreadPool pool{*loop};
  FakeRedis redis;
  Hearing hearing;
  Fd subscriber;
  Fd publisher;
  std::unique_ptr<RedisBroker> broker;
};

TEST_F(RedisBrokerTest, brings_what_workers_of_other_hosts_say) {
  open();
  link();
  bring(Kind::Message, kFar, "hello");
  turn_until([&] { return !hearing.told.empty(); });
  EXPECT_EQ(hearing.told, (std::vector<std::string>{"hello"}));
  EXPECT_EQ(hearing.origins, (std::vector<Origin>{kFar}));
}

TEST_F(RedisBrokerTest, passes_over_its_own_host_and_what_is_malformed) {
  open();
  link();
  bring(Kind::Message, {segment.host_id(), 99}, "our own");
  bring("");
  bring("HFB");
  bring(std::string(200'000, 'x'));
  bring(Kind::Message, {0, 1}, "pretends to be of this host");
  say(subscriber, "*3\r\n" + bulk("message") + bulk("another room") +
                      bulk(encode({Kind::Message, kFar, WallTime{}, bytes("elsewhere")})));
  say(subscriber, "*3\r\n:1\r\n:2\r\n:3\r\n*1\r\n" + bulk("message") + "+OK\r\n$-1\r\n*-1\r\n");
  bring(Kind::Message, kFar, "hello");
  turn_until([&] { return !hearing.told.empty(); });
  EXPECT_EQ(hearing.told, (std::vector<std::string>{"hello"}));
}

TEST_F(RedisBrokerTest, publishes_to_both_and_says_farewell) {
  open();
  link();
  Hearing neighbour;
  HostBroker other(LocalBroker::open(*loop, segment, 2));
  other.listen(neighbour);
  EXPECT_TRUE(broker->publish(bytes("hello")));
  turn_until([&] { return !neighbour.told.empty(); });
  EXPECT_EQ(neighbour.told, (std::vector<std::string>{"hello"}));
  const std::string published = read_until(*loop, publisher, "hello\r\n");
  EXPECT_NE(published.find(encode({Kind::Message, {segment.host_id(), 1}, WallTime{}, {}}).substr(0, 21)),
            std::string::npos);
  broker.reset();
  const std::string farewell = read_until(*loop, publisher, "(end)");
  EXPECT_NE(farewell.find(encode({Kind::Gone, {segment.host_id(), 1}, WallTime{}, {}}).substr(0, 21)),
            std::string::npos);
}

TEST_F(RedisBrokerTest, gives_the_password_on_both_connections_first) {
  open({}, "secret");
  const Fd one = redis.accept(*loop);
  const Fd other = redis.accept(*loop);
  for (const Fd* peer : {&one, &other})
    EXPECT_EQ(read_until(*loop, *peer, "secret\r\n").substr(0, 26), "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n");
}

TEST_F(RedisBrokerTest, speaks_on_the_own_host_without_redis) {
  redis.leave();
  open();
  Hearing neighbour;
  HostBroker other(LocalBroker::open(*loop, segment, 2));
  other.listen(neighbour);
  EXPECT_TRUE(broker->publish(bytes("hello")));
  turn_until([&] { return !neighbour.told.empty(); });
  EXPECT_FALSE(broker->publish(bytes(std::string(Broker::kMostPayload + 1, 'x'))));
}

TEST_F(RedisBrokerTest, connects_again_and_meets_the_others_again) {
  open();
  link();
  EXPECT_EQ(hearing.reunions, 2) << "with those of the host, and with those of others";
  subscriber.reset();
  link();
  EXPECT_EQ(hearing.reunions, 3);
  bring(Kind::Message, kFar, "hello");
  turn_until([&] { return !hearing.told.empty(); });
}

TEST_F(RedisBrokerTest, an_error_that_redis_answers_ends_the_link) {
  open();
  link();
  say(publisher, "-NOPERM this user has no permissions to run the 'publish' command\r\n");
  EXPECT_NE(read_until(*loop, subscriber, "(end)").find("(end)"), std::string::npos);
}

TEST_F(RedisBrokerTest, a_name_is_looked_up_beside_the_loop) {
  open({}, {}, "localhost");
  link();
}

TEST_F(RedisBrokerTest, may_end_while_its_name_is_looked_up) {
  open({.beat = Milliseconds(20)}, {}, "localhost");
  loop->turn();
  loop->turn();
  broker.reset();
  bool done = false;
  struct After final : api::Work {
    explicit After(bool& of) : done_(of) {}
    void run() noexcept override {}
    void done() override { done_ = true; }
    bool& done_;
  };
  ASSERT_TRUE(pool.submit(std::make_unique<After>(done)));
  turn_until([&] { return done; });
}

TEST_F(RedisBrokerTest, a_name_that_is_not_there_is_tried_again) {
  open({.beat = Milliseconds(20)}, {}, "..");
  const auto begin = loop->now();
  turn_until([&] { return loop->now() - begin > Milliseconds(500); });
  EXPECT_TRUE(broker->publish(bytes("hello"))) << "to the own host";
}

TEST_F(RedisBrokerTest, a_silent_worker_and_one_that_says_farewell_are_gone) {
  open({.beat = Milliseconds(50), .silence = Milliseconds(400)});
  link();
  bring(Kind::Hello, kFar);
  bring(Kind::Hello, {78, 5});
  bring(Kind::Gone, {78, 5});
  bring(Kind::Gone, {79, 9});
  turn_until([&] { return hearing.gone.size() == 2; });
  EXPECT_EQ(hearing.gone, (std::vector<Origin>{{78, 5}, kFar}));
  EXPECT_TRUE(hearing.told.empty());
}

TEST_F(RedisBrokerTest, all_are_gone_some_time_after_redis_is) {
  open({.beat = Milliseconds(50), .silence = Milliseconds(400)});
  link();
  bring(Kind::Message, kFar, "hello");
  turn_until([&] { return !hearing.told.empty(); });
  redis.leave();
  subscriber.reset();
  turn_until([&] { return !hearing.gone.empty(); });
  EXPECT_EQ(hearing.gone, (std::vector<Origin>{kFar}));
}

TEST_F(RedisBrokerTest, gives_signs_of_life) {
  open({.beat = Milliseconds(20)});
  link();
  const std::string alive = encode({Kind::Alive, {segment.host_id(), 1}, WallTime{}, {}}).substr(0, 21);
  std::string published;
  while (published.find(alive) == std::string::npos) published += read_until(*loop, publisher, "\r\n");
}

TEST_F(RedisBrokerTest, asks_who_is_there_when_somebody_is_alive_who_was_given_up) {
  open({.beat = Milliseconds(20), .silence = Milliseconds(100), .reunions = Milliseconds(50)});
  link();
  bring(Kind::Hello, kFar);
  turn_until([&] { return !hearing.gone.empty(); });
  const int before = hearing.reunions;
  bring(Kind::Alive, kFar);
  turn_until([&] { return hearing.reunions > before; });
}

TEST_F(RedisBrokerTest, invented_workers_take_bounded_memory) {
  open({.origins = 2});
  link();
  for (std::uint64_t host = 100; host < 120; ++host) bring(Kind::Message, {host, 1}, "x");
  bring(Kind::Message, {101, 1}, "last");
  turn_until([&] { return !hearing.told.empty() && hearing.told.back() == "last"; });
  EXPECT_EQ(hearing.told, (std::vector<std::string>{"x", "x", "last"}));
}

}  // namespace
}  // namespace holdfast::broker
