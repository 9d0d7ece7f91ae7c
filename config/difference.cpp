#include "config/difference.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <set>

#include "common/ascii.h"
#include "config/node_text.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

constexpr std::string_view kFiles = "files read";  // no setting is called so
constexpr std::string_view kHidden = "(not shown)";

/// FNV-1a: the same in every build.
std::string checksum(std::string_view text) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%016" PRIx64, sum);
  return out.data();
}

/// Files whose content is compared elsewhere: the settings themselves, and certificates, which are renewed
/// without a reload.
std::set<std::string> compared_elsewhere(const Config& config, const Sources& sources) {
  std::set<std::string> files{config.file};
  for (const auto& [pattern, matched] : sources.patterns) files.insert(matched.begin(), matched.end());
  for (const Listener& listener : config.listeners) {
    for (const Certificate& certificate : listener.tls.certificates) {
      files.insert(certificate.certificate.path);
      files.insert(certificate.key.path);
      files.insert(certificate.staple.path);
    }
    files.insert(listener.tls.client_certificates.authorities.path);
  }
  return files;
}

bool sounds_secret(std::string_view key) {
  const std::string name = ascii_lowered(key);
  constexpr std::array<std::string_view, 6> kWords{"password", "passwd",     "secret",
                                                   "token",    "credential", "api_key"};
  return std::ranges::any_of(kWords,
                             [&name](std::string_view word) { return name.find(word) != std::string::npos; });
}

/// `node` without values that no terminal should show: free settings of modules may hold some.
Node without_secrets(Node node) {
  for (Entry& entry : node.entries)
    entry.value = sounds_secret(entry.key) && entry.value.kind == Node::Kind::Scalar
                      ? word_node(kHidden)
                      : without_secrets(entry.value);
  for (Node& item : node.items) item = without_secrets(item);
  return node;
}

Effect effect_of(Takes takes) {
  switch (takes) {
    case Takes::Now:
      return Effect::AtOnce;
    case Takes::NewWorkers:
      return Effect::NewWorkers;
    case Takes::Restart:
      return Effect::Restart;
  }
  return Effect::NewWorkers;
}

class Comparison {
 public:
  std::vector<Difference> take() { return std::move(found_); }

  void compare_sections(const Node& before, const Node& after, const std::vector<RowInfo>& rows,
                        const std::string& prefix) {
    for (const RowInfo& row : rows)
      compare(before.find(row.key), after.find(row.key), row, prefix + std::string(row.key));
  }

  /// Files whose settings are the same, but which hold something else than before.
  void compare_files(const Node& before, const Node& after) {
    for (const Entry& file : after.entries) {
      const Entry* const former = before.find(file.key);
      if (former != nullptr && former->value.text != file.value.text)
        found_.push_back({"content of " + file.key, "as it was read", "as it is now", Effect::NewWorkers});
    }
  }

 private:
  void compare(const Entry* before, const Entry* after, const RowInfo& row, const std::string& path) {
    if (before == nullptr && after == nullptr) return;
    if (before == nullptr || after == nullptr)
      return add(path, before ? &before->value : nullptr, after ? &after->value : nullptr, row.takes);
    if (yaml_line(before->value) == yaml_line(after->value)) return;
    const Node::Kind kind = before->value.kind;
    const bool has_parts = !row.children.empty() && kind == after->value.kind;
    if (has_parts && kind == Node::Kind::Sequence) return compare_lists(before->value, after->value, row, path);
    if (has_parts && kind == Node::Kind::Map && row.children_in.empty())
      return compare_sections(before->value, after->value, row.children, path + ".");
    if (has_parts && kind == Node::Kind::Map)
      return compare_named(before->value, after->value, row, path + ".");
    add(path, &before->value, &after->value, row.takes);
  }

  void compare_named(const Node& before, const Node& after, const RowInfo& row, const std::string& prefix) {
    for (const Entry& entry : before.entries) {
      const Entry* const now = after.find(entry.key);
      if (now == nullptr)
        add(prefix + entry.key, &entry.value, nullptr, row.takes);
      else
        compare_sections(entry.value, now->value, row.children, prefix + entry.key + ".");
    }
    for (const Entry& entry : after.entries)
      if (before.find(entry.key) == nullptr) add(prefix + entry.key, nullptr, &entry.value, row.takes);
  }

