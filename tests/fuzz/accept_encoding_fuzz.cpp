// Accept-Encoding: whatever a client sends, it gets a coding on offer that it has not refused, or none.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "worker/http/content_coding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace holdfast;
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  constexpr std::array<Coding, 2> kOffer{Coding::Brotli, Coding::Gzip};
  const std::array<api::Field, 1> whole{{{"Accept-Encoding", value}}};
  const auto coding = http::choose_coding(whole, kOffer);
  if (coding && std::find(kOffer.begin(), kOffer.end(), *coding) == kOffer.end()) std::abort();
  // Nothing is offered: nothing is chosen.
  if (http::choose_coding(whole, {})) std::abort();
  // A list may be cut at any comma into several lines.
  if (const std::size_t comma = value.find(','); comma != std::string_view::npos) {
    const std::array<api::Field, 2> lines{
        {{"Accept-Encoding", value.substr(0, comma)}, {"Accept-Encoding", value.substr(comma + 1)}}};
    if (http::choose_coding(lines, kOffer) != coding) std::abort();
  }
  return 0;
}
