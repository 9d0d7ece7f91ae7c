#include "worker/handlers/chat_record.h"

#include <array>
#include <cstring>

namespace holdfast::handlers {
namespace {

constexpr std::uint8_t kForm =
    'C';  // raised when the form changes, so that old and new workers pass over each other
constexpr std::size_t kHead = 2 + sizeof(std::int64_t);
using Texts = std::array<std::string_view ChatRecord::*, 6>;
constexpr Texts kTexts{&ChatRecord::scope, &ChatRecord::room, &ChatRecord::member,
                       &ChatRecord::name,  &ChatRecord::text, &ChatRecord::id};

}  // namespace

std::string encode(const ChatRecord& record) {
  std::string bytes;
  bytes += static_cast<char>(kForm);
  bytes += static_cast<char>(record.kind);
  bytes.append(reinterpret_cast<const char*>(&record.time), sizeof record.time);
  for (const auto text : kTexts) {
    const auto size = static_cast<std::uint16_t>((record.*text).size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes.append(record.*text);
  }
  return bytes;
}

std::optional<ChatRecord> decode_chat_record(std::span<const std::byte> bytes) {
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (rest.size() < kHead || static_cast<std::uint8_t>(rest[0]) != kForm) return std::nullopt;
  const auto kind = static_cast<std::uint8_t>(rest[1]);
  if (kind >= static_cast<std::uint8_t>(ChatRecord::Kind::kCount)) return std::nullopt;
  ChatRecord record;
  record.kind = static_cast<ChatRecord::Kind>(kind);
  std::memcpy(&record.time, rest.data() + 2, sizeof record.time);
  rest.remove_prefix(kHead);
  for (const auto text : kTexts) {
    std::uint16_t size = 0;
    if (rest.size() < sizeof size) return std::nullopt;
    std::memcpy(&size, rest.data(), sizeof size);
    rest.remove_prefix(sizeof size);
    if (rest.size() < size) return std::nullopt;
    record.*text = rest.substr(0, size);
    rest.remove_prefix(size);
  }
  if (!rest.empty()) return std::nullopt;
  return record;
}

}  // namespace holdfast::handlers
