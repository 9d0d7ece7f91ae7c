// What became of each request that a test sent: every one is counted, none is forgotten. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace holdfast::support {

enum class Outcome : std::uint8_t {
  Ok,
  LocalError,  // the test's own machine refused: out of ports or descriptors
  ConnectRefused,
  ConnectTimeout,
  TlsFailed,  // connected, but no handshake
  Reset,      // the connection was reset, while sending or receiving
  NoAnswer,   // closed before the first byte of the answer
  ShortRead,  // closed inside the answer
  Timeout,    // nothing came for too long
  Malformed,  // not HTTP
  BadStatus,  // an answer, not the one that was expected
  WrongBody,
  kCount
};
std::string_view outcome_text(Outcome outcome);
std::ostream& operator<<(std::ostream& out, Outcome outcome);

class OutcomeCounter {
 public:
  void add(Outcome outcome) {
    counts_[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t count(Outcome outcome) const { return counts_[static_cast<std::size_t>(outcome)].load(); }
  std::uint64_t ok() const { return count(Outcome::Ok); }
  std::uint64_t failed() const { return total() - ok(); }
  std::uint64_t total() const;
  /// "ok 1200, reset 1": what was seen at all.
  std::string text() const;

 private:
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Outcome::kCount)> counts_{};
};

}  // namespace holdfast::support
