#include "worker/net/refusals.h"

namespace holdfast::net {

void Refusals::count(stats::RefusedReason reason) {
  stats_.cell(stats::Metric::ConnectionsRefused, static_cast<std::uint16_t>(reason)).add();
}

void Refusals::refused(stats::RefusedReason reason, const PeerAddress& peer, std::string_view why,
                       TimePoint now) {
  count(reason);
  LogRate& rate = refused_lines_[static_cast<std::size_t>(reason)].rate;
  if (!log().enabled(LogLevel::Info) || !rate.allow(now)) return;
  const auto value = static_cast<std::uint32_t>(reason);
  log().info("connection refused", {{"reason", stats::label_text(stats::Label::RefusedReason, value)},
                                    {"client", peer.text()},
                                    {"why", why},
                                    {"not_told", rate.suppressed()}});
}

void Refusals::reset(stats::ResetReason reason, const PeerAddress& peer, std::string_view activity,
                     TimePoint now) {
  const auto value = static_cast<std::uint16_t>(reason);
  stats_.cell(stats::Metric::ConnectionsReset, value).add();
  LogRate& rate = reset_lines_[value].rate;
  if (!log().enabled(LogLevel::Info) || !rate.allow(now)) return;
  log().info("connection reset", {{"reason", stats::label_text(stats::Label::ResetReason, value)},
                                  {"client", peer.text()},
                                  {"activity", activity},
                                  {"not_told", rate.suppressed()}});
}

}  // namespace holdfast::net
