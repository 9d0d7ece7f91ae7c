#include "worker/broker/redis_record.h"

#include <chrono>
#include <string_view>

namespace holdfast::broker {
namespace {

// The last byte is raised when the form changes: old and new hosts pass over each other then.
constexpr std::string_view kMark("HFB\x01");
constexpr std::size_t kKindAt = kMark.size();
constexpr std::size_t kNumbersAt = kKindAt + 1;
constexpr std::size_t kHead = kNumbersAt + 3 * sizeof(std::uint64_t);
// The year 2255: a WallTime holds no time that is much later.
constexpr std::uint64_t kLatest = 9'000'000'000'000;

void put(std::string& bytes, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(number >> shift & 0xff);
}

std::uint64_t number_at(std::string_view bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = sizeof number; i-- > 0;)
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

std::uint64_t milliseconds(WallTime time) {
  const auto since = std::chrono::duration_cast<Milliseconds>(time.time_since_epoch()).count();
  return since < 0 ? 0 : static_cast<std::uint64_t>(since);
}

}  // namespace

std::string encode(const RedisRecord& record) {
  std::string bytes;
  bytes.reserve(kHead + record.payload.size());
  bytes += kMark;
  bytes += static_cast<char>(record.kind);
  put(bytes, record.origin.host);
  put(bytes, record.origin.incarnation);
  put(bytes, milliseconds(record.time));
  bytes.append(reinterpret_cast<const char*>(record.payload.data()), record.payload.size());
  return bytes;
}

std::optional<RedisRecord> decode_redis_record(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < kHead || !text.starts_with(kMark)) return std::nullopt;
  const auto kind = static_cast<std::uint8_t>(text[kKindAt]);
  if (kind >= static_cast<std::uint8_t>(RedisRecord::Kind::kCount)) return std::nullopt;
  RedisRecord record;
  record.kind = static_cast<RedisRecord::Kind>(kind);
  record.origin = {number_at(text, kNumbersAt), number_at(text, kNumbersAt + 8)};
  // Host 0 is how this host is called here: nobody else may speak for it.
  if (record.origin.host == 0) return std::nullopt;
  const std::uint64_t time = number_at(text, kNumbersAt + 16);
  if (time > kLatest) return std::nullopt;
  record.time = WallTime(Milliseconds(static_cast<std::int64_t>(time)));
  record.payload = bytes.subspan(kHead);
  const bool speaks = record.kind == RedisRecord::Kind::Message;
  if (record.payload.size() > (speaks ? Broker::kMostPayload : 0)) return std::nullopt;
  return record;
}

}  // namespace holdfast::broker
