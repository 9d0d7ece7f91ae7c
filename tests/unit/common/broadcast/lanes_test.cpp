#include <gtest/gtest.h>

#include <set>

#include "common/broadcast/doorbell.h"
#include "common/broadcast/publisher.h"
#include "common/broadcast/reader.h"
#include "tests/unit/common/broadcast/spoken_record.h"

namespace holdfast::broadcast {
namespace {

constexpr Reader::Budget kAll{~std::size_t{0}, ~std::size_t{0}};

WallTime at(int milliseconds) {
  return WallTime{Milliseconds(1'700'000'000'000 + milliseconds)};
}

void say(Publisher& publisher, std::uint64_t number, int when = 0) {
  ASSERT_TRUE(publisher.stage(payload_of(number, 30), at(when)));
  publisher.publish();
}

class LanesTest : public testing::Test {
 protected:
  // As a worker that was killed: the lane stays taken until the master frees it.
  void kill(std::optional<Publisher>& publisher) {
    void* const memory = ::operator new(sizeof(Publisher));
    graves_.emplace_back(memory);
    new (memory) Publisher(std::move(*publisher));
    publisher.reset();
  }
  struct Free {
    void operator()(void* memory) const { ::operator delete(memory); }
  };

  Segment segment_ = *Segment::create();
  Hearing hearing_;
  std::vector<std::unique_ptr<void, Free>> graves_;
};

TEST_F(LanesTest, are_claimed_by_one_each_until_none_is_left) {
  std::vector<Publisher> publishers;
  std::set<std::uint32_t> lanes;
  std::set<std::uint64_t> incarnations;
  for (std::uint32_t seat = 0; seat < kLanes; ++seat) {
    std::optional<Publisher> publisher = Publisher::claim(segment_, seat);
    ASSERT_TRUE(publisher);
    lanes.insert(publisher->lane());
    incarnations.insert(publisher->origin().incarnation);
    publishers.push_back(std::move(*publisher));
  }
  EXPECT_EQ(lanes.size(), kLanes);
  EXPECT_EQ(incarnations.size(), kLanes);
  EXPECT_FALSE(Publisher::claim(segment_, 900));
  publishers.pop_back();
  const std::optional<Publisher> last = Publisher::claim(segment_, 900);
  ASSERT_TRUE(last);
  EXPECT_GT(last->origin().incarnation, *incarnations.rbegin());
}

TEST_F(LanesTest, of_a_dead_worker_are_freed_and_those_of_others_are_not) {
  std::optional<Publisher> killed = Publisher::claim(segment_, 7);
  std::optional<Publisher> living = Publisher::claim(segment_, 8);
  kill(killed);
  segment_.free_lanes_of(6);
  segment_.free_lanes_of(7);
  EXPECT_EQ(segment_.lane(0).head.owner.load(), 0u);
  EXPECT_NE(segment_.lane(1).head.owner.load(), 0u);
  EXPECT_EQ(Publisher::claim(segment_, 7)->lane(), 0u);
}

TEST_F(LanesTest, a_successor_goes_on_behind_what_the_dead_one_had_published) {
  Reader reader(segment_);
  std::optional<Publisher> killed = Publisher::claim(segment_, 7);
  const Origin first = killed->origin();
  say(*killed, 1);
  say(*killed, 2);
  ASSERT_TRUE(killed->stage(payload_of(3, 300), at(0)));
  kill(killed);
  segment_.free_lanes_of(7);
  Publisher successor = *Publisher::claim(segment_, 9);
  say(successor, 10);
  reader.read(hearing_, kAll);
  EXPECT_EQ(hearing_.numbers(), (std::vector<std::uint64_t>{1, 2, 10})) << "3 was never published";
  EXPECT_EQ(hearing_.records[2].sequence, 2u);
  EXPECT_EQ(hearing_.records[2].origin, successor.origin());
  ASSERT_EQ(hearing_.gone.size(), 1u);
  EXPECT_EQ(hearing_.gone[0], (std::pair<Origin, std::size_t>{first, 2}));
  EXPECT_EQ(hearing_.lost, 0u);
}

TEST_F(LanesTest, tell_the_end_of_an_origin_behind_its_last_record_and_once) {
  Reader reader(segment_);
  std::optional<Publisher> publisher = Publisher::claim(segment_, 7);
  const Origin origin = publisher->origin();
  say(*publisher, 1);
  reader.read(hearing_, kAll);
  EXPECT_TRUE(hearing_.gone.empty());
  say(*publisher, 2);
  publisher.reset();
  EXPECT_TRUE(reader.has_news());
  EXPECT_TRUE(reader.read(hearing_, {1, 1000}) || hearing_.gone.size() == 1);
  reader.read(hearing_, kAll);
  reader.read(hearing_, kAll);
  EXPECT_FALSE(reader.has_news());
  ASSERT_EQ(hearing_.gone.size(), 1u);
  EXPECT_EQ(hearing_.gone[0], (std::pair<Origin, std::size_t>{origin, 2}));
}

TEST_F(LanesTest, tell_an_end_that_shows_without_a_record) {
  Reader reader(segment_);
  std::optional<Publisher> publisher = Publisher::claim(segment_, 7);
  say(*publisher, 1);
  reader.read(hearing_, kAll);
  kill(publisher);
  EXPECT_FALSE(reader.has_news()) << "who hangs looks the same";
  segment_.free_lanes_of(7);
  EXPECT_TRUE(reader.has_news());
  const std::optional<Publisher> silent = Publisher::claim(segment_, 8);
  EXPECT_TRUE(reader.has_news());
  reader.read(hearing_, kAll);
  EXPECT_EQ(hearing_.gone.size(), 1u);
  EXPECT_FALSE(reader.has_news());
}

TEST_F(LanesTest, tell_nobody_what_he_said_himself_but_what_was_said_in_his_lane_before) {
  std::optional<Publisher> killed = Publisher::claim(segment_, 7);
  const Origin before = killed->origin();
  say(*killed, 1);
  kill(killed);
  segment_.free_lanes_of(7);
  Publisher own = *Publisher::claim(segment_, 8);
  ASSERT_EQ(own.lane(), before.lane);
  Reader reader(segment_, own.lane());
  say(own, 2);
  reader.replay(hearing_);
  say(own, 3);
  EXPECT_FALSE(reader.has_news());
  reader.read(hearing_, kAll);
  EXPECT_EQ(hearing_.numbers(), (std::vector<std::uint64_t>{1}));
  ASSERT_EQ(hearing_.gone.size(), 1u);
  EXPECT_EQ(hearing_.gone[0].first, before);
}

TEST_F(LanesTest, are_replayed_by_time_and_each_in_its_own_order) {
  std::optional<Publisher> a = Publisher::claim(segment_, 1);
  Publisher b = *Publisher::claim(segment_, 2);
  Publisher c = *Publisher::claim(segment_, 3);
  say(*a, 1, 10);
  say(b, 2, 20);
  say(c, 3, 5);
  say(*a, 4, 30);
  say(c, 5, 25);
  say(b, 6, 1);  // its clock was set back: still behind its 2
  const Origin ended = a->origin();
  a.reset();
  Publisher successor = *Publisher::claim(segment_, 4);
  say(successor, 7, 40);
  Reader reader(segment_);
  reader.replay(hearing_);
  EXPECT_EQ(hearing_.numbers(), (std::vector<std::uint64_t>{3, 1, 2, 6, 5, 4, 7}));
  ASSERT_EQ(hearing_.gone.size(), 1u);
  EXPECT_EQ(hearing_.gone[0], (std::pair<Origin, std::size_t>{ended, 6}));
  EXPECT_FALSE(reader.has_news());
}

TEST_F(LanesTest, go_on_live_exactly_behind_the_replay) {
  Publisher a = *Publisher::claim(segment_, 1);
  Publisher b = *Publisher::claim(segment_, 2);
  for (std::uint64_t number = 0; number < 10; ++number) say(number % 2 == 0 ? a : b, number, 0);
  Reader reader(segment_);
  std::uint64_t next = 10;
  // Others go on talking while it is replayed.
  hearing_.then = [&] {
    if (next < 20) {
      say(a, next, 0);
      say(b, next + 100, 0);
      ++next;
    }
  };
  reader.replay(hearing_);
  EXPECT_EQ(hearing_.records.size(), 10u) << "what was said after the call is live";
  reader.read(hearing_, kAll);
  EXPECT_EQ(hearing_.records.size(), 30u);
  std::map<std::uint64_t, std::uint64_t> heard;
  for (const Hearing::Heard& record : hearing_.records) ++heard[record.number];
  EXPECT_EQ(heard.size(), 30u) << "none twice, none missing";
}

TEST_F(LanesTest, end_no_origin_early_that_speaks_on_after_the_replay) {
  Publisher a = *Publisher::claim(segment_, 1);
  std::optional<Publisher> b = Publisher::claim(segment_, 2);
  say(a, 1);
  say(*b, 2);
  Reader reader(segment_);
  hearing_.then = [&] {
    if (!b) return;
    say(*b, 3);
    b.reset();
  };
  reader.replay(hearing_);
  EXPECT_TRUE(hearing_.gone.empty()) << "there is a record of it that is still to be told";
  reader.read(hearing_, kAll);
  ASSERT_EQ(hearing_.gone.size(), 1u);
  EXPECT_EQ(hearing_.gone[0].second, 3u);
}

TEST_F(LanesTest, are_passed_over_by_who_wants_no_history) {
  Publisher publisher = *Publisher::claim(segment_, 1);
  say(publisher, 1);
  Reader reader(segment_);
  reader.skip_history();
  EXPECT_FALSE(reader.has_news());
  say(publisher, 2);
  reader.read(hearing_, kAll);
  EXPECT_EQ(hearing_.numbers(), (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(hearing_.lost, 0u);
}

TEST_F(LanesTest, count_what_was_lost_since_the_history_was_passed_over) {
  Publisher publisher = *Publisher::claim(segment_, 1);
  std::uint64_t number = 0;
  while (publisher.staged() == 0 && segment_.lane(0).head.end.load() < 3 * kRingWords) say(publisher, number++);
  Reader reader(segment_);
  reader.skip_history();
  const std::uint64_t from = number;
  while (segment_.lane(0).head.end.load() < 5 * kRingWords) say(publisher, number++);
  reader.read(hearing_, kAll);
  EXPECT_EQ(hearing_.records.size() + hearing_.lost, number - from);
  EXPECT_GT(hearing_.lost, 1000u);
}

TEST_F(LanesTest, ring_only_those_who_sleep) {
  Publisher one = *Publisher::claim(segment_, 1);
  Publisher other = *Publisher::claim(segment_, 2);
  Doorbell bell(segment_.lane(other.lane()).head.bell);
  const std::uint32_t before = bell.value();
  one.wake_others();
  EXPECT_EQ(bell.value(), before) << "awake";
  bell.arm();
  other.wake_others();
  EXPECT_EQ(Doorbell::rings(bell.value()), Doorbell::rings(before)) << "its own records are no news to it";
  one.wake_others();
  EXPECT_EQ(Doorbell::rings(bell.value()), Doorbell::rings(before) + 1);
  one.wake_others();
  EXPECT_EQ(Doorbell::rings(bell.value()), Doorbell::rings(before) + 1) << "it has been woken";
  bell.arm();
  bell.disarm();
  one.wake_others();
  EXPECT_EQ(Doorbell::rings(bell.value()), Doorbell::rings(before) + 1) << "awake again";
}

}  // namespace
}  // namespace holdfast::broadcast
