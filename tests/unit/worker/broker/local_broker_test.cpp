#include "worker/broker/local_broker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace holdfast::broker {
namespace {

using broadcast::Segment;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class Hearing final : public BrokerListener {
 public:
  void on_record(const Record& record) override {
    told.emplace_back(reinterpret_cast<const char*>(record.payload.data()), record.payload.size());
    if (then) then();
  }
  void on_origin_gone(const broadcast::Origin& origin) override {
    gone.push_back(origin);
    if (then) then();
  }
  void on_lost(std::uint64_t records) override { lost += records; }

  std::vector<std::string> told;
  std::vector<broadcast::Origin> gone;
  std::uint64_t lost = 0;
  std::function<void()> then;
};

/// Ends the test when a turn of the loop has nothing more to bring: an alarm, since a wake-up that is lost is
/// made up for by nothing.
class LocalBrokerTest : public testing::Test {
 protected:
  LocalBrokerTest() { alarm(10); }
  ~LocalBrokerTest() { alarm(0); }
  void turn_until(const std::function<bool()>& done) {
    while (!done()) loop_->turn();
  }

  Segment segment_ = *Segment::create();
  std::unique_ptr<loop::EventLoop> loop_ = *loop::EventLoop::create();
  Hearing hearing_;
};

TEST_F(LocalBrokerTest, brings_what_others_publish_in_their_turn) {
  const auto one = LocalBroker::open(*loop_, segment_, 1);
  const auto other = LocalBroker::open(*loop_, segment_, 2);
  Hearing own;
  one->listen(own);
  other->listen(hearing_);
  loop_->turn();
  EXPECT_TRUE(one->publish(bytes("first")));
  EXPECT_TRUE(one->publish(bytes("second")));
  EXPECT_TRUE(hearing_.told.empty());
  turn_until([&] { return hearing_.told.size() == 2; });
  EXPECT_EQ(hearing_.told, (std::vector<std::string>{"first", "second"}));
  EXPECT_TRUE(own.told.empty()) << "nobody hears himself";
}

TEST_F(LocalBrokerTest, answers_from_within_what_it_is_told) {
  const auto one = LocalBroker::open(*loop_, segment_, 1);
  const auto other = LocalBroker::open(*loop_, segment_, 2);
  Hearing answers;
  one->listen(answers);
  other->listen(hearing_);
  hearing_.then = [&] { other->publish(bytes("answer")); };
  one->publish(bytes("question"));
  turn_until([&] { return !answers.told.empty(); });
  EXPECT_EQ(answers.told, (std::vector<std::string>{"answer"}));
}

TEST_F(LocalBrokerTest, replays_what_was_said_and_goes_on_behind_it) {
  const auto one = LocalBroker::open(*loop_, segment_, 1);
  one->publish(bytes("long ago"));
  loop_->turn();
  const auto young = LocalBroker::open(*loop_, segment_, 2);
  young->replay(hearing_);
  EXPECT_EQ(hearing_.told, (std::vector<std::string>{"long ago"}));
  one->publish(bytes("in between"));
  loop_->turn();
  young->listen(hearing_);
  one->publish(bytes("live"));
  turn_until([&] { return hearing_.told.size() == 3; });
  EXPECT_EQ(hearing_.told, (std::vector<std::string>{"long ago", "in between", "live"}));
}

TEST_F(LocalBrokerTest, passes_over_what_was_said_when_nobody_asks_for_it) {
  const auto one = LocalBroker::open(*loop_, segment_, 1);
  one->publish(bytes("long ago"));
  loop_->turn();
  const auto young = LocalBroker::open(*loop_, segment_, 2);
  young->listen(hearing_);
  one->publish(bytes("live"));
  turn_until([&] { return !hearing_.told.empty(); });
  EXPECT_EQ(hearing_.told, (std::vector<std::string>{"live"}));
}

TEST_F(LocalBrokerTest, sends_what_was_published_in_its_last_turn_and_then_tells_its_end) {
  auto one = LocalBroker::open(*loop_, segment_, 1);
  const auto other = LocalBroker::open(*loop_, segment_, 2);
  other->listen(hearing_);
  loop_->turn();
  const broadcast::Origin origin = *one->origin();
  one->publish(bytes("farewell"));
  one.reset();
  turn_until([&] { return !hearing_.gone.empty(); });
  EXPECT_EQ(hearing_.told, (std::vector<std::string>{"farewell"}));
  EXPECT_EQ(hearing_.gone, (std::vector<broadcast::Origin>{origin}));
}

TEST_F(LocalBrokerTest, wakes_the_others_to_tell_its_end) {
  auto one = LocalBroker::open(*loop_, segment_, 1);
  const auto other = LocalBroker::open(*loop_, segment_, 2);
  other->listen(hearing_);
  one->publish(bytes("x"));
  turn_until([&] { return !hearing_.told.empty(); });
  one.reset();
  turn_until([&] { return !hearing_.gone.empty(); });
}

TEST_F(LocalBrokerTest, sees_what_comes_while_it_reads_and_nobody_rings_for) {
  broadcast::Publisher lower = *broadcast::Publisher::claim(segment_, 8);
  broadcast::Publisher higher = *broadcast::Publisher::claim(segment_, 9);
  const auto own = LocalBroker::open(*loop_, segment_, 1);
  own->listen(hearing_);
  const auto say = [](broadcast::Publisher& publisher, std::string_view text) {
    publisher.stage(bytes(text), WallTime{});
    publisher.publish();
    publisher.wake_others();
  };
  // The lower lane has been read in this turn, and the worker is awake.
  hearing_.then = [&] {
    if (hearing_.told.size() == 1) say(lower, "second");
  };
  loop_->turn();
  say(higher, "first");
  turn_until([&] { return hearing_.told.size() == 2; });
}

TEST_F(LocalBrokerTest, tells_the_end_of_a_worker_that_was_killed_when_the_master_has_buried_it) {
  const auto own = LocalBroker::open(*loop_, segment_, 1);
  own->listen(hearing_);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto loop = *loop::EventLoop::create();
    const auto broker = LocalBroker::open(*loop, segment_, 2);
    broker->publish(bytes("heard"));
    loop->turn();
    broker->publish(bytes("never heard"));
    kill(getpid(), SIGKILL);
  }
  turn_until([&] { return !hearing_.told.empty(); });
  waitpid(child, nullptr, 0);
  segment_.free_lanes_of(2);
  turn_until([&] { return !hearing_.gone.empty(); });
  EXPECT_EQ(hearing_.told, (std::vector<std::string>{"heard"}));
}

