#include "common/broadcast/publisher.h"

#include <algorithm>
#include <utility>

namespace holdfast::broadcast {
namespace {

// The published part of a ring is never pushed out by what is staged: `tail` stays at or before `end`.
static_assert(Publisher::kMostStaged / sizeof(Word) + RecordHeader::words_for(kMostPayload) < kRingWords / 2);

}  // namespace

std::optional<Publisher> Publisher::claim(const Segment& segment, std::uint32_t seat) {
  const std::optional<Segment::Claim> claim = segment.claim_lane(seat);
  if (!claim) return std::nullopt;
  return Publisher(segment, *claim);
}

Publisher::Publisher(const Segment& segment, const Segment::Claim& claim)
    : segment_(&segment), claim_(claim), lane_(segment.lane(claim.lane)) {
  take_over();
}

Publisher::Publisher(Publisher&& other) noexcept
    : segment_(std::exchange(other.segment_, nullptr)),
      claim_(other.claim_),
      lane_(other.lane_),
      tail_(other.tail_),
      end_(other.end_),
      written_(other.written_),
      sequence_(other.sequence_) {}

Publisher::~Publisher() {
  if (segment_ == nullptr) return;
  segment_->give_back(claim_);
  wake_others();
}

// Goes on where the owner before has stopped. The number of the next record is read from the last one rather
// than kept in a word of the head: two words cannot be changed at once, and owners may die in between.
void Publisher::take_over() {
  tail_ = lane_.head.tail.load(std::memory_order_relaxed);
  end_ = written_ = lane_.head.end.load(std::memory_order_relaxed);
  // The owner before may have moved the tail and died: whoever sees words of ours must see that, too.
  std::atomic_thread_fence(std::memory_order_release);
  std::uint64_t position = tail_;
  if (end_ - tail_ <= kRingWords) {
    while (position != end_) {
      const RecordHeader header = load_header(lane_.ring, position);
      if (!header.plausible(end_ - position)) break;
      sequence_ = header.sequence + 1;
      position += header.words();
    }
  }
  if (position == end_) return;
  // A process gone astray has written into the lane: nothing in it can be relied on.
  tail_ = end_;
  lane_.head.tail.store(tail_, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_release);
}

bool Publisher::stage(std::span<const std::byte> payload, WallTime now) {
  if (payload.size() > kMostPayload) return false;
  const auto milliseconds = std::chrono::duration_cast<Milliseconds>(now.time_since_epoch()).count();
  // A clock that is before 1970 is no time that would help anybody.
  const RecordHeader header{payload.size(), OwnerStamp::incarnation(claim_.stamp), sequence_,
                            static_cast<std::uint64_t>(std::max<std::int64_t>(milliseconds, 0))};
  if (staged() + header.words() * sizeof(Word) > kMostStaged) publish();
  make_room(written_ + header.words());
  store_header(lane_.ring, written_, header);
  store_payload(lane_.ring, written_ + kHeaderWords, payload);
  written_ += header.words();
  ++sequence_;
  return true;
}

void Publisher::publish() {
  if (written_ == end_) return;
  end_ = written_;
  lane_.head.end.store(end_, std::memory_order_release);
}

// The ring is going to be written up to `end`: what it holds there until then must be behind `tail` first.
void Publisher::make_room(std::uint64_t end) {
  if (end - tail_ <= kRingWords) return;
  while (end - tail_ > kRingWords) {
    const RecordHeader header = load_header(lane_.ring, tail_);
    // Not plausible: somebody else has written into the lane. Then nothing that is old can be relied on.
    tail_ = header.plausible(end_ - tail_) ? tail_ + header.words() : end_;
  }
  lane_.head.tail.store(tail_, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_release);
}

}  // namespace holdfast::broadcast
