#include "worker/guards/rate_limit.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "common/limits/address_key.h"
#include "worker/http/exchange.h"

namespace holdfast::guards {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;  // in the table's unit

limits::Pace pace_of(const config::RateLimit& limit) {
  const auto period = static_cast<std::uint64_t>(limit.period.count()) * 1000;
  // To the nearest: at the highest rate, 10 microseconds apart, that is within 5 %.
  const std::uint64_t interval = (period + limit.requests / 2) / limit.requests;
  return {interval, interval * limit.burst};
}

/// What makes a limit the same one before and after a reload. Names cannot hold control bytes.
std::string identity_of(const config::Site& site, const config::Route& route) {
  const config::RateLimit& limit = route.policies.rate_limit;
  std::string identity;
  for (const std::string& part :
       {site.name, route.name, std::to_string(limit.requests), std::to_string(limit.period.count()),
        std::to_string(limit.burst), std::to_string(static_cast<int>(limit.key)), limit.header})
    identity.append(part).append("\n");
  return identity;
}

}  // namespace

RateLimit::RateLimit(const config::Site& site, const config::Route& route, const limits::SharedLimits& limits,
                     stats::WorkerStats& stats, LogRate& lines)
    : site_(site),
      route_(route),
      limit_(route.policies.rate_limit),
      limits_(limits),
      pace_(pace_of(limit_)),
      table_(limits.rates(pace_, limit_.key == config::RateKey::Header)),
      by_address_(secret_for(limits.secret(), identity_of(site, route))),
      by_header_(secret_for(by_address_, "header")),
      refused_(stats.cell(stats::Metric::HttpRateLimited, stats.segment().site_index(site.name))),
      lines_(lines) {}

http::Verdict RateLimit::admit(http::Exchange& exchange) const {
  const std::uint64_t now = limits_.microseconds(exchange.now());
  const limits::Decision decision = limits::take(table_, key_of(exchange), now, pace_);
  if (decision.admitted) return http::Verdict::Pass;
  refuse(exchange, decision.wait);
  return http::Verdict::Answered;
}

std::uint64_t RateLimit::key_of(http::Exchange& exchange) const {
  switch (limit_.key) {
    case config::RateKey::Address:
      break;
    case config::RateKey::Header:
      if (const auto value = exchange.request().field(limit_.header); value && !value->empty())
        return keyed_hash(by_header_, *value);
      break;
    case config::RateKey::All:
      return keyed_hash(by_address_, {});
  }
  return keyed_hash(by_address_, limits::AddressKey::of_text(exchange.peer_address()).bytes());
}

void RateLimit::refuse(http::Exchange& exchange, std::uint64_t wait) const {
  stats::Cell(refused_).add();
  if (lines_.allow(exchange.now()))
    log().warning("request refused by rate limit", {{"site", site_.name},
                                                    {"route", route_.name},
                                                    {"client", exchange.peer_address()},
                                                    {"suppressed", lines_.suppressed()}});
  char text[20];
  const std::uint64_t seconds = std::max<std::uint64_t>((wait + kSecond - 1) / kSecond, 1);
  const char* const end = std::to_chars(text, text + sizeof text, seconds).ptr;
  const api::Field retry_after{"Retry-After", {text, static_cast<std::size_t>(end - text)}};
  exchange.fail(429, {&retry_after, 1});
}

}  // namespace holdfast::guards
