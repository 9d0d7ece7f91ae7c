// The documented form of a chat's messages: JSON texts over a WebSocket. One object a message, with a `type`.
//
//   from a client   {"type":"message","text":"hello","ref":"1"}       ref: any text, comes back with the echo
//                   {"type":"name","name":"Anna"}                     a new nickname
//   to a client     {"type":"welcome","room":"lobby","you":{"id":..,"name":..},"members":[{"id":..,"name":..}],
//                    "count":3,"history":[messages, the oldest first]}
//                   {"type":"message","id":"..","room":"lobby","from":{"id":..,"name":..},"text":"hello",
//                    "time":1764266400123}                            to all, the sender too (with its ref)
//                   {"type":"join"|"leave"|"rename","who":{"id":..,"name":..},"time":..}
//                   {"type":"error","code":"too_fast","text":"..","ref":".."}
//
// Times are milliseconds since 1970. Clients pass over types and members that they do not know.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holdfast::handlers {

struct ChatPerson {
  std::string_view id;
  std::string_view name;
};

// -- from clients
struct ChatSay {
  std::string text;
  std::string ref;
};
struct ChatRename {
  std::string name;
};
struct ChatMalformed {
  std::string_view problem;  // for the client; lives as long as the program
};
using ChatRequest = std::variant<ChatSay, ChatRename, ChatMalformed>;
/// Strict JSON (RFC 8259), one flat object; members that are not known are passed over.
ChatRequest parse_chat_request(std::string_view text);

// -- to clients
struct ChatSaid {
  std::string_view id;
  std::string_view room;
  ChatPerson from;
  std::string_view text;
  std::int64_t time = 0;
  std::string_view ref;  // empty: none
};
std::string chat_message(const ChatSaid& said);
/// `type`: "join", "leave", "rename".
std::string chat_notice(std::string_view type, const ChatPerson& who, std::int64_t time);
std::string chat_error(std::string_view code, std::string_view text, std::string_view ref = {});
/// `members`: as many as are told, of `count`; `history`: texts of chat_message().
std::string chat_welcome(std::string_view room, const ChatPerson& you, std::span<const ChatPerson> members,
                         std::size_t count, std::span<const std::string_view> history);

/// Now, as messages tell it.
std::int64_t chat_time();

/// A nickname or the name of a room: without control characters and surrounding spaces, not empty, valid UTF-8,
/// at most so many bytes. Answers what is left of it; empty when nothing good is.
std::string tidy_chat_name(std::string_view text, std::size_t most);

}  // namespace holdfast::handlers
