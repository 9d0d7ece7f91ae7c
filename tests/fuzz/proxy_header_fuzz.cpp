// PROXY headers: each beginning of a good header asks for more, what follows it changes nothing, none is longer
// than the bound, and a refusal stays one.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "worker/net/proxy_header.h"

namespace {

using holdfast::net::ProxyHeader;
using Outcome = ProxyHeader::Outcome;

void require(bool holds) {
  if (!holds) std::abort();
}

// A block of its own size, so that a read beyond it is found.
ProxyHeader parse(std::span<const std::byte> input) {
  const std::vector<std::byte> copy(input.begin(), input.end());
  return holdfast::net::parse_proxy_header(copy);
}

bool same(const ProxyHeader& one, const ProxyHeader& other) {
  if (one.outcome != other.outcome || one.consumed != other.consumed) return false;
  if (one.source.has_value() != other.source.has_value()) return false;
  return !one.source || (one.source->text() == other.source->text() && one.source->port == other.source->port);
}

void check(const ProxyHeader& header, std::size_t size) {
  require(header.outcome != Outcome::Gone);
  require(header.outcome != Outcome::NeedMore || size < holdfast::net::kLongestProxyHeader);
  require((header.outcome == Outcome::Refused) == !header.why.empty());
  if (header.outcome != Outcome::Consumed) return require(header.consumed == 0 && !header.source);
  require(header.consumed >= 15 && header.consumed <= size);
  require(header.consumed <= holdfast::net::kLongestProxyHeader);
  if (header.source) require(!header.source->text().empty() && header.source->family != 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> input(reinterpret_cast<const std::byte*>(data), size);
  const ProxyHeader whole = parse(input);
  check(whole, size);
  ProxyHeader grown;
  for (std::size_t part = 0; part <= size && grown.outcome == Outcome::NeedMore; ++part) {
    grown = parse(input.first(part));
    check(grown, part);
    if (grown.outcome == Outcome::Consumed) require(grown.consumed == part);
  }
  require(same(grown, whole));
  return 0;
}
