// Latencies in logarithmic steps of about 3 %: constant memory and a few instructions a sample, so that
// recording does not slow the load down. Owned by the load generator.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace holdfast::bench {

class LatencyHistogram {
 public:
  void record(std::uint64_t nanoseconds) {
    ++counts_[index(nanoseconds)];
    ++total_;
  }

  /// Upper bound in nanoseconds of the bucket in which the given share (0..1) of all samples is reached; 0 if
  /// empty.
  std::uint64_t percentile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted || (seen == total_ && total_ > 0)) return upper_bound(i);
    }
    return 0;
  }

 private:
  static constexpr unsigned kBits = 5;  // 32 steps for each power of two

  static std::size_t index(std::uint64_t value) {
    if (value < (1U << kBits)) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return (static_cast<std::size_t>(shift) << kBits) + (value >> shift);
  }
  static std::uint64_t upper_bound(std::size_t i) {
    if (i < (2U << kBits)) return i;
    const std::size_t shift = (i >> kBits) - 1;
    return ((i & ((1U << kBits) - 1)) + (1U << kBits) + 1) << shift;
  }

  std::array<std::uint64_t, (64 - kBits + 1) << kBits> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace holdfast::bench
