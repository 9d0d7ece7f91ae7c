#include "worker/handlers/chat_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "worker/handlers/chat_record.h"

namespace holdfast::handlers {
namespace {

TEST(ChatProtocol, takes_messages_with_their_ref_and_passes_over_what_it_does_not_know) {
  const ChatRequest request = parse_chat_request(
      R"({"type":"message","text":"h\u00e9 \"x\"","ref":"7","later":null,"more":1.5,"b":true})");
  ASSERT_TRUE(std::holds_alternative<ChatSay>(request));
  EXPECT_EQ(std::get<ChatSay>(request).text, "h\u00e9 \"x\"");
  EXPECT_EQ(std::get<ChatSay>(request).ref, "7");
  const ChatRequest rename = parse_chat_request(R"({"name":"Anna","type":"name"})");
  ASSERT_TRUE(std::holds_alternative<ChatRename>(rename));
  EXPECT_EQ(std::get<ChatRename>(rename).name, "Anna");
}

TEST(ChatProtocol, refuses_what_is_not_one_flat_object_of_texts) {
  for (const char* text :
       {"", "x", "[]", "\"text\"", "{", R"({"type":"message"})", R"({"type":"shout","text":"x"})",
        R"({"type":"message","text":7})", R"({"type":"message","text":{"a":"b"}})",
        R"({"type":"message","text":["x"]})", R"({"type":"message","text":"x"} {})",
        R"({"type":"message","text":"x",})", R"({'type':'message'})",
        R"({"a":{"b":{"c":1}},"type":"message","text":"x"})", "{\"type\":\"message\",\"text\":\"\xc3\x28\"}"})
    EXPECT_TRUE(std::holds_alternative<ChatMalformed>(parse_chat_request(text))) << text;
}

TEST(ChatProtocol, depth_costs_nothing) {
  EXPECT_TRUE(std::holds_alternative<ChatMalformed>(parse_chat_request(std::string(1'000'000, '['))));
  EXPECT_TRUE(
      std::holds_alternative<ChatMalformed>(parse_chat_request("{\"a\":" + std::string(1'000'000, '{'))));
}

TEST(ChatProtocol, writes_each_form) {
  EXPECT_EQ(
      chat_message({"a.1", "r", {"a", "Anna"}, "x\n\"y\"", 1234, {}}),
      R"({"type":"message","id":"a.1","room":"r","from":{"id":"a","name":"Anna"},"text":"x\n\"y\"","time":1234})");
  EXPECT_EQ(
      chat_message({"a.1", "r", {"a", "Anna"}, "x", 1, "7"}),
      R"({"type":"message","id":"a.1","room":"r","from":{"id":"a","name":"Anna"},"text":"x","time":1,"ref":"7"})");
  EXPECT_EQ(chat_notice("join", {"a", "Anna"}, 5),
            R"({"type":"join","who":{"id":"a","name":"Anna"},"time":5})");
  EXPECT_EQ(chat_error("too_fast", "wait", "9"),
            R"({"type":"error","code":"too_fast","text":"wait","ref":"9"})");
  const std::array<ChatPerson, 2> members{{{"a", "Anna"}, {"b", "Bo"}}};
  const std::array<std::string_view, 2> history{R"({"x":1})", R"({"x":2})"};
  EXPECT_EQ(
      chat_welcome("r", {"a", "Anna"}, members, 3, history),
      R"({"type":"welcome","room":"r","you":{"id":"a","name":"Anna"},"members":[{"id":"a","name":"Anna"},)"
      R"({"id":"b","name":"Bo"}],"count":3,"history":[{"x":1},{"x":2}]})");
}

TEST(ChatProtocol, names_are_tidied) {
  EXPECT_EQ(tidy_chat_name("  Anna B ", 32), "Anna B");
  EXPECT_EQ(tidy_chat_name("\u30a2\u30f3\u30ca", 9), "\u30a2\u30f3\u30ca");
  EXPECT_EQ(tidy_chat_name("\u30a2\u30f3\u30ca", 8), "");
  EXPECT_EQ(tidy_chat_name("a\nb", 32), "");
  EXPECT_EQ(tidy_chat_name("\xff", 32), "");
  EXPECT_EQ(tidy_chat_name("   ", 32), "");
}

TEST(ChatRecord, comes_back_as_it_was) {
  const std::string bytes =
      encode({ChatRecord::Kind::Rename, -5, "scope", "room", "member", "name", std::string(60'000, 'x'), "id"});
  const auto record = decode_chat_record(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->kind, ChatRecord::Kind::Rename);
  EXPECT_EQ(record->time, -5);
  EXPECT_EQ(record->scope, "scope");
  EXPECT_EQ(record->room, "room");
  EXPECT_EQ(record->member, "member");
  EXPECT_EQ(record->name, "name");
  EXPECT_EQ(record->text.size(), 60'000U);
  EXPECT_EQ(record->id, "id");
}

TEST(ChatRecord, no_part_of_one_and_nothing_else_is_taken_for_one) {
  const std::string bytes = encode({ChatRecord::Kind::Message, 1, "s", "r", "m", "n", "t", "i"});
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_chat_record(std::as_bytes(std::span(bytes).first(size)))) << size;
  const std::string longer = bytes + "x";
  EXPECT_FALSE(decode_chat_record(std::as_bytes(std::span(longer))));
  std::string other = bytes;
  other[0] = 'B';
  EXPECT_FALSE(decode_chat_record(std::as_bytes(std::span(other))));
  other = bytes;
  other[1] = static_cast<char>(ChatRecord::Kind::kCount);
  EXPECT_FALSE(decode_chat_record(std::as_bytes(std::span(other))));
}

}  // namespace
}  // namespace holdfast::handlers
