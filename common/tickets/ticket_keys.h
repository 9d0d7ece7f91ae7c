// The keys of TLS session tickets (RFC 5077 section 4), in memory that master and workers share: a session is
// resumed whichever worker the next connection meets, and after reloads and crashes. The master alone writes:
// it makes a new key now and then; tickets of the key before are still taken. Never in a core dump.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "common/clock.h"
#include "common/result.h"

namespace holdfast::tickets {

/// How long a key makes tickets, and after that takes them: a ticket lives as long as this, no shorter.
inline constexpr Milliseconds kRotation{12 * 3600 * 1000};

struct TicketKey {
  std::array<std::uint8_t, 16> name{};
  std::array<std::uint8_t, 32> cipher{};  // AES-256
  std::array<std::uint8_t, 32> mac{};     // HMAC-SHA-256
};

struct SharedTicketKeys;  // the mapped bytes

class TicketKeys {
 public:
  /// Maps the memory and makes the first key (master, before the first fork).
  static Result<TicketKeys> create();
  TicketKeys(TicketKeys&& other) noexcept;
  TicketKeys& operator=(TicketKeys&& other) noexcept;
  ~TicketKeys();

  /// Master only: a new key makes tickets from now on. When there are no random bytes the old one stays.
  Result<void> rotate();

  /// The key that makes tickets now.
  TicketKey current() const;
  struct Found {
    TicketKey key;
    bool current = false;  // false: a ticket of it is to be renewed
  };
  /// The key of that name, as long as its tickets are taken.
  std::optional<Found> find(std::span<const std::uint8_t, 16> name) const;

 private:
  explicit TicketKeys(SharedTicketKeys* shared) : shared_(shared) {}
  std::array<TicketKey, 2> read() const;

  SharedTicketKeys* shared_;
};

}  // namespace holdfast::tickets
