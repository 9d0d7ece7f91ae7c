// Records that can be checked: the payload is made from a number, so that a byte of another record shows. And a
// listener that keeps what it is told.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "common/broadcast/record.h"

namespace holdfast::broadcast {

inline constexpr std::size_t kNumberBytes = sizeof(std::uint64_t);

/// One step of a generator whose every output bit depends on all of the input.
inline std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// The number, then bytes that follow from it and the length; shorter ones have bytes alone, from `number` 0.
inline std::vector<std::byte> payload_of(std::uint64_t number, std::size_t length) {
  std::vector<std::byte> bytes(length);
  std::size_t at = 0;
  if (length >= kNumberBytes) {
    std::memcpy(bytes.data(), &number, kNumberBytes);
    at = kNumberBytes;
  } else {
    number = 0;
  }
  for (std::uint64_t state = mixed(number + length); at < length; state = mixed(state + 1)) {
    const std::size_t part = std::min(sizeof state, length - at);
    std::memcpy(bytes.data() + at, &state, part);
    at += part;
  }
  return bytes;
}

/// The number in a payload; ~0 when the payload is not exactly what that number and its length make.
inline std::uint64_t number_of(std::span<const std::byte> payload) {
  std::uint64_t number = 0;
  if (payload.size() >= kNumberBytes) std::memcpy(&number, payload.data(), kNumberBytes);
  const std::vector<std::byte> expected = payload_of(number, payload.size());
  return std::equal(payload.begin(), payload.end(), expected.begin()) ? number : ~std::uint64_t{0};
}

class Hearing final : public Listener {
 public:
  struct Heard {
    Origin origin;
    std::uint64_t sequence = 0;
    std::uint64_t number = 0;
    std::size_t length = 0;
    WallTime time;
    bool operator==(const Heard&) const = default;
  };

  void on_record(const Record& record) override {
    records.push_back(
        {record.origin, record.sequence, number_of(record.payload), record.payload.size(), record.time});
    if (then) then();
  }
  void on_origin_gone(const Origin& origin) override { gone.emplace_back(origin, records.size()); }
  void on_lost(std::uint64_t count) override { lost += count; }

  std::vector<std::uint64_t> numbers() const {
    std::vector<std::uint64_t> all;
    for (const Heard& heard : records) all.push_back(heard.number);
    return all;
  }

  std::vector<Heard> records;
  std::vector<std::pair<Origin, std::size_t>> gone;  // and how many records had been told by then
  std::uint64_t lost = 0;
  std::function<void()> then;
};

}  // namespace holdfast::broadcast
