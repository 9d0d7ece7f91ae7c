// What a setting is: one row with its key, its member, its kind with bounds, its default, when a change takes
// effect, and a sentence of help. A new setting is a member in config.h and a row beside its neighbours in
// NAME_fields.cpp; loading, checking, printing, the reference and the JSON Schema follow from the row. Defaults
// stand nowhere else.
//
//   const Rows<Respawn>& respawn_rows() {
//     static const Rows<Respawn> rows = make_rows<Respawn>(
//         field("initial_delay", &Respawn::initial_delay, duration(1ms, 1h), "50ms", Takes::Now, "Wait before
//         ..."),
//         ...);
//     return rows;
//   }
//
// make_rows refuses to compile when the members that the rows fill are not all members of the struct.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/schema/kind.h"

namespace holdfast::config {

template <class S>
struct Row {
  RowInfo info;
  /// `written` is null when the key is absent; the default is taken then.
  std::function<void(Reader&, const Entry* written, S&)> read;
  /// Nothing for a row that has nothing to print.
  std::function<std::optional<Node>(const S&, const Config&)> write;
};

template <class S>
using Rows = std::vector<Row<S>>;

/// A row that fills `Members` members of S.
template <class S, std::size_t Members>
struct Field : Row<S> {
  Field required() && { return this->info.required = true, std::move(*this); }
  /// The place of its value is kept in Config::places.
  Field located() && { return this->info.located = true, std::move(*this); }
  Field per_route() && { return this->info.per_route = true, std::move(*this); }
  Field example(std::string_view yaml) && { return this->info.example = yaml, std::move(*this); }
};

/// Stands for any value where only its being there is asked about.
struct AnyValue {
  template <class T>
  operator T() const;  // NOLINT: implicit by design, never called
};

template <class S, class... Values>
concept InitialisableFrom = requires {
  S{std::declval<Values>()...};
};

/// How many members the aggregate S has.
template <class S, class... Values>
constexpr std::size_t member_count() {
  if constexpr (std::is_empty_v<S>) {
    return 0;
  } else if constexpr (InitialisableFrom<S, Values..., AnyValue>) {
    return member_count<S, Values..., AnyValue>();
  } else {
    return sizeof...(Values);
  }
}

/// The rows of section S. `Hidden` members have no row of their own: names taken from map keys, places, ...
template <class S, std::size_t Hidden = 0, std::size_t... Members>
Rows<S> make_rows(Field<S, Members>... fields) {
  static_assert((Members + ... + Hidden) == member_count<S>(), "each member needs a row");
  Rows<S> rows;
  (rows.push_back(std::move(static_cast<Row<S>&>(fields))), ...);
  return rows;
}

template <class S>
std::vector<RowInfo> infos_of(const Rows<S>& rows) {
  std::vector<RowInfo> infos;
  for (const Row<S>& row : rows) infos.push_back(row.info);
  return infos;
}

template <class S>
std::vector<std::string_view> keys_of(const Rows<S>& rows) {
  std::vector<std::string_view> keys;
  for (const Row<S>& row : rows) keys.push_back(row.info.key);
  return keys;
}

/// Reports a key that no row has, with the nearest that exists.
void report_unknown_key(Reader& reader, const Entry& written, const std::vector<std::string_view>& known);
/// Answers whether the node can be read as a section; an empty one counts as a map without keys.
bool check_section(Reader& reader, const Node& node);
/// The tree of a default as it is written in a row.
const Node& default_tree(std::string_view yaml);
/// JSON Schema of a section.
Node schema_of(const std::vector<RowInfo>& rows);

/// Nothing worth printing: empty, and empty is what an absent key means.
bool is_blank(const RowInfo& info, const Node& node);

/// Reads the keys of `node` (a map, or null for "all defaults") into `out`, in the order of the rows.
template <class S>
void read_section(Reader& reader, const Node& node, const Rows<S>& rows, S& out) {
  if (!check_section(reader, node)) return;
  for (const Entry& written : node.entries) {
    bool known = false;
    for (const Row<S>& row : rows) known = known || row.info.key == written.key;
    if (!known) report_unknown_key(reader, written, keys_of(rows));
  }
  for (const Row<S>& row : rows) {
    const Reader::Step step(reader, row.info.key);
    const Entry* const written = node.find(row.info.key);
    if (written == nullptr && row.info.required)
      reader.problem(node.mark, "`" + std::string(row.info.key) + "` is missing");
    if (written != nullptr && row.info.located) reader.remember_place(written->value.mark);
    row.read(reader, written, out);
  }
}

template <class S>
Node write_section(const S& value, const Rows<S>& rows, const Config& config) {
  std::vector<Entry> entries;
  for (const Row<S>& row : rows)
    if (std::optional<Node> node = row.write(value, config))
      entries.push_back(entry(row.info.key, std::move(*node)));
  return mapping(std::move(entries));
}

/// Kind of a nested section.
template <class S>
Kind<S> section(const Rows<S>& rows) {
  return {"section", schema_of(infos_of(rows)),
          [&rows](Reader& reader, const Node& node, S& out) {
            const std::size_t before = reader.problems().size();
            read_section(reader, node, rows, out);
            return reader.problems().size() == before;
          },
          [&rows](const S& value, const Config& config) { return write_section(value, rows, config); },
          infos_of(rows)};
}

/// A section that `off` switches off; S has a member `enabled`.
template <class S>
Kind<S> section_or_off(const Rows<S>& rows) {
  const Kind<S> open = section(rows);
  return {"section, or off", schema_any({schema_words({"off"}), open.schema}),
          [open](Reader& reader, const Node& node, S& out) {
            out = S{};
            if (is_word(node, "off")) return true;
            if (node.kind == Node::Kind::Scalar) return reader.wrong(node, "must be a section, or off");
            out.enabled = true;
            return open.read(reader, node, out);
          },
          [open](const S& value, const Config& config) {
            return value.enabled ? open.write(value, config) : word_node("off");
          },
          open.children};
}

/// Row whose kind reads into the section itself, for settings that fill more than one member.
template <class S, std::size_t Members = 1>
Field<S, Members> whole(std::string_view key, const Kind<S>& kind, std::string_view fallback, Takes takes,
                        std::string_view help) {
  Field<S, Members> row;
  row.info = {
      key,           fallback,        help, "", takes, true, false, false, false, kind.noun, kind.schema,
      kind.children, kind.children_in};
  const auto read = kind.read;
  row.read = [read, fallback](Reader& reader, const Entry* written, S& out) {
    if (written != nullptr) {
      read(reader, written->value, out);
    } else if (!fallback.empty()) {
      read(reader, default_tree(fallback), out);
    }
  };
  const RowInfo info = row.info;
  const auto write = kind.write;
  row.write = [info, write](const S& value, const Config& config) -> std::optional<Node> {
    Node node = write(value, config);
    if (is_blank(info, node)) return std::nullopt;
    return node;
  };
  return row;
}

/// The ordinary row: one key, one member.
template <class S, class T>
Field<S, 1> field(std::string_view key, T S::*member, const Kind<std::type_identity_t<T>>& kind,
                  std::string_view fallback, Takes takes, std::string_view help) {
  const auto read = kind.read;
  const auto write = kind.write;
  const Kind<S> lifted{
      kind.noun,
      kind.schema,
      [read, member](Reader& reader, const Node& node, S& out) { return read(reader, node, out.*member); },
      [write, member](const S& value, const Config& config) { return write(value.*member, config); },
      kind.children,
      kind.children_in};
  return whole<S, 1>(key, lifted, fallback, takes, help);
}

/// A nested section with a struct of its own; absent means all its defaults.
template <class S, class T>
Field<S, 1> nested(std::string_view key, T S::*member, const Rows<T>& rows, Takes takes,
                   std::string_view help) {
  return field(key, member, section(rows), "{}", takes, help);
}

/// A row of a planned setting, as described.
RowInfo planned_key(std::string_view key, std::string_view help);

/// A setting of the specification whose feature is not built yet: known, but refused where it is written,
/// except for values that ask for nothing (`harmless`, with their JSON Schema).
template <class S>
Field<S, 0> planned(std::string_view key, std::string_view help,
                    const std::function<bool(Reader&, const Entry&)>& harmless = nullptr,
                    const Node& schema = {}) {
  Field<S, 0> row;
  row.info = planned_key(key, help);
  row.info.schema = schema;
  row.read = [key, harmless](Reader& reader, const Entry* written, S&) {
    if (written == nullptr || (harmless && harmless(reader, *written))) return;
    reader.unavailable(written->mark, key);
  };
  row.write = [](const S&, const Config&) { return std::nullopt; };
  return row;
}

}  // namespace holdfast::config
