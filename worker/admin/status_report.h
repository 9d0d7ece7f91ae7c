// What the server is doing, from the shared segment alone: gathered once, shown as the versioned JSON of
// /status, and as the text of `holdfast status` (status_text). Made by whoever asks: the admin process, a
// worker's status route, the command line.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/stats/stats_reader.h"

namespace holdfast::admin {

/// Raised when a member of the JSON form changes its meaning or goes; new members do not raise it.
inline constexpr std::uint64_t kStatusVersion = 1;

struct SiteStatus {
  std::string name;
  std::uint64_t requests = 0;
  std::array<std::uint64_t, 5> classes{};  // 1xx ... 5xx
  std::uint64_t response_bytes = 0;
};

/// A route that takes no requests because its handler has killed too many workers.
struct FusedStatus {
  std::string site;
  std::string route;
  std::uint64_t since = 0;  // wall nanoseconds
};

struct ListenerStatus {
  std::string name;
  std::uint64_t connections = 0;
  std::uint64_t accepted = 0;
};

struct CertificateStatus {
  std::string file;
  std::uint64_t until = 0;  // wall nanoseconds
};

struct Status {
  std::string release;
  std::string config_file;
  std::uint64_t pid = 0;  // of the master
  std::uint64_t generation = 0;
  std::uint64_t started = 0;  // wall nanoseconds
  std::uint64_t now = 0;      // likewise
  std::uint64_t workers_wanted = 0;
  std::optional<std::string> not_ready;    // why
  std::array<std::uint64_t, 2> reloads{};  // by stats::ReloadResult
  stats::ReloadView last_reload;
  std::vector<stats::ProcessView> workers;
  std::optional<stats::ProcessView> admin;
  std::map<std::uint32_t, std::uint64_t> busy;  // nanoseconds that loops were at work so far, by slot
  std::vector<ListenerStatus> listeners;        // those that serve
  std::vector<CertificateStatus> certificates;  // of the serving configuration
  std::vector<SiteStatus> sites;  // those with a name of their own, and "other" if anything was counted there
  std::array<std::uint64_t, static_cast<std::size_t>(stats::Metric::kCount)>
      totals{};                                              // summed over all labels
  std::vector<std::pair<std::string, std::uint64_t>> exits;  // by reason
  std::vector<stats::RoomPresence> rooms;  // of chats, with the members that are connected to this host
  std::vector<FusedStatus> fused;
  std::vector<stats::Death> deaths;  // the last ones, oldest first
};

/// "signal", "hung": why it is counted.
std::string_view reason_text(const stats::Death& death);
/// "starting", "ready", "draining".
std::string_view use_text(stats::SeatUse use);
Status gather_status(const stats::Segment& segment, WallTime now);

/// One line of JSON, ended by a newline.
std::string status_json(const stats::Segment& segment);

}  // namespace holdfast::admin
