#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "common/broadcast/publisher.h"
#include "common/broadcast/reader.h"
#include "tests/unit/common/broadcast/spoken_record.h"

namespace holdfast::broadcast {
namespace {

constexpr Reader::Budget kAll{~std::size_t{0}, ~std::size_t{0}};
constexpr WallTime kNoon{Milliseconds(1'700'000'000'123)};

class RingTest : public testing::Test {
 protected:
  void say(std::uint64_t number, std::size_t length = 40) {
    ASSERT_TRUE(writer_.stage(payload_of(number, length), kNoon));
    writer_.publish();
  }
  std::uint64_t end() const { return segment_.lane(0).head.end.load(); }
  std::uint64_t tail() const { return segment_.lane(0).head.tail.load(); }
  // Fills the lane so that the next record begins `before` words before the end of the ring.
  void go_to(std::uint64_t before) {
    const std::uint64_t target = (end() / kRingWords + 2) * kRingWords - before;
    while (end() != target) {
      const std::uint64_t missing = target - end();
      // Never leaves a rest that is too small for a record.
      const std::uint64_t words = missing > 8000 + kHeaderWords ? 8000 : missing;
      say(1, (words - kHeaderWords) * 8);
    }
  }
  // All that a newcomer finds is whole and in order, and reaches to what was published last.
  void expect_history_to(std::uint64_t last_sequence) {
    Reader newcomer(segment_);
    Hearing hearing;
    newcomer.replay(hearing);
    ASSERT_FALSE(hearing.records.empty());
    for (std::size_t i = 0; i < hearing.records.size(); ++i) {
      ASSERT_NE(hearing.records[i].number, ~std::uint64_t{0});
      ASSERT_EQ(hearing.records[i].sequence, last_sequence + 1 - hearing.records.size() + i);
    }
    EXPECT_EQ(hearing.lost, 0u);
  }

  Segment segment_ = *Segment::create();
  Publisher writer_ = *Publisher::claim(segment_, 1);
  Reader reader_{segment_};
  Hearing hearing_;
};

TEST_F(RingTest, tells_what_was_published_once_and_in_order) {
  say(7);
  say(8);
  EXPECT_TRUE(reader_.has_news());
  EXPECT_FALSE(reader_.read(hearing_, kAll));
  EXPECT_FALSE(reader_.has_news());
  say(9);
  reader_.read(hearing_, kAll);
  reader_.read(hearing_, kAll);
  ASSERT_EQ(hearing_.numbers(), (std::vector<std::uint64_t>{7, 8, 9}));
  EXPECT_EQ(hearing_.records[2], (Hearing::Heard{writer_.origin(), 2, 9, 40, kNoon}));
  EXPECT_EQ(hearing_.lost, 0u);
  EXPECT_TRUE(hearing_.gone.empty());
}

TEST_F(RingTest, holds_payloads_of_all_sizes_and_refuses_larger_ones) {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size < 300; ++size) sizes.push_back(size);
  for (const std::size_t around : {4096, 32768})
    for (std::size_t size = around - 9; size < around + 9; ++size) sizes.push_back(size);
  for (std::size_t size = kMostPayload - 17; size <= kMostPayload; ++size) sizes.push_back(size);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    say(i, sizes[i]);
    reader_.read(hearing_, kAll);
    ASSERT_EQ(hearing_.records.size(), i + 1);
    ASSERT_EQ(hearing_.records[i].length, sizes[i]);
    ASSERT_EQ(hearing_.records[i].number, sizes[i] < kNumberBytes ? 0 : i) << sizes[i];
  }
  EXPECT_FALSE(writer_.stage(std::vector<std::byte>(kMostPayload + 1), kNoon));
  EXPECT_EQ(writer_.staged(), 0u);
}

TEST_F(RingTest, wraps_at_every_word_of_a_record) {
  const std::uint64_t words = RecordHeader::words_for(200);
  for (std::uint64_t before = 0; before <= words; ++before) {
    go_to(before);
    for (std::uint64_t number = 100; number < 103; ++number) say(number, 200);
    Hearing hearing;
    reader_.read(hearing, kAll);
    ASSERT_GE(hearing.records.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i)
      ASSERT_EQ(hearing.records[hearing.records.size() - 3 + i].number, 100 + i) << before;
  }
}

