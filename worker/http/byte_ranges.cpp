#include "worker/http/byte_ranges.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/ascii.h"

namespace holdfast::http {
namespace {

enum class Verdict : std::uint8_t { Malformed, Unsatisfiable, Taken };

/// Digits as a number; one too big for 64 bits is as good as the biggest, since no representation reaches it.
std::optional<std::uint64_t> position(std::string_view digits) {
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_ascii_digit)) return std::nullopt;
  return parse_decimal(digits).value_or(UINT64_MAX);
}

Verdict take_suffix(std::string_view digits, std::uint64_t size, ByteRange& range) {
  const auto length = position(digits);
  if (!length) return Verdict::Malformed;
  if (*length == 0 || size == 0) return Verdict::Unsatisfiable;
  range.length = std::min(*length, size);
  range.offset = size - range.length;
  return Verdict::Taken;
}

/// One range-spec of section 14.1.1: "first-last", "first-" or "-suffix".
Verdict take_spec(std::string_view spec, std::uint64_t size, ByteRange& range) {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return Verdict::Malformed;
  if (dash == 0) return take_suffix(spec.substr(1), size, range);
  const auto first = position(spec.substr(0, dash));
  if (!first) return Verdict::Malformed;
  const bool open = dash + 1 == spec.size();
  const auto last = open ? std::optional(UINT64_MAX) : position(spec.substr(dash + 1));
  if (!last || *last < *first) return Verdict::Malformed;
  if (*first >= size) return Verdict::Unsatisfiable;
  range.offset = *first;
  range.length = std::min(*last, size - 1) - *first + 1;
  return Verdict::Taken;
}

bool touch(const ByteRange& a, const ByteRange& b) {
  return a.offset <= b.offset + b.length && b.offset <= a.offset + a.length;
}

ByteRange joined(const ByteRange& a, const ByteRange& b) {
  const std::uint64_t begin = std::min(a.offset, b.offset);
  return {begin, std::max(a.offset + a.length, b.offset + b.length) - begin};
}

/// At the end no two touch. A joined range stands where the first of its parts stood.
void join_touching(RangeSelection& selection) {
  std::span<ByteRange> all(selection.ranges.data(), selection.count);
  for (std::size_t i = 0; i < all.size();) {
    const auto other = std::find_if(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end(),
                                    [&](const ByteRange& later) { return touch(all[i], later); });
    if (other == all.end()) {
      ++i;
      continue;
    }
    all[i] = joined(all[i], *other);
    std::move(other + 1, all.end(), other);
    all = all.first(all.size() - 1);
    i = 0;  // grown, it may touch what stands before
  }
  selection.count = all.size();
}

std::string_view write(std::span<char, kContentRangeRoom> room, std::initializer_list<std::string_view> words) {
  char* at = room.data();
  for (const std::string_view word : words) at = std::copy(word.begin(), word.end(), at);
  return {room.data(), static_cast<std::size_t>(at - room.data())};
}

struct Digits {
  explicit Digits(std::uint64_t number)
      : size(static_cast<std::size_t>(std::to_chars(text, text + sizeof text, number).ptr - text)) {}
  operator std::string_view() const { return {text, size}; }
  char text[20];
  std::size_t size;
};

}  // namespace

RangeSelection select_ranges(std::string_view value, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!ascii_iequals(value.substr(0, kUnit.size()), kUnit)) return {};
  RangeSelection selection;
  std::size_t specs = 0;
  bool usable = true;
  for_each_list_element(value.substr(kUnit.size()), [&](std::string_view spec) {
    ByteRange range;
    if (!usable || ++specs > kMaxRanges) {
      usable = false;
      return;
    }
    switch (take_spec(spec, size, range)) {
      case Verdict::Malformed:
        usable = false;
        break;
      case Verdict::Unsatisfiable:
        break;
      case Verdict::Taken:
        selection.ranges[selection.count++] = range;
        break;
    }
  });
  if (!usable || specs == 0) return {};
  selection.outcome = selection.count > 0 ? RangeOutcome::Partial : RangeOutcome::Unsatisfiable;
  join_touching(selection);
  return selection;
}

std::string_view content_range(std::span<char, kContentRangeRoom> room, ByteRange range, std::uint64_t size) {
  const Digits first(range.offset);
  const Digits last(range.offset + range.length - 1);
  return write(room, {"bytes ", first, "-", last, "/", Digits(size)});
}

std::string_view unsatisfied_range(std::span<char, kContentRangeRoom> room, std::uint64_t size) {
  return write(room, {"bytes */", Digits(size)});
}

}  // namespace holdfast::http
