#include "worker/handlers/chat_protocol.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <utility>

#include "common/json_writer.h"
#include "common/utf8.h"

namespace holdfast::handlers {
namespace {

using Json = nlohmann::json;

/// Takes the texts of one flat object, and stops at anything that is more than that: nothing is built that a
/// client could make large or deep.
class FlatObject final : public nlohmann::json_sax<Json> {
 public:
  std::string type;
  std::string text;
  std::string ref;
  std::string name;
  bool has_text = false;

  bool null() override { return take_other(); }
  bool boolean(bool /*value*/) override { return take_other(); }
  bool number_integer(number_integer_t /*value*/) override { return take_other(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return take_other(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return take_other(); }
  bool string(string_t& value) override {
    if (depth_ != 1) return false;
    if (wanted_ != nullptr) *wanted_ = std::move(value);
    wanted_ = nullptr;
    return true;
  }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*members*/) override { return ++depth_ == 1; }
  bool key(string_t& key) override {
    has_text = has_text || key == "text";
    wanted_ = key == "type"   ? &type
              : key == "text" ? &text
              : key == "ref"  ? &ref
              : key == "name" ? &name
                              : nullptr;
    return true;
  }
  bool end_object() override { return true; }
  bool start_array(std::size_t /*elements*/) override { return false; }
  bool end_array() override { return false; }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  // A member that is known has a text.
  bool take_other() { return depth_ == 1 && wanted_ == nullptr; }

  int depth_ = 0;
  std::string* wanted_ = nullptr;
};

void put_person(JsonWriter& json, const ChatPerson& person) {
  json.begin_object().key("id").text(person.id).key("name").text(person.name).end_object();
}

JsonWriter begin(std::string_view type) {
  JsonWriter json;
  json.begin_object().key("type").text(type);
  return json;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

ChatRequest parse_chat_request(std::string_view text) {
  FlatObject object;
  if (!Json::sax_parse(text.begin(), text.end(), &object))
    return ChatMalformed{"a message is one JSON object whose members are texts"};
  if (object.type == "message") {
    if (!object.has_text) return ChatMalformed{"a message needs a `text`"};
    return ChatSay{std::move(object.text), std::move(object.ref)};
  }
  if (object.type == "name") return ChatRename{std::move(object.name)};
  return ChatMalformed{"`type` is neither `message` nor `name`"};
}

std::string chat_message(const ChatSaid& said) {
  JsonWriter json = begin("message");
  json.key("id").text(said.id).key("room").text(said.room).key("from");
  put_person(json, said.from);
  json.key("text").text(said.text).key("time").number(static_cast<std::uint64_t>(said.time));
  if (!said.ref.empty()) json.key("ref").text(said.ref);
  return json.end_object().take();
}

std::string chat_notice(std::string_view type, const ChatPerson& who, std::int64_t time) {
  JsonWriter json = begin(type);
  json.key("who");
  put_person(json, who);
  return json.key("time").number(static_cast<std::uint64_t>(time)).end_object().take();
}

std::string chat_error(std::string_view code, std::string_view text, std::string_view ref) {
  JsonWriter json = begin("error");
  json.key("code").text(code).key("text").text(text);
  if (!ref.empty()) json.key("ref").text(ref);
  return json.end_object().take();
}

std::string chat_welcome(std::string_view room, const ChatPerson& you, std::span<const ChatPerson> members,
                         std::size_t count, std::span<const std::string_view> history) {
  JsonWriter json = begin("welcome");
  json.key("room").text(room).key("you");
  put_person(json, you);
  json.key("members").begin_array();
  for (const ChatPerson& member : members) put_person(json, member);
  json.end_array().key("count").number(count).key("history").begin_array();
  for (const std::string_view message : history) json.raw(message);
  return json.end_array().end_object().take();
}

std::int64_t chat_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string tidy_chat_name(std::string_view text, std::size_t most) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.size() > most) return {};
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t length = utf8_front(rest);
    if (length == 0 || is_control(rest.front())) return {};
    rest.remove_prefix(length);
  }
  return std::string(text);
}

}  // namespace holdfast::handlers
