// Byte ranges of a representation (RFC 9110 section 14): what a Range field selects, and how an answer names
// it. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace holdfast::http {

/// `length` bytes from `offset`; never empty, never beyond the representation.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool operator==(const ByteRange&) const = default;
};

/// More ranges than this in one field are an attack or a mistake; the field is ignored (section 14.2 allows
/// it).
inline constexpr std::size_t kMaxRanges = 16;

enum class RangeOutcome : std::uint8_t {
  Whole,         // no usable Range: answer 200 with everything
  Partial,       // 206: selected() holds one or more ranges
  Unsatisfiable  // 416
};

struct RangeSelection {
  RangeOutcome outcome = RangeOutcome::Whole;
  std::array<ByteRange, kMaxRanges> ranges{};
  std::size_t count = 0;

  std::span<const ByteRange> selected() const { return {ranges.data(), count}; }
};

/// What the value of a Range field selects of `size` bytes. Malformed values and other units select Whole
/// (section 14.2). Ranges come in the order asked for. Those that overlap or touch are joined, so that no byte
/// is ever sent twice, and take the place of the first of them; the others stay as they were asked for (section
/// 15.3.7.2).
RangeSelection select_ranges(std::string_view value, std::uint64_t size);

/// Room for the longest Content-Range value.
inline constexpr std::size_t kContentRangeRoom = 72;
/// "bytes 0-99/1234"; the view points into `room`.
std::string_view content_range(std::span<char, kContentRangeRoom> room, ByteRange range, std::uint64_t size);
/// "bytes */1234", which a 416 carries.
std::string_view unsatisfied_range(std::span<char, kContentRangeRoom> room, std::uint64_t size);

}  // namespace holdfast::http
