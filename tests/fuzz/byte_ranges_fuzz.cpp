// Any bytes as a Range field of a representation of any size: what is selected lies inside, is not empty, and
// no byte is selected twice. The first eight bytes are the size.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "worker/http/byte_ranges.h"

namespace {

using holdfast::http::ByteRange;
using holdfast::http::RangeOutcome;
using holdfast::http::RangeSelection;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const RangeSelection& selection, std::uint64_t size) {
  require((selection.outcome == RangeOutcome::Partial) == (selection.count > 0));
  for (const ByteRange& range : selection.selected()) {
    require(range.length > 0 && range.offset < size && range.length <= size - range.offset);
    for (const ByteRange& other : selection.selected())
      require(&other == &range || other.offset >= range.offset + range.length ||
              range.offset >= other.offset + other.length);
    std::array<char, holdfast::http::kContentRangeRoom> room;
    require(holdfast::http::content_range(room, range, size).starts_with("bytes "));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
  std::uint64_t size = 0;
  if (length < sizeof size) return 0;
  std::memcpy(&size, data, sizeof size);
  const std::vector<char> text(data + sizeof size, data + length);
  check(holdfast::http::select_ranges({text.data(), text.size()}, size), size);
  return 0;
}
