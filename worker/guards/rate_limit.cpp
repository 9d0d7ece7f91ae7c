#include "worker/guards/rate_limit.h"

#include <array>
#include <charconv>

#include "common/address_set.h"
#include "common/text_hash.h"
#include "worker/http/exchange.h"

namespace holdfast::guards {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::size_t kNetworkBytes = 8;  // one customer has at least so much of IPv6

Rate rate_of(const config::RateLimit& settings) {
  const auto per = static_cast<std::uint64_t>(settings.per.count()) * 1'000'000;
  return {per / settings.requests, settings.burst, 0};
}

std::uint64_t limit_of(std::string_view identity, const Rate& rate) {
  return text_hash(identity, rate.interval_ns ^ rate.burst << 40);
}

/// The bytes of a client that are counted together.
std::string_view client_key(const AddressBytes& bytes) {
  const bool ipv4 = bytes[10] == 0xff && bytes[11] == 0xff && bytes[0] == 0;
  return {reinterpret_cast<const char*>(bytes.data()), ipv4 ? bytes.size() : kNetworkBytes};
}

}  // namespace

RateLimit::RateLimit(const config::RateLimit& settings, std::string_view identity, const RateTable& table,
                     stats::WorkerStats& stats, std::uint16_t site)
    : rate_(rate_of(settings)),
      key_(settings.key),
      limit_(limit_of(identity, rate_)),
      table_(table),
      limited_(stats.cell(stats::Metric::HttpRateLimited, site)) {}

http::Verdict RateLimit::admit(http::Exchange& exchange) const {
  AddressBytes bytes{};
  std::string_view key;
  if (key_ == config::RateKey::Address) {
    if (const auto address = parse_address(exchange.peer_address())) bytes = *address;
    key = client_key(bytes);
  }
  const auto now = static_cast<std::uint64_t>(exchange.now().time_since_epoch().count());
  const RateTable::Verdict verdict = table_.ask(limit_, key, rate_, now);
  if (verdict.admitted) return http::Verdict::Pass;
  stats::Cell(limited_).add();
  std::array<char, 20> digits;
  const std::uint64_t seconds = (verdict.wait_ns + kSecond - 1) / kSecond;
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), seconds).ptr;
  const api::Field retry{"Retry-After", {digits.data(), static_cast<std::size_t>(end - digits.data())}};
  exchange.fail(429, {&retry, 1});
  return http::Verdict::Answered;
}

}  // namespace holdfast::guards