  /// Items are recognised by what they are called, wherever they stand.
  void compare_lists(const Node& before, const Node& after, const RowInfo& row, const std::string& path) {
    const std::vector<std::string> old_names = names_of(before);
    const std::vector<std::string> new_names = names_of(after);
    const auto place = [](const std::vector<std::string>& names, const std::string& name) {
      return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
    };
    for (std::size_t i = 0; i < old_names.size(); ++i) {
      const std::size_t now = place(new_names, old_names[i]);
      const std::string item = path + "[" + old_names[i] + "]";
      if (now == new_names.size())
        add(item, &before.items[i], nullptr, row.takes);
      else
        compare_sections(before.items[i], after.items[now], row.children, item + ".");
    }
    for (std::size_t i = 0; i < new_names.size(); ++i)
      if (place(old_names, new_names[i]) == old_names.size())
        add(path + "[" + new_names[i] + "]", nullptr, &after.items[i], row.takes);
    compare_order(old_names, new_names, row, path);
  }

  void compare_order(std::vector<std::string> before, std::vector<std::string> after, const RowInfo& row,
                     const std::string& path) {
    if (before == after) return;
    std::vector<std::string> sorted_before = before;
    std::vector<std::string> sorted_after = after;
    std::ranges::sort(sorted_before);
    std::ranges::sort(sorted_after);
    if (sorted_before != sorted_after) return;  // told as items that come and go
    const auto listed = [](const std::vector<std::string>& names) {
      std::vector<Node> nodes;
      for (const std::string& name : names) nodes.push_back(text_node(name));
      return sequence(std::move(nodes));
    };
    const Node old_order = listed(before);
    const Node new_order = listed(after);
    add("order of " + path, &old_order, &new_order, row.takes);
  }

  static std::string name_of(const Node& item) {
    for (const std::string_view key : {"name", "path", "certificate"})
      if (const Entry* const entry = item.find(key)) return entry->value.text;
    return "";
  }
  /// Each once: routes of one path are told apart by their number.
  static std::vector<std::string> names_of(const Node& list) {
    std::vector<std::string> names;
    for (const Node& item : list.items) {
      const std::string name = name_of(item);
      std::string own = name.empty() ? std::to_string(names.size()) : name;
      for (int n = 2; std::ranges::find(names, own) != names.end(); ++n) own = name + " #" + std::to_string(n);
      names.push_back(std::move(own));
    }
    return names;
  }

  void add(const std::string& path, const Node* before, const Node* after, Takes takes) {
    const auto text = [](const Node* node) {
      return node == nullptr ? std::string() : yaml_line(without_secrets(*node));
    };
    Difference difference{path, text(before), text(after), effect_of(takes)};
    if (sounds_secret(path.substr(path.rfind('.') + 1)) && before != nullptr && after != nullptr &&
        path.find(".settings") != std::string::npos)
      difference.before = difference.after = kHidden;
    found_.push_back(std::move(difference));
  }

  std::vector<Difference> found_;
};

Result<Node> parsed(std::string_view text) {
  std::vector<TreeProblem> problems;
  Node root = parse_yaml(text, 0, problems);
  if (!problems.empty() || root.kind != Node::Kind::Map)
    return Error{ErrorKind::Internal, 0, "what is compared with is no configuration of holdfast"};
  return root;
}

}  // namespace

std::string comparable_text(const Config& config, const Sources& sources) {
  const std::set<std::string> elsewhere = compared_elsewhere(config, sources);
  std::vector<Entry> files;
  for (const auto& [path, text] : sources.texts)
    if (!elsewhere.contains(path)) files.push_back(entry(path, text_node(checksum(text))));
  Node root = write_section(config, config_rows(), config);
  root.entries.push_back(entry(kFiles, mapping(std::move(files))));
  return yaml_text(root);
}

Result<std::vector<Difference>> differences(std::string_view before, std::string_view after) {
  const Result<Node> old_tree = parsed(before);
  if (!old_tree) return old_tree.error();
  const Result<Node> new_tree = parsed(after);
  if (!new_tree) return new_tree.error();
  Comparison comparison;
  comparison.compare_sections(*old_tree, *new_tree, infos_of(config_rows()), "");
  const Entry* const old_files = old_tree->find(kFiles);
  const Entry* const new_files = new_tree->find(kFiles);
  if (old_files != nullptr && new_files != nullptr)
    comparison.compare_files(old_files->value, new_files->value);
  return comparison.take();
}

}  // namespace holdfast::config
