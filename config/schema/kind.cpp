#include "config/schema/kind.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "common/ascii.h"
#include "config/nearest_name.h"

namespace holdfast::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first, so that printing takes the largest that divides the value.
constexpr std::array<Unit, 5> kDurationUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 3> kShortDurationUnits{{{"s", 1'000'000}, {"ms", 1'000}, {"us", 1}}};
constexpr std::array<Unit, 4> kSizeUnits{
    {{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"", 1}}};

template <std::size_t N>
std::string format_units(std::uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units)
    if (value % unit.factor == 0 && (value != 0 || unit.factor == 1))
      return std::to_string(value / unit.factor).append(unit.name);
  return std::to_string(value);
}

bool has_leading_zero(std::string_view digits) {
  return digits.size() > 1 && digits.front() == '0';
}

/// Number and unit; nothing when the number is malformed, the unit unknown or the product too large.
template <std::size_t N>
std::optional<std::uint64_t> parse_units(std::string_view text, const std::array<Unit, N>& units) {
  const std::size_t split = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<std::uint64_t> number = parse_decimal(text.substr(0, split));
  if (!number || has_leading_zero(text.substr(0, split))) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name != text.substr(split)) continue;
    if (*number > static_cast<std::uint64_t>(INT64_MAX) / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

std::string duration_hint(std::string_view text) {
  if (parse_decimal(text) && !has_leading_zero(text))
    return "it has no unit: write `" + std::string(text) + "s`";
  return "";
}

std::string size_hint(std::string_view text) {
  const std::size_t split = std::min(text.find_first_not_of("0123456789"), text.size());
  if (split == 0 || split == text.size()) return "";
  const std::string number(text.substr(0, split));
  const std::string unit = ascii_lowered(text.substr(split));
  if (unit == "b") return "write `" + number + "`";
  constexpr std::array<std::string_view, 3> kLetters{"k", "m", "g"};
  constexpr std::array<std::string_view, 3> kBinary{"KiB", "MiB", "GiB"};
  for (std::size_t i = 0; i < kLetters.size(); ++i) {
    if (!unit.starts_with(kLetters[i])) continue;
    const std::string right = number + std::string(kBinary[i]);
    if (ascii_iequals(unit, kBinary[i])) return "write `" + right + "`";
    return "that unit is ambiguous: write `" + right + "`";
  }
  return "";
}

bool out_of_range(Reader& reader, const Node& node, const std::string& least, const std::string& most) {
  return reader.wrong(node, "must be from " + least + " to " + most);
}

}  // namespace

std::string format_duration(Milliseconds value) {
  if (value.count() == 0) return "0s";
  return format_units(static_cast<std::uint64_t>(value.count()), kDurationUnits);
}

std::string format_short_duration(std::uint64_t microseconds) {
  return format_units(microseconds, kShortDurationUnits);
}

std::string format_size(std::uint64_t bytes) {
  return format_units(bytes, kSizeUnits);
}

std::string list_hint(const Node& node) {
  return node.kind == Node::Kind::Scalar ? "write `[" + shown(node.text) + "]`" : "write `[a, b]`";
}

bool is_word(const Node& node, std::string_view text) {
  return node.kind == Node::Kind::Scalar && !node.quoted && node.text == text;
}

bool read_string(Reader& reader, const Node& node, std::string& out) {
  if (node.kind != Node::Kind::Scalar) return reader.wrong(node, "must be a string");
  out = node.text;
  return true;
}

bool read_count(Reader& reader, const Node& node, std::uint64_t least, std::uint64_t most, std::uint64_t& out) {
  constexpr std::string_view kRequirement = "must be a whole decimal number";
  if (node.kind != Node::Kind::Scalar) return reader.wrong(node, kRequirement);
  const std::optional<std::uint64_t> value = parse_decimal(node.text);
  if (node.quoted) return reader.wrong(node, kRequirement, value ? "write it without quotes" : "");
  if (!value) return reader.wrong(node, kRequirement);
  if (has_leading_zero(node.text)) return reader.wrong(node, kRequirement, "it must not start with 0");
  if (*value < least || *value > most)
    return out_of_range(reader, node, std::to_string(least), std::to_string(most));
  out = *value;
  return true;
}

std::string range_noun(std::string_view noun, std::string_view least, std::string_view most) {
  return std::string(noun).append(", ").append(least).append(" to ").append(most);
}

Kind<bool> boolean() {
  return {"true or false", schema_or_variable(schema_type("boolean")),
          [](Reader& reader, const Node& node, bool& out) {
            if (!is_word(node, "true") && !is_word(node, "false"))
              return reader.wrong(node, "must be true or false");
            out = node.text == "true";
            return true;
          },
          [](const bool& value, const Config&) { return word_node(value ? "true" : "false"); }};
}

Kind<Milliseconds> duration(Milliseconds least, Milliseconds most) {
  return {range_noun("duration", format_duration(least), format_duration(most)),
          schema_or_variable(schema_pattern("^(0|[1-9][0-9]*)(ms|s|m|h|d)$")),
          [least, most](Reader& reader, const Node& node, Milliseconds& out) {
            constexpr std::string_view kRequirement = "must be a duration such as 250ms, 30s, 5m or 1h";
            if (node.kind != Node::Kind::Scalar) return reader.wrong(node, kRequirement);
            const std::optional<std::uint64_t> value = parse_units(node.text, kDurationUnits);
            if (!value) return reader.wrong(node, kRequirement, duration_hint(node.text));
            const Milliseconds read(static_cast<std::int64_t>(*value));
            if (read < least || read > most)
              return out_of_range(reader, node, format_duration(least), format_duration(most));
            out = read;
            return true;
          },
          [](const Milliseconds& value, const Config&) { return word_node(format_duration(value)); }};
}

Kind<std::uint64_t> short_duration(std::uint64_t least, std::uint64_t most) {
  return {range_noun("duration", format_short_duration(least), format_short_duration(most)),
          schema_or_variable(schema_pattern("^[1-9][0-9]*(us|ms|s)$")),
          [least, most](Reader& reader, const Node& node, std::uint64_t& out) {
            constexpr std::string_view kRequirement = "must be a duration such as 250us, 5ms or 1s";
            if (node.kind != Node::Kind::Scalar) return reader.wrong(node, kRequirement);
            const std::optional<std::uint64_t> value = parse_units(node.text, kShortDurationUnits);
            if (!value) return reader.wrong(node, kRequirement, duration_hint(node.text));
            if (*value < least || *value > most)
              return out_of_range(reader, node, format_short_duration(least), format_short_duration(most));
            out = *value;
            return true;
          },
          [](const std::uint64_t& value, const Config&) { return word_node(format_short_duration(value)); }};
}

Kind<Milliseconds> duration_or_off(Milliseconds least, Milliseconds most) {
  const Kind<Milliseconds> open = duration(least, most);
  return {open.noun + ", or off", schema_any({schema_words({"off"}), open.schema}),
          [open](Reader& reader, const Node& node, Milliseconds& out) {
            if (!is_word(node, "off")) return open.read(reader, node, out);
            out = {};
            return true;
          },
          [open](const Milliseconds& value, const Config& config) {
            return value.count() == 0 ? word_node("off") : open.write(value, config);
          }};
}

Kind<std::uint64_t> size(std::uint64_t least, std::uint64_t most) {
  Node number = schema_type("integer");
  number.entries.push_back(entry("minimum", word_node(std::to_string(least))));
  return {range_noun("size in bytes", format_size(least), format_size(most)),
          schema_or_variable(schema_any({std::move(number), schema_pattern("^(0|[1-9][0-9]*)(KiB|MiB|GiB)$")})),
          [least, most](Reader& reader, const Node& node, std::uint64_t& out) {
            constexpr std::string_view kRequirement = "must be a size such as 512, 64KiB or 1MiB";
            if (node.kind != Node::Kind::Scalar) return reader.wrong(node, kRequirement);
            const std::optional<std::uint64_t> value = parse_units(node.text, kSizeUnits);
            if (!value) return reader.wrong(node, kRequirement, size_hint(node.text));
            if (node.quoted && parse_decimal(node.text))
              return reader.wrong(node, kRequirement, "write it without quotes");
            if (*value < least || *value > most)
              return out_of_range(reader, node, format_size(least), format_size(most));
            out = *value;
            return true;
          },
          [](const std::uint64_t& value, const Config&) { return word_node(format_size(value)); }};
}

Kind<std::string> text(std::string noun, const Check& check) {
  return {std::move(noun), schema_type("string"),
          [check](Reader& reader, const Node& node, std::string& out) {
            std::string value;
            if (!read_string(reader, node, value)) return false;
            const std::string requirement = check(value);
            if (!requirement.empty()) return reader.wrong(node, requirement);
            out = std::move(value);
            return true;
          },
          [](const std::string& value, const Config&) { return text_node(value); }};
}

Kind<std::string> label() {
  return text("label", [](std::string& name) -> std::string {
    for (const char c : name)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return "must not contain control characters";
    return name.empty() ? "must not be empty" : "";
  });
}

Kind<Endpoint> endpoint() {
  return {"address and port, or unix:PATH", schema_type("string"),
          [](Reader& reader, const Node& node, Endpoint& out) {
            std::string value;
            if (!read_string(reader, node, value)) return false;
            Result<Endpoint> parsed = Endpoint::parse(value);
            if (!parsed) {
              constexpr std::size_t kWithReason = 200;  // which stands behind the value
              reader.problem(node.mark, shown(parsed.error().message(), kWithReason));
              return false;
            }
            out = *parsed;
            return true;
          },
          [](const Endpoint& value, const Config&) { return text_node(value.text()); }};
}

Kind<std::string> path_kind(std::string noun) {
  return {std::move(noun), schema_type("string"),
          [](Reader& reader, const Node& node, std::string& out) {
            std::string value;
            if (!read_string(reader, node, value)) return false;
            if (value.empty()) return reader.wrong(node, "must be a path");
            std::error_code failure;
            std::filesystem::path path = std::filesystem::path(reader.directory(node.mark)) / value;
            if (path.is_relative()) path = std::filesystem::current_path(failure) / path;
            out = path.lexically_normal().string();
            return true;
          },
          [](const std::string& value, const Config&) { return text_node(value); }};
}

Kind<Pairs> pairs(std::string noun, const Check& check_name, const Check& check_value) {
  Node schema = schema_type("object");
  schema.entries.push_back(
      entry("additionalProperties", schema_any({schema_type("string"), schema_type("number")})));
  return {std::move(noun), std::move(schema),
          [check_name, check_value](Reader& reader, const Node& node, Pairs& out) {
            if (node.kind != Node::Kind::Map)
              return reader.wrong(node, "must be a map", "write `{name: value}`");
            out.clear();
            bool good = true;
            for (const Entry& written : node.entries) {
              const Reader::Step step(reader, written.key);
              std::pair<std::string, std::string> pair{written.key, {}};
              const std::string bad_name = check_name(pair.first);
              if (!bad_name.empty()) reader.problem(written.mark, "`" + shown(written.key) + "` " + bad_name);
              if (!read_string(reader, written.value, pair.second)) {
                good = false;
                continue;
              }
              const std::string bad_value = check_value(pair.second);
              if (!bad_value.empty()) reader.wrong(written.value, bad_value);
              good = good && bad_name.empty() && bad_value.empty();
              out.push_back(std::move(pair));
            }
            return good;
          },
          [](const Pairs& values, const Config&) {
            std::vector<Entry> entries;
            for (const auto& [name, value] : values) entries.push_back(entry(name, text_node(value)));
            return mapping(std::move(entries));
          }};
}

std::string join_words(const std::vector<std::string_view>& words, std::string_view last) {
  std::string joined;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0 && i + 1 == words.size()) joined.append(" ").append(last).append(" ");
    if (i > 0 && i + 1 < words.size()) joined += ", ";
    joined += words[i];
  }
  return joined;
}

bool wrong_choice(Reader& reader, const Node& node, const std::vector<std::string_view>& words) {
  const std::string nearest = node.kind == Node::Kind::Scalar ? nearest_name(node.text, words) : std::string();
  return reader.wrong(node, "must be " + join_words(words, "or"),
                      nearest.empty() ? std::string() : "did you mean `" + nearest + "`?");
}

}  // namespace holdfast::config
