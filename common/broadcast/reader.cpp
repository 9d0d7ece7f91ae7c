#include "common/broadcast/reader.h"

#include <algorithm>
#include <queue>
#include <utility>
#include <vector>

namespace holdfast::broadcast {
namespace {

// Of replay(): the lane whose next record is the oldest comes first, of equals the lower lane.
using Due = std::pair<std::uint64_t, std::uint32_t>;
using DueLanes = std::priority_queue<Due, std::vector<Due>, std::greater<>>;

}  // namespace

Reader::Reader(const Segment& segment, std::uint32_t own_lane)
    : segment_(segment),
      own_lane_(own_lane),
      payload_(std::make_unique_for_overwrite<std::uint64_t[]>(kMostPayload / sizeof(std::uint64_t))) {
  if (own_lane < kLanes) own_end_ = segment.lane(own_lane).head.end.load(std::memory_order_acquire);
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    // Nothing is missing from a lane that begins with its first record.
    cursors_[lane].aligned = segment.lane(lane).head.tail.load(std::memory_order_acquire) == 0;
  }
}

std::uint64_t Reader::end_of(std::uint32_t lane) const {
  if (lane == own_lane_) return own_end_;
  return segment_.lane(lane).head.end.load(std::memory_order_acquire);
}

// After a copy: has the writer begun to overwrite what lies there?
bool Reader::passed(std::uint32_t lane, std::uint64_t position) const {
  std::atomic_thread_fence(std::memory_order_acquire);
  return segment_.lane(lane).head.tail.load(std::memory_order_relaxed) > position;
}

// Ends: each time round goes to the tail, which is then not ahead, to the end, or out.
std::optional<RecordHeader> Reader::peek(std::uint32_t lane, std::uint64_t end) {
  const Lane of = segment_.lane(lane);
  Cursor& cursor = cursors_[lane];
  while (cursor.position != end) {
    const std::uint64_t tail = of.head.tail.load(std::memory_order_acquire);
    const std::uint64_t room = end - cursor.position;
    if (tail > cursor.position || room > kRingWords) {
      // Lapped, maybe beyond the end that is asked for; also what a process gone astray makes of these words.
      cursor.position = tail < end && end - tail <= kRingWords ? tail : end;
      continue;
    }
    const RecordHeader header = load_header(of.ring, cursor.position);
    if (passed(lane, cursor.position)) continue;
    if (header.plausible(room)) return header;
    cursor.position = end;
  }
  return std::nullopt;
}

void Reader::step_over(Cursor& cursor, const RecordHeader& header) {
  cursor.position += header.words();
  cursor.next_sequence = header.sequence + 1;
  cursor.origin = header.incarnation;
  cursor.aligned = true;
}

// Copies the record at the cursor and tells it; false when it was overwritten meanwhile.
bool Reader::take(std::uint32_t lane, const RecordHeader& header, Listener& listener) {
  Cursor& cursor = cursors_[lane];
  const std::span words(payload_.get(), header.words() - kHeaderWords);
  load_payload(segment_.lane(lane).ring, cursor.position + kHeaderWords, words);
  if (passed(lane, cursor.position)) return false;
  const Cursor before = cursor;
  step_over(cursor, header);
  if (before.origin != 0 && before.origin != header.incarnation) listener.on_origin_gone({lane, before.origin});
  if (before.aligned && header.sequence > before.next_sequence)
    listener.on_lost(header.sequence - before.next_sequence);
  const WallTime time{Milliseconds(static_cast<std::int64_t>(header.milliseconds))};
  listener.on_record({{lane, header.incarnation},
                      header.sequence,
                      time,
                      std::as_bytes(words).first(static_cast<std::size_t>(header.length))});
  return true;
}

void Reader::tell_if_gone(std::uint32_t lane, Listener& listener) {
  Cursor& cursor = cursors_[lane];
  if (cursor.origin == 0) return;
  // The owner first, then the end: what the origin had published before it went is then within the end. When
  // there is more than was read, the next call comes to it.
  const std::uint64_t stamp = segment_.lane(lane).head.owner.load(std::memory_order_acquire);
  if (OwnerStamp::incarnation(stamp) == cursor.origin || end_of(lane) != cursor.position) return;
  listener.on_origin_gone({lane, std::exchange(cursor.origin, 0)});
}

bool Reader::read(Listener& listener, Budget budget) {
  const std::uint32_t used = segment_.lanes_used();
  for (std::uint32_t visited = 0; visited < used; ++visited) {
    const std::uint32_t lane = next_lane_ < used ? next_lane_ : 0;
    next_lane_ = lane + 1;
    const std::uint64_t end = end_of(lane);
    while (const std::optional<RecordHeader> header = peek(lane, end)) {
      if (budget.records == 0 || budget.bytes == 0) return true;
      if (!take(lane, *header, listener)) continue;
      --budget.records;
      budget.bytes -= std::min<std::size_t>(budget.bytes, header->length);
    }
    tell_if_gone(lane, listener);
  }
  return false;
}

void Reader::replay(Listener& listener) {
  const std::uint32_t used = segment_.lanes_used();
  std::array<std::uint64_t, kLanes> ends;
  DueLanes due;
  const auto queue = [&](std::uint32_t lane) {
    if (const std::optional<RecordHeader> header = peek(lane, ends[lane]))
      due.emplace(header->milliseconds, lane);
  };
  // All ends before all records: nothing that is told was published after the call.
  for (std::uint32_t lane = 0; lane < used; ++lane) ends[lane] = end_of(lane);
  for (std::uint32_t lane = 0; lane < used; ++lane) queue(lane);
  while (!due.empty()) {
    const std::uint32_t lane = due.top().second;
    due.pop();
    // What was due may be overwritten by now: then the lane's next is what counts.
    if (const std::optional<RecordHeader> header = peek(lane, ends[lane])) take(lane, *header, listener);
    queue(lane);
  }
  for (std::uint32_t lane = 0; lane < used; ++lane) tell_if_gone(lane, listener);
}

void Reader::skip_history() {
  const std::uint32_t used = segment_.lanes_used();
  for (std::uint32_t lane = 0; lane < used; ++lane) {
    const std::uint64_t end = end_of(lane);
    while (const std::optional<RecordHeader> header = peek(lane, end)) step_over(cursors_[lane], *header);
  }
}

bool Reader::has_news() const {
  const std::uint32_t used = segment_.lanes_used();
  for (std::uint32_t lane = 0; lane < used; ++lane) {
    const Cursor& cursor = cursors_[lane];
    if (end_of(lane) != cursor.position) return true;
    if (cursor.origin == 0) continue;
    const std::uint64_t stamp = segment_.lane(lane).head.owner.load(std::memory_order_acquire);
    if (OwnerStamp::incarnation(stamp) != cursor.origin) return true;
  }
  return false;
}

}  // namespace holdfast::broadcast
