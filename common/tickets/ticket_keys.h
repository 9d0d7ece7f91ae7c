// The keys of TLS session tickets (RFC 5077 section 4), in memory that master and workers share: a session is
// resumed whichever worker the next connection meets, and after reloads and crashes. The master alone writes:
// it makes a new key now and then, of which tickets of the one before are still taken, or uses keys from a file
// that several machines share. Never in a core dump.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/clock.h"
#include "common/result.h"
#include "common/shared_memory.h"

namespace holdfast::tickets {

/// Of a file, at once: the first makes tickets.
inline constexpr std::size_t kMostKeys = 8;

struct TicketKey {
  std::array<std::uint8_t, 16> name{};
  std::array<std::uint8_t, 32> cipher{};  // AES-256
  std::array<std::uint8_t, 32> mac{};     // HMAC-SHA-256
};

static_assert(sizeof(TicketKey) == 80, "and so it is in files");

struct SharedTicketKeys;  // the mapped bytes

class TicketKeys {
 public:
  /// Maps the memory and makes the first key (master, before the first fork).
  static Result<TicketKeys> create();
  /// What another master made; ErrorKind::Unavailable when its version had another layout.
  static Result<TicketKeys> attach(Fd file);
  int fd() const { return memory_.fd(); }

  /// Master only: a new key makes tickets from now on. When there are no random bytes the old one stays.
  Result<void> rotate();
  /// Master only: these, one after the other as in a file, and no others; at least one, at most kMostKeys.
  void use(std::string_view keys);
  /// The key that makes tickets now.
  TicketKey current() const;
  struct Found {
    TicketKey key;
    bool current = false;  // false: a ticket of it is to be renewed
  };
  /// The key of that name, as long as its tickets are taken.
  std::optional<Found> find(std::span<const std::uint8_t, 16> name) const;

 private:
  explicit TicketKeys(SharedMemory memory) : memory_(std::move(memory)) {}
  using Keys = std::array<TicketKey, kMostKeys>;
  Keys read() const;
  void write(const Keys& keys);

  SharedTicketKeys& shared() const { return *static_cast<SharedTicketKeys*>(memory_.get()); }

  SharedMemory memory_;
};

}  // namespace holdfast::tickets