TEST_F(LocalBrokerTest, hears_without_a_lane_and_says_that_it_cannot_speak) {
  std::vector<broadcast::Publisher> all;
  while (auto publisher = broadcast::Publisher::claim(segment_, 9)) all.push_back(std::move(*publisher));
  testing::internal::CaptureStderr();
  const auto mute = LocalBroker::open(*loop_, segment_, 1);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("all lanes of the shared memory are taken"), std::string::npos) << log;
  EXPECT_FALSE(mute->publish(bytes("lost")));
  EXPECT_FALSE(mute->origin());
  mute->listen(hearing_);
  loop_->turn();
  // Nobody rings for it.
  all.back().stage(bytes("news"), WallTime{});
  all.back().publish();
  turn_until([&] { return !hearing_.told.empty(); });
  EXPECT_EQ(hearing_.told, (std::vector<std::string>{"news"}));
}

TEST_F(LocalBrokerTest, refuses_what_is_too_large_and_takes_what_is_just_not) {
  const auto one = LocalBroker::open(*loop_, segment_, 1);
  const auto other = LocalBroker::open(*loop_, segment_, 2);
  other->listen(hearing_);
  EXPECT_FALSE(one->publish(bytes(std::string(broadcast::kMostPayload + 1, 'x'))));
  // More than is staged at once, and less than a ring.
  const std::string large(broadcast::kMostPayload, 'x');
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(one->publish(bytes(large)));
  turn_until([&] { return hearing_.told.size() == 7; });
  for (const std::string& text : hearing_.told) EXPECT_EQ(text, large);
  EXPECT_EQ(hearing_.lost, 0u);
}

TEST_F(LocalBrokerTest, tells_no_more_in_one_turn_than_leaves_time_for_the_rest) {
  const auto one = LocalBroker::open(*loop_, segment_, 1);
  const auto other = LocalBroker::open(*loop_, segment_, 2);
  for (int i = 0; i < 3000; ++i) one->publish(bytes("short"));
  loop_->turn();
  other->replay(hearing_);
  ASSERT_EQ(hearing_.told.size(), 3000u);
  other->listen(hearing_);
  for (int i = 0; i < 3000; ++i) one->publish(bytes("short"));
  std::size_t before = hearing_.told.size();
  turn_until([&] {
    EXPECT_LE(hearing_.told.size() - before, LocalBroker::kTurn.records);
    before = hearing_.told.size();
    return before == 6000;
  });
}

TEST_F(LocalBrokerTest, ends_at_once_whatever_it_is_doing) {
  for (int i = 0; i < 300; ++i) {
    auto one = LocalBroker::open(*loop_, segment_, 1);
    const auto other = LocalBroker::open(*loop_, segment_, 2);
    one->listen(hearing_);
    if (i % 2 == 0) loop_->turn();
    other->publish(bytes("x"));
    if (i % 3 == 0) loop_->turn();
  }
}

// Both ends in processes of their own: threads, descriptors and loops as in a worker.
void play(const Segment& segment, std::uint32_t seat, int rounds, bool begins) {
  const auto loop = *loop::EventLoop::create();
  Hearing hearing;
  const auto broker = LocalBroker::open(*loop, segment, seat);
  int heard = 0;
  hearing.then = [&] {
    if (heard % 100 == 0) alarm(10);  // slow is not stuck
    if (++heard <= rounds) broker->publish(bytes("ball"));
    if (heard >= rounds) loop->stop();
  };
  broker->replay(hearing);
  broker->listen(hearing);
  if (begins) broker->publish(bytes("ball"));
  loop->run();
}

TEST_F(LocalBrokerTest, loses_no_wake_up_on_the_way_to_the_loop) {
  std::vector<pid_t> children;
  for (std::uint32_t player = 0; player < 2; ++player) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(10);
      play(segment_, player, 5000, player == 0);
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
}

}  // namespace
}  // namespace holdfast::broker
