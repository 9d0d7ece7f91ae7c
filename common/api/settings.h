// Settings of a handler, as its module declares them and as the route's `settings` fill them. They are checked
// before the handler is made: a mistake is reported with file, line and column, at `holdfast check` and at a
// reload.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::api {

enum class SettingKind : std::uint8_t {
  Text,
  Integer,
  Boolean,   // true or false
  Duration,  // "250ms", "30s", "5m", "1h"
  Size,      // "512", "64KiB", "1MiB"
  Texts      // a list of texts
};

/// One setting. Of a table that lives as long as the module.
struct SettingRow {
  std::string_view key;
  SettingKind kind = SettingKind::Text;
  std::string_view fallback;  // the default, as it would be written in the file; Texts: "[a, b]"
  std::string_view help;      // one sentence
  bool required = false;      // there is no default
  /// Bounds of an Integer, of a Duration in milliseconds, of a Size in bytes. A Duration or Size is never below
  /// 0.
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};

struct SettingValue {
  std::string_view key;
  SettingKind kind = SettingKind::Text;
  std::string_view text{};
  std::int64_t number = 0;  // 0 and 1 of a Boolean; milliseconds, bytes
  std::span<const std::string_view> texts{};
};

/// Thrown by a handler's constructor when a value is within its bounds and wrong nevertheless. `problem` begins
/// with a verb: "must name a language".
class SettingError : public std::runtime_error {
 public:
  SettingError(std::string key, const std::string& problem)
      : std::runtime_error(problem), key_(std::move(key)) {}
  const std::string& key() const { return key_; }

 private:
  std::string key_;
};

/// Values of all declared settings. They and all views live as long as the handler. Asking for a key that was
/// not declared, or as another kind, throws std::logic_error.
class Settings {
 public:
  Settings() = default;
  explicit Settings(std::span<const SettingValue> values) : values_(values) {}

  std::string_view text(std::string_view key) const { return find(key, SettingKind::Text).text; }
  std::int64_t integer(std::string_view key) const { return find(key, SettingKind::Integer).number; }
  bool boolean(std::string_view key) const { return find(key, SettingKind::Boolean).number != 0; }
  std::chrono::milliseconds duration(std::string_view key) const {
    return std::chrono::milliseconds(find(key, SettingKind::Duration).number);
  }
  /// In bytes.
  std::uint64_t size(std::string_view key) const {
    return static_cast<std::uint64_t>(find(key, SettingKind::Size).number);
  }
  std::span<const std::string_view> texts(std::string_view key) const {
    return find(key, SettingKind::Texts).texts;
  }

 private:
  const SettingValue& find(std::string_view key, SettingKind kind) const {
    for (const SettingValue& value : values_)
      if (value.key == key && value.kind == kind) return value;
    throw std::logic_error("the module asks for the setting `" + std::string(key) +
                           "`, which it has not declared (so)");
  }

  std::span<const SettingValue> values_;
};

}  // namespace holdfast::api
