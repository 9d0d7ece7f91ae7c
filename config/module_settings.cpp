#include "config/module_settings.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "config/schema/field.h"
#include "config/schema/kind.h"
#include "config/schema/reader.h"

namespace holdfast::config {
namespace {

constexpr std::int64_t kMostDuration = std::int64_t{365} * 24 * 3600 * 1000;

bool read_integer(Reader& reader, const Node& node, const api::SettingRow& row, std::int64_t& out) {
  std::int64_t value = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto [stopped, failure] = std::from_chars(node.text.data(), end, value);
  const bool number =
      node.kind == Node::Kind::Scalar && !node.quoted && failure == std::errc{} && stopped == end;
  if (!number) return reader.wrong(node, "must be a whole number");
  if (value < row.least || value > row.most)
    return reader.wrong(node,
                        range_noun("must be a number", std::to_string(row.least), std::to_string(row.most)));
  out = value;
  return true;
}

/// The default as a tree. What a module declares wrong is its author's mistake.
std::optional<Node> fallback_of(const api::SettingRow& row) {
  if (row.kind == api::SettingKind::Text) return text_node(row.fallback);
  if (row.kind == api::SettingKind::Texts && row.fallback.empty()) return sequence({});
  std::vector<TreeProblem> problems;
  Node node = parse_yaml(row.fallback, 0, problems);
  if (!problems.empty()) return std::nullopt;
  return node;
}

/// Marks count the files of the load that is over; here there is one.
void move_marks(Node& node) {
  node.mark.file = 0;
  for (Node& item : node.items) move_marks(item);
  for (Entry& entry : node.entries) {
    entry.mark.file = 0;
    move_marks(entry.value);
  }
}

}  // namespace

bool ModuleSettings::read_value(Reader& reader, const Node& node, const api::SettingRow& row,
                                api::SettingValue& value) {
  const std::int64_t least = std::max<std::int64_t>(row.least, 0);
  switch (row.kind) {
    case api::SettingKind::Text: {
      std::string text;
      if (!read_string(reader, node, text)) return false;
      value.text = keep(std::move(text));
      return true;
    }
    case api::SettingKind::Integer:
      return read_integer(reader, node, row, value.number);
    case api::SettingKind::Boolean: {
      bool flag = false;
      if (!boolean().read(reader, node, flag)) return false;
      value.number = flag ? 1 : 0;
      return true;
    }
    case api::SettingKind::Duration: {
      Milliseconds read{};
      const Milliseconds most(std::min(row.most, kMostDuration));
      if (!duration(Milliseconds(least), most).read(reader, node, read)) return false;
      value.number = read.count();
      return true;
    }
    case api::SettingKind::Size: {
      std::uint64_t bytes = 0;
      if (!size(static_cast<std::uint64_t>(least), static_cast<std::uint64_t>(row.most))
               .read(reader, node, bytes))
        return false;
      value.number = static_cast<std::int64_t>(bytes);
      return true;
    }
    case api::SettingKind::Texts: {
      std::vector<std::string> read;
      if (!list_of(text("text", [](std::string&) { return std::string(); })).read(reader, node, read))
        return false;
      std::vector<std::string_view>& list = lists_.emplace_back();
      for (std::string& one : read) list.push_back(keep(std::move(one)));
      value.texts = list;
      return true;
    }
  }
  return false;
}

void ModuleSettings::read_row(Reader& reader, const Node& written, const Mark& whole,
                              const api::SettingRow& row) {
  const Reader::Step step(reader, row.key);
  const std::string name = "`" + std::string(row.key) + "`";
  api::SettingValue value{row.key, row.kind};
  if (const Entry* const entry = written.find(row.key)) {
    if (read_value(reader, entry->value, row, value)) values_.push_back(value);
    return;
  }
  if (row.required)
    return reader.problem(whole, "the setting " + name + " of the module is missing: " + std::string(row.help));
  const std::optional<Node> fallback = fallback_of(row);
  if (fallback && read_value(reader, *fallback, row, value)) return values_.push_back(value);
  reader.problem(whole,
                 "the module declares a default for " + name + " that is not of its kind: tell its author");
}

std::vector<Problem> ModuleSettings::read(const ModuleAction& action, std::span<const api::SettingRow> rows) {
  Config nothing{};
  Reader reader(nothing);
  reader.add_file(action.place.file, "");
  Node written = action.settings;
  move_marks(written);
  std::vector<std::string_view> keys;
  keys.reserve(rows.size());
  for (const api::SettingRow& row : rows) keys.push_back(row.key);
  for (const Entry& one : written.entries)
    if (std::ranges::find(keys, one.key) == keys.end()) report_unknown_key(reader, one, keys);
  const Mark whole = written.mark.line > 0 ? written.mark : Mark{0, action.place.line, action.place.column};
  for (const api::SettingRow& row : rows) read_row(reader, written, whole, row);
  settings_ = api::Settings(values_);
  return std::move(reader.problems());
}

Problem module_setting_problem(const ModuleAction& action, const std::string& key, const std::string& problem) {
  const Entry* const entry = action.settings.find(key);
  Place place = action.place;
  if (entry != nullptr) place = {action.place.file, entry->value.mark.line, entry->value.mark.column};
  return {place, "`" + key + "` " + problem};
}

}  // namespace holdfast::config
