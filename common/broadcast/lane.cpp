#include "common/broadcast/lane.h"

#include <cstring>

namespace holdfast::broadcast {

RecordHeader load_header(Ring& ring, std::uint64_t position) {
  const auto word = [&](std::uint64_t i) { return ring.at(position + i).load(std::memory_order_relaxed); };
  return {word(0), word(1), word(2), word(3)};
}

void store_header(Ring& ring, std::uint64_t position, const RecordHeader& header) {
  ring.at(position).store(header.length, std::memory_order_relaxed);
  ring.at(position + 1).store(header.incarnation, std::memory_order_relaxed);
  ring.at(position + 2).store(header.sequence, std::memory_order_relaxed);
  ring.at(position + 3).store(header.milliseconds, std::memory_order_relaxed);
}

void load_payload(Ring& ring, std::uint64_t position, std::span<std::uint64_t> words) {
  for (std::uint64_t& word : words) word = ring.at(position++).load(std::memory_order_relaxed);
}

void store_payload(Ring& ring, std::uint64_t position, std::span<const std::byte> payload) {
  while (!payload.empty()) {
    std::uint64_t word = 0;
    const std::size_t length = payload.size() < sizeof word ? payload.size() : sizeof word;
    std::memcpy(&word, payload.data(), length);
    ring.at(position++).store(word, std::memory_order_relaxed);
    payload = payload.subspan(length);
  }
}

}  // namespace holdfast::broadcast
