#include "worker/net/output_queue.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/scripted_transport.h"
#include "tests/support/unlinked_file.h"

namespace holdfast::net {
namespace {

/// Counts its release, and remembers how much had been sent by then.
class CountedHold final : public api::BodyOwner {
 public:
  explicit CountedHold(const support::ScriptedPeer* peer = nullptr) : peer_(peer) {}
  api::BodyHold hold() { return api::BodyHold(this); }
  void release() noexcept override {
    ++released;
    if (peer_ != nullptr) sent_before = peer_->received().size();
  }
  bool is_intact(int) noexcept override {
    ++asked;
    return intact;
  }
  int released = 0;
  int asked = 0;
  bool intact = true;
  std::size_t sent_before = 0;

 private:
  const support::ScriptedPeer* peer_;
};

class OutputQueueTest : public testing::Test {
 protected:
  OutputQueue::Flush flush(std::uint64_t share = UINT64_MAX) { return queue.flush(transport, share).outcome; }

  support::ScriptedPeer peer;
  support::ScriptedTransport transport{peer};
  OutputQueue queue;
};

TEST_F(OutputQueueTest, is_empty_at_first_and_after_everything_was_sent) {
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(flush(), OutputQueue::Flush::Empty);
  queue.append("abc");
  queue.append("");
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(flush(), OutputQueue::Flush::Empty);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(peer.received(), "abc");
}

TEST_F(OutputQueueTest, keeps_the_order_of_all_kinds_of_pieces_whatever_the_transport_takes) {
  const support::UnlinkedFile file(30'000);
  std::mt19937 random(7);
  for (const std::size_t step : {1u, 7u, 1000u, 100'000u}) {
    support::ScriptedPeer own;
    support::ScriptedTransport slow(own);
    own.move_at_most(step);
    OutputQueue mixed;
    std::string expected;
    const std::string held(777, 'H');
    std::vector<std::unique_ptr<CountedHold>> holds;
    for (int i = 0; i < 40; ++i) {
      switch (random() % 4) {
        case 0: {
          const std::string text(random() % 500, static_cast<char>('a' + i % 26));
          mixed.append(text);
          expected += text;
          break;
        }
        case 1:
          holds.push_back(std::make_unique<CountedHold>());
          mixed.append_held(held, holds.back()->hold());
          expected += held;
          break;
        case 2: {
          const std::uint64_t offset = random() % 1000;
          const std::uint64_t length = random() % 300;
          mixed.append_file(file.fd(), offset, length, nullptr);
          expected += file.content().substr(offset, length);
          break;
        }
        case 3: {
          const std::span<std::byte> room = mixed.room(10);
          ASSERT_GE(room.size(), 10u);
          const std::size_t used = random() % 3;
          std::memset(room.data(), '#', used);
          mixed.commit(used);
          expected += std::string(used, '#');
          break;
        }
      }
    }
    EXPECT_EQ(mixed.size(), expected.size());
    for (std::size_t flushes = 0; !mixed.empty(); ++flushes) {
      ASSERT_LE(flushes, expected.size() + 100);
      const OutputQueue::Flushed flushed = mixed.flush(slow, 5000);
      ASSERT_TRUE(flushed.outcome != OutputQueue::Flush::Failed &&
                  flushed.outcome != OutputQueue::Flush::Shortened);
    }
    EXPECT_EQ(own.received(), expected) << step;
    for (const auto& hold : holds) EXPECT_EQ(hold->released, 1);
  }
}

TEST_F(OutputQueueTest, gives_a_file_to_the_transport_together_with_what_goes_before_it) {
  const support::UnlinkedFile file(100);
  queue.append("head");
  queue.append_file(file.fd(), 10, 50, nullptr);
  queue.append_file(file.fd(), 0, 10, nullptr);
  EXPECT_EQ(flush(), OutputQueue::Flush::Empty);
  EXPECT_EQ(peer.received(), "head" + file.content().substr(10, 50) + file.content().substr(0, 10));
  EXPECT_EQ(peer.heads_before_files(), (std::vector<std::size_t>{4, 0}));
}

TEST_F(OutputQueueTest, releases_a_hold_once_and_only_after_the_last_byte) {
  CountedHold bytes(&peer);
  CountedHold file_hold(&peer);
  const support::UnlinkedFile file(100);
  const std::string held(50, 'h');
  queue.append_held(held, bytes.hold());
  queue.append_file(file.fd(), 0, 100, file_hold.hold());
  queue.append("end");
  peer.take_at_most(49);
  EXPECT_EQ(flush(), OutputQueue::Flush::Blocked);
  EXPECT_EQ(bytes.released, 0);
  peer.take_at_most(100);
  EXPECT_EQ(flush(), OutputQueue::Flush::Blocked);
  EXPECT_EQ(bytes.released, 1);
  EXPECT_GE(bytes.sent_before, 50u);
  EXPECT_EQ(file_hold.released, 0);
  peer.take_everything();
  EXPECT_EQ(flush(), OutputQueue::Flush::Empty);
  EXPECT_EQ(bytes.released, 1);
  EXPECT_EQ(file_hold.released, 1);
  EXPECT_GE(file_hold.sent_before, 150u);
}

TEST_F(OutputQueueTest, releases_holds_when_it_is_cleared_or_destroyed) {
  CountedHold cleared;
  CountedHold destroyed;
  queue.append_held("abc", cleared.hold());
  queue.clear();
  EXPECT_EQ(cleared.released, 1);
  EXPECT_EQ(queue.size(), 0u);
  {
    OutputQueue other;
    other.append_held("abc", destroyed.hold());
  }
  EXPECT_EQ(destroyed.released, 1);
  CountedHold nothing;
  queue.append_held("", nothing.hold());
  queue.append_file(0, 0, 0, nothing.hold());
  EXPECT_EQ(nothing.released, 2) << "pieces without bytes hold nothing";
  EXPECT_TRUE(queue.empty());
}

TEST_F(OutputQueueTest, tells_a_file_that_became_shorter) {
  const support::UnlinkedFile file(1000);
  queue.append_file(file.fd(), 0, 1000, nullptr);
  peer.take_at_most(100);
  EXPECT_EQ(flush(), OutputQueue::Flush::Blocked);
  file.shrink(300);
  peer.take_everything();
  EXPECT_EQ(flush(), OutputQueue::Flush::Shortened);
  EXPECT_EQ(peer.received().size(), 300u);
}

TEST_F(OutputQueueTest, asks_whether_a_file_that_had_to_wait_is_still_what_it_was_before_its_end) {
  const support::UnlinkedFile file(1000);
  CountedHold at_once, waits, changes;
  queue.append_file(file.fd(), 0, 1000, at_once.hold());
  EXPECT_EQ(flush(), OutputQueue::Flush::Empty);
  EXPECT_EQ(at_once.asked, 0);
  for (CountedHold* hold : {&waits, &changes}) {
    queue.append_file(file.fd(), 0, 600, nullptr);
    queue.append_file(file.fd(), 600, 400, hold->hold());
    peer.take_at_most(500);
    EXPECT_EQ(flush(), OutputQueue::Flush::Blocked);
    EXPECT_EQ(hold->asked, 0);
    hold->intact = hold == &waits;
    peer.take_everything();
    EXPECT_EQ(flush(), hold->intact ? OutputQueue::Flush::Empty : OutputQueue::Flush::Shortened);
    EXPECT_EQ(hold->asked, 1);
  }
  EXPECT_EQ(peer.received().size(), 2600u) << "the end of the changed one is missing";
  queue.clear();
}

TEST_F(OutputQueueTest, yields_when_its_share_is_used_up) {
  const support::UnlinkedFile file(100'000);
  queue.append("head");
  queue.append_file(file.fd(), 0, 100'000, nullptr);
  EXPECT_EQ(flush(1000), OutputQueue::Flush::Yielded);
  EXPECT_EQ(peer.received().size(), 2004u);
  EXPECT_EQ(flush(0), OutputQueue::Flush::Yielded);
  EXPECT_EQ(peer.received().size(), 2004u);
  EXPECT_EQ(flush(), OutputQueue::Flush::Empty);
  EXPECT_EQ(peer.received(), "head" + file.content());
}

TEST_F(OutputQueueTest, gives_back_room_that_nothing_came_into) {
  queue.room(100);
  queue.commit(0);
  EXPECT_TRUE(queue.empty());
  queue.append("answer");
  queue.room(100);
  queue.commit(0);
  EXPECT_EQ(flush(), OutputQueue::Flush::Empty);
  EXPECT_EQ(peer.received(), "answer");
}

TEST_F(OutputQueueTest, tells_the_transport_what_follows_the_last_byte) {
  queue.append("answer");
  EXPECT_EQ(flush(), OutputQueue::Flush::Empty);
  EXPECT_FALSE(peer.told_more());
  queue.append("last answer");
  EXPECT_EQ(queue.flush(transport, 1000, true).outcome, OutputQueue::Flush::Empty);
  EXPECT_TRUE(peer.told_more());
}

TEST_F(OutputQueueTest, tells_a_peer_that_is_gone) {
  queue.append("abc");
  peer.break_off();
  const OutputQueue::Flushed flushed = queue.flush(transport, 1000);
  EXPECT_EQ(flushed.outcome, OutputQueue::Flush::Failed);
  EXPECT_EQ(flushed.error, EPIPE);
}

TEST_F(OutputQueueTest, room_that_was_not_committed_is_no_output) {
  queue.room(100);
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(flush(), OutputQueue::Flush::Empty);
  EXPECT_TRUE(queue.empty());
  queue.room(100);
  queue.append_held("held", nullptr);
  EXPECT_EQ(flush(), OutputQueue::Flush::Empty);
  EXPECT_EQ(peer.received(), "held");
}

TEST_F(OutputQueueTest, large_copies_span_chunks) {
  std::string large;
  while (large.size() < 5 * OutputQueue::kChunk) large += std::to_string(large.size());
  queue.append(large);
  peer.move_at_most(12'345);
  while (!queue.empty()) flush();
  EXPECT_EQ(peer.received(), large);
}

}  // namespace
}  // namespace holdfast::net