TEST_F(RingTest, shows_nothing_of_what_is_staged_until_it_is_published) {
  for (std::uint64_t number = 0; number < 5; ++number)
    ASSERT_TRUE(writer_.stage(payload_of(number, 100), kNoon));
  EXPECT_FALSE(reader_.has_news());
  reader_.read(hearing_, kAll);
  EXPECT_TRUE(hearing_.records.empty());
  writer_.publish();
  reader_.read(hearing_, kAll);
  EXPECT_EQ(hearing_.numbers(), (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
}

TEST_F(RingTest, publishes_by_itself_rather_than_stage_a_large_part_of_the_ring) {
  for (std::uint64_t number = 0; number < 40; ++number) {
    ASSERT_TRUE(writer_.stage(payload_of(number, kMostPayload), kNoon));
    ASSERT_LE(writer_.staged(), Publisher::kMostStaged);
    ASSERT_LE(tail(), end()) << "what is staged must never push out all that is published";
    reader_.read(hearing_, kAll);
  }
  writer_.publish();
  reader_.read(hearing_, kAll);
  EXPECT_EQ(hearing_.records.size(), 40u);
  EXPECT_EQ(hearing_.lost, 0u);
}

TEST_F(RingTest, tells_a_reader_that_was_lapped_exactly_how_much_it_has_lost) {
  say(0);
  reader_.read(hearing_, kAll);
  std::uint64_t number = 1;
  for (const int rounds : {1, 2, 7}) {
    const std::uint64_t target = end() + kRingWords * static_cast<std::uint64_t>(rounds) + 100;
    for (; end() < target; ++number) say(number, 200 + number % 77);
    reader_.read(hearing_, kAll);
    EXPECT_EQ(hearing_.records.back().number, number - 1);
    EXPECT_EQ(hearing_.records.size() + hearing_.lost, number);
  }
  EXPECT_GT(hearing_.lost, 100u);
  for (std::size_t i = 1; i < hearing_.records.size(); ++i)
    ASSERT_LT(hearing_.records[i - 1].sequence, hearing_.records[i].sequence);
}

TEST_F(RingTest, loses_nothing_while_less_than_a_ring_is_unread) {
  say(0);
  reader_.read(hearing_, kAll);
  std::uint64_t number = 1;
  const std::uint64_t start = end();
  while (end() + RecordHeader::words_for(504) <= start + kRingWords) say(number++, 504);
  reader_.read(hearing_, kAll);
  EXPECT_EQ(hearing_.records.size(), number);
  EXPECT_EQ(hearing_.lost, 0u);
}

TEST_F(RingTest, keeps_its_oldest_records_whole_at_every_moment_of_writing) {
  go_to(3000);
  std::uint64_t sequence = 0;
  {
    Hearing hearing;
    reader_.replay(hearing);
    sequence = hearing.records.back().sequence;
  }
  for (std::uint64_t number = 0; number < 300; ++number) {
    ASSERT_TRUE(writer_.stage(payload_of(number, number * 7), kNoon));
    ASSERT_NO_FATAL_FAILURE(expect_history_to(sequence)) << "staged";
    writer_.publish();
    ++sequence;
    ASSERT_NO_FATAL_FAILURE(expect_history_to(sequence)) << "published";
  }
}

TEST_F(RingTest, has_records_also_while_the_clock_is_wrong) {
  for (const WallTime when : {WallTime{Milliseconds(-5000)}, WallTime{}, WallTime::max()})
    ASSERT_TRUE(writer_.stage(payload_of(1, 8), when));
  writer_.publish();
  reader_.read(hearing_, kAll);
  ASSERT_EQ(hearing_.records.size(), 3u);
  EXPECT_EQ(hearing_.records[0].time, WallTime{});
}

TEST_F(RingTest, tells_no_more_in_one_call_than_the_budget_says) {
  for (std::uint64_t number = 0; number < 10; ++number) say(number, 100);
  EXPECT_TRUE(reader_.read(hearing_, {4, 1000}));
  EXPECT_EQ(hearing_.records.size(), 4u);
  EXPECT_TRUE(reader_.has_news());
  EXPECT_TRUE(reader_.read(hearing_, {100, 250}));
  EXPECT_EQ(hearing_.records.size(), 7u) << "the one that passes the limit is told";
  EXPECT_FALSE(reader_.read(hearing_, {3, 1000})) << "nothing is left";
  EXPECT_EQ(hearing_.records.size(), 10u);
}

TEST_F(RingTest, lets_no_busy_lane_keep_the_others_back) {
  Publisher other = *Publisher::claim(segment_, 2);
  for (std::uint64_t number = 0; number < 100; ++number) say(number);
  ASSERT_TRUE(other.stage(payload_of(1000, 50), kNoon));
  other.publish();
  std::uint64_t number = 100;
  for (int call = 0; call < 30; ++call) {
    reader_.read(hearing_, {10, 10'000});
    for (int i = 0; i < 10; ++i) say(number++);
    for (const Hearing::Heard& heard : hearing_.records)
      if (heard.number == 1000) return;
  }
  ADD_FAILURE() << "the other lane was never read";
}

// What a lane can be made to look like by a process that writes where it should not: any answer will do, as
// long as it comes, and newcomers and successors find a lane that works.
TEST_F(RingTest, is_bounded_whatever_is_written_over_it) {
  std::uint64_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    const Lane lane = segment_.lane(0);
    for (int word = 0; word < 20; ++word) {
      state = mixed(state + 1);
      const std::uint64_t position = tail() + state % 60;
      lane.ring.at(position).store(state % 3 == 0 ? state : state % 90'000);
    }
    if (round % 7 == 0) lane.head.tail.store(state);
    if (round % 11 == 0) lane.head.end.store(mixed(state));
    if (round % 13 == 0) lane.head.end.store(lane.head.tail.load() + state % kRingWords);
    Hearing hearing;
    Reader newcomer(segment_);
    newcomer.replay(hearing);
    reader_.read(hearing, kAll);
    ASSERT_LE(hearing.records.size(), 2 * kRingWords / kHeaderWords);
    if (round % 3 == 0) {
      segment_.free_lanes_of(1);
      Publisher successor = *Publisher::claim(segment_, 3);
      ASSERT_EQ(successor.lane(), 0u);
      Hearing rest;
      reader_.read(rest, kAll);
      for (std::uint64_t number = 50; number < 53; ++number)
        ASSERT_TRUE(successor.stage(payload_of(number, 64), kNoon));
      successor.publish();
      Hearing after;
      reader_.read(after, kAll);
      ASSERT_EQ(after.numbers(), (std::vector<std::uint64_t>{50, 51, 52})) << round;
    } else {
      say(4);
    }
  }
}

TEST_F(RingTest, never_hands_out_a_byte_that_was_overwritten_while_it_was_read) {
  std::atomic<bool> over = false;
  std::uint64_t said = 0;
  std::thread writing([&] {
    for (; said < 300'000; ++said) {
      writer_.stage(payload_of(said, 8 + said % 1500), kNoon);
      if (said % 5 == 0) writer_.publish();
    }
    writer_.publish();
    over = true;
  });
  for (bool last = false; !last;) {
    last = over;
    reader_.read(hearing_, {64, ~std::size_t{0}});
    if (last) reader_.read(hearing_, kAll);
  }
  writing.join();
  std::uint64_t before = 0;
  for (const Hearing::Heard& heard : hearing_.records) {
    ASSERT_NE(heard.number, ~std::uint64_t{0}) << "torn";
    ASSERT_EQ(heard.number, heard.sequence);
    ASSERT_TRUE(before <= heard.number);
    before = heard.number + 1;
  }
  EXPECT_EQ(hearing_.records.size() + hearing_.lost, said);
}

// Whoever checks what he has heard is lapped meanwhile, and goes on with the record that is overwritten next.
TEST_F(RingTest, hands_out_nothing_torn_to_a_reader_that_is_always_lapped) {
  constexpr std::uint64_t kDifferent = 16;
  std::vector<std::vector<std::byte>> payloads;
  for (std::uint64_t i = 0; i < kDifferent; ++i) payloads.push_back(payload_of(i, kMostPayload - 64 * i));
  std::atomic<bool> over = false;
  std::thread writing([&] {
    for (std::uint64_t said = 0; !over; ++said) {
      writer_.stage(payloads[said % kDifferent], kNoon);
      writer_.publish();
    }
  });
  while (hearing_.records.size() < 400) reader_.read(hearing_, {1, ~std::size_t{0}});
  over = true;
  writing.join();
  for (const Hearing::Heard& heard : hearing_.records)
    ASSERT_EQ(heard.number, heard.sequence % kDifferent) << "torn";
}

}  // namespace
}  // namespace holdfast::broadcast
