#include "tests/support/json_value.h"

#include <cctype>
#include <charconv>

namespace holdfast::support {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}

  bool document(JsonValue& value) {
    if (!read(value)) return false;
    skip_blanks();
    return rest_.empty();
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_.front()) != std::string_view::npos)
      rest_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  bool read(JsonValue& value) {
    if (++depth_ > 64) return false;
    const bool good = read_any(value);
    --depth_;
    return good;
  }

  bool read_any(JsonValue& value) {
    if (take("{")) return read_map(value);
    if (take("[")) return read_list(value);
    if (take("\"")) {
      value.kind_ = JsonValue::Kind::Text;
      return read_text(value.text_);
    }
    if (take("null")) return true;
    if (take("true")) return set(value, JsonValue::Kind::Bool, 1);
    if (take("false")) return set(value, JsonValue::Kind::Bool, 0);
    return read_number(value);
  }

  static bool set(JsonValue& value, JsonValue::Kind kind, double number) {
    value.kind_ = kind;
    value.number_ = number;
    return true;
  }

  bool read_number(JsonValue& value) {
    double number = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc()) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return set(value, JsonValue::Kind::Number, number);
  }

  bool read_list(JsonValue& value) {
    value.kind_ = JsonValue::Kind::List;
    if (take("]")) return true;
    do {
      if (!read(value.items_.emplace_back())) return false;
    } while (take(","));
    return take("]");
  }

  bool read_map(JsonValue& value) {
    value.kind_ = JsonValue::Kind::Map;
    if (take("}")) return true;
    do {
      std::string name;
      if (!take("\"") || !read_text(name) || !take(":")) return false;
      if (value.members_.contains(name) || !read(value.members_[name])) return false;
    } while (take(","));
    return take("}");
  }

  bool read_text(std::string& text) {
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\')
        text += c;
      else if (!read_escape(text))
        return false;
    }
    return false;
  }

  bool read_escape(std::string& text) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (const std::size_t at = kLetters.find(c); at != std::string_view::npos) {
      text += kMeanings[at];
      return true;
    }
    if (c != 'u' || rest_.size() < 4) return false;
    unsigned code = 0;
    if (std::from_chars(rest_.data(), rest_.data() + 4, code, 16).ptr != rest_.data() + 4) return false;
    rest_.remove_prefix(4);
    // Only what the server writes this way is needed here: control bytes; the rest keeps its place as '?'.
    text += code < 0x80 ? static_cast<char>(code) : '?';
    return true;
  }

  std::string_view rest_;
  int depth_ = 0;
};

std::optional<JsonValue> JsonValue::parse(std::string_view text) {
  JsonValue value;
  if (!JsonReader(text).document(value)) return {};
  return value;
}

const JsonValue& JsonValue::operator[](const std::string& name) const {
  static const JsonValue kNothing;
  const auto found = members_.find(name);
  return found == members_.end() ? kNothing : found->second;
}

}  // namespace holdfast::support
