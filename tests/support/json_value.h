// A JSON text as a tree, for reading what /status and the JSON log say. Strict: anything that is not JSON is an
// error.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::support {

class JsonValue {
 public:
  enum class Kind { Null, Bool, Number, Text, List, Map };

  /// Empty when `text` is not one JSON value.
  static std::optional<JsonValue> parse(std::string_view text);

  Kind kind() const { return kind_; }
  bool boolean() const { return number_ != 0; }
  double number() const { return number_; }
  const std::string& text() const { return text_; }
  const std::vector<JsonValue>& items() const { return items_; }
  /// The member of this name; a Null value when there is none.
  const JsonValue& operator[](const std::string& name) const;

 private:
  friend class JsonReader;
  Kind kind_ = Kind::Null;
  double number_ = 0;
  std::string text_;
  std::vector<JsonValue> items_;
  std::map<std::string, JsonValue> members_;
};

}  // namespace holdfast::support
