// A route's `settings` for a module, read against what the module declares. By whoever has opened the module:
// workers, and the throw-away process of `holdfast check`.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/settings.h"
#include "config/config.h"
#include "config/loader.h"

namespace holdfast::config {

class Reader;

/// Values of one route's module; their owner.
class ModuleSettings {
 public:
  ModuleSettings() = default;
  ModuleSettings(const ModuleSettings&) = delete;
  ModuleSettings& operator=(const ModuleSettings&) = delete;

  /// Reads all rows; everything that is wrong is reported with its place. `rows` outlives this. Once.
  std::vector<Problem> read(const ModuleAction& action, std::span<const api::SettingRow> rows);
  /// Lives as long as this.
  const api::Settings& settings() const { return settings_; }

 private:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  void read_row(Reader& reader, const Node& written, const Mark& whole, const api::SettingRow& row);
  bool read_value(Reader& reader, const Node& node, const api::SettingRow& row, api::SettingValue& value);

  std::deque<std::string> texts_;
  std::deque<std::vector<std::string_view>> lists_;
  std::vector<api::SettingValue> values_;
  api::Settings settings_;
};

/// The problem that a handler found with a setting after all, at its place.
Problem module_setting_problem(const ModuleAction& action, const std::string& key, const std::string& problem);

}  // namespace holdfast::config
