// What workers tell each other about chats, as bytes: a mark with the number of this form, the kind, the time,
// five texts with their lengths. What another host sends is not trusted to be of this form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::handlers {

struct ChatRecord {
  enum class Kind : std::uint8_t {
    Message,  // `text` was said
    Join,
    Leave,
    Rename,
    Present,  // `member` is here; the answer to Ask
    Ask,      // who is here? Of no room and no member
    Roll,     // the roll of all clients of this worker begins: one Present each
    RollEnd,  // ends; `text` is their number. Whoever was here and was not called has left unheard
    kCount
  };
  Kind kind = Kind::Message;
  std::int64_t time = 0;   // wall clock, milliseconds since 1970
  std::string_view scope;  // the chat: site and path of its route
  std::string_view room;
  std::string_view member;  // identity
  std::string_view name;    // nickname
  std::string_view text;
  std::string_view id;  // of the message
};

/// The bytes of a record; texts beyond 64 KiB are not possible.
std::string encode(const ChatRecord& record);
/// Nothing for bytes of another form. Views point into `bytes`.
std::optional<ChatRecord> decode_chat_record(std::span<const std::byte> bytes);

}  // namespace holdfast::handlers
