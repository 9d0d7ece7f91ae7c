#include "config/changes.h"

#include "config/node_text.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

std::string text_of(const Entry* entry) {
  return entry == nullptr ? "" : json_text(entry->value);
}

void compare(const Node& running, const Node& wanted, const std::vector<RowInfo>& rows,
             const std::string& prefix, std::vector<std::string>& changed) {
  for (const RowInfo& row : rows) {
    const Entry* const before = running.find(row.key);
    const Entry* const after = wanted.find(row.key);
    const std::string path = prefix + std::string(row.key);
    if (row.takes == Takes::Restart && text_of(before) != text_of(after)) changed.push_back(path);
    // Lists and named sections come and go with a reload; only fixed sections are looked into.
    if (before != nullptr && after != nullptr && row.children_in.empty())
      compare(before->value, after->value, row.children, path + ".", changed);
  }
}

}  // namespace

std::vector<std::string> changes_needing_restart(const Config& running, const Config& wanted) {
  std::vector<std::string> changed;
  compare(write_section(running, config_rows(), running), write_section(wanted, config_rows(), wanted),
          infos_of(config_rows()), "", changed);
  return changed;
}

}  // namespace holdfast::config
