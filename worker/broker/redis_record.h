// What workers tell each other by Redis, as bytes: a mark with the number of this form, the kind, who says it
// and when, and the payload as broker::Broker takes it. Numbers are little-endian, whatever the host. Whoever
// can publish on the channel can send anything: nothing is trusted to be of this form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "worker/broker/broker.h"

namespace holdfast::broker {

struct RedisRecord {
  enum class Kind : std::uint8_t {
    Message,  // the payload was published
    Hello,    // the origin has come (back); what it has to say to newcomers follows
    Alive,    // the origin is still there
    Gone,     // the origin ends
    kCount
  };
  Kind kind = Kind::Message;
  Origin origin;                       // its host is never 0
  WallTime time;                       // to the millisecond
  std::span<const std::byte> payload;  // of messages alone
};

/// The bytes of a record.
std::string encode(const RedisRecord& record);
/// Nothing for bytes of another form, for a host 0, a time that no clock shows, and a payload beyond
/// Broker::kMostPayload. The payload points into `bytes`.
std::optional<RedisRecord> decode_redis_record(std::span<const std::byte> bytes);

}  // namespace holdfast::broker
