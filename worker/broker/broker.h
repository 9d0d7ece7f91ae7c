// Messages between workers, as those see it who have something to say: what is published reaches all other
// workers that speak through the same broker, on this host and, where the broker joins several, on others.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/clock.h"

namespace holdfast::broker {

/// Who has published: one worker process, on this host or on another.
struct Origin {
  std::uint64_t host = 0;  // 0: this one
  std::uint64_t incarnation = 0;
  auto operator<=>(const Origin&) const = default;
};

struct Message {
  Origin origin;
  WallTime time;                       // of the publisher's host, to the millisecond
  std::span<const std::byte> payload;  // alive for the call
};

/// Told in the loop's thread; may publish from there.
class Listener {
 public:
  /// Each once, those of an origin in the order in which it published them. Before live ones come, those that
  /// were said on this host before this worker was there, as far as they are still known.
  virtual void on_message(const Message& message) = 0;
  /// The origin has ended, or its host cannot be heard any more; all that is known of it was told before. It
  /// may come again.
  virtual void on_origin_gone(const Origin& origin) = 0;
  /// Others can be heard that could not before (or some of what they said was lost): whoever keeps account of
  /// them asks them now.
  virtual void on_reunion() = 0;

 protected:
  ~Listener() = default;
};

class Broker {
 public:
  virtual ~Broker() = default;
  /// Begins; `listener` outlives the broker.
  virtual void listen(Listener& listener) = 0;
  /// To all other workers, at the end of this turn at the latest. The bytes are copied; at most kMostPayload.
  /// False: it cannot be sent, since it is too large or this worker has no way to the others.
  virtual bool publish(std::span<const std::byte> payload) = 0;
  static constexpr std::size_t kMostPayload = std::size_t{60} * 1024;
};

}  // namespace holdfast::broker
