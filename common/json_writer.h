// JsonWriter: JSON text built front to back; commas and escapes are its business, the nesting is the caller's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  /// The name of the next value; only inside an object.
  JsonWriter& key(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::uint64_t value);
  /// Wall clock or span in nanoseconds, written as seconds with milliseconds.
  JsonWriter& seconds(std::uint64_t nanoseconds);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  /// A value that is JSON already.
  JsonWriter& raw(std::string_view json);

  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  /// Before each value: the comma, unless it is the first of its object or array, or follows its key.
  void separate();

  std::string out_;
  bool first_ = true;
};

}  // namespace holdfast
