#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "common/log.h"
#include "worker/admin/status_report.h"

namespace holdfast::admin {

namespace {

/// Rows of cells under a heading, each column as wide as its widest cell; numbers stand to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  void append_to(std::string& out) const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string gap(widths[i] - row[i].size(), ' ');
        if (i > 0) out += "  ";
        out += i == 0 ? row[i] + gap : gap + row[i];
      }
      out.erase(out.find_last_not_of(' ') + 1);
      out += '\n';
    }
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// "3d 4h", "2h 3m", "5m 6s", "7s".
std::string span_text(std::uint64_t nanoseconds) {
  const std::uint64_t seconds = nanoseconds / 1'000'000'000;
  const auto two = [](std::uint64_t a, char unit, std::uint64_t b, char smaller) {
    return std::to_string(a) + unit + ' ' + std::to_string(b) + smaller;
  };
  if (seconds >= 86400) return two(seconds / 86400, 'd', seconds / 3600 % 24, 'h');
  if (seconds >= 3600) return two(seconds / 3600, 'h', seconds / 60 % 60, 'm');
  if (seconds >= 60) return two(seconds / 60, 'm', seconds % 60, 's');
  return std::to_string(seconds) + 's';
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 6> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text.data();
}

std::string date_text(std::uint64_t nanoseconds) {
  const auto seconds = static_cast<std::time_t>(nanoseconds / 1'000'000'000);
  tm parts{};
  localtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

std::uint64_t since(std::uint64_t then, std::uint64_t now) {
  return now > then ? now - then : 0;
}

/// For a terminal: nothing in it steers one.
std::string printable(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

void append_head(std::string& out, const Status& status) {
  out += "holdfast " + status.release + ", generation " + std::to_string(status.generation) + ", up " +
         span_text(since(status.started, status.now)) + ", " +
         (status.not_ready ? "not ready: " + *status.not_ready : "ready") + '\n';
  if (!status.config_file.empty()) out += "configuration  " + printable(status.config_file) + '\n';
  out += "reloads        " + std::to_string(status.reloads[0]) + " succeeded, " +
         std::to_string(status.reloads[1]) + " failed\n";
  if (status.last_reloads.empty()) return;
  const stats::ReloadView& last = status.last_reloads.back();
  out += "last reload    " + date_text(last.at) + (last.ok ? ", succeeded\n" : ", failed:\n");
  std::string_view rest = last.text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out += "  " + printable(rest.substr(0, end)) + '\n';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::vector<std::string> process_row(const std::string& name, const stats::ProcessView& process,
                                     std::uint64_t now) {
  return {name,
          std::to_string(process.pid),
          std::to_string(process.generation),
          std::string(use_text(process.use)),
          span_text(since(process.started, now)),
          std::to_string(process.connections),
          std::to_string(process.requests)};
}

void append_workers(std::string& out, const Status& status) {
  Table table({"WORKER", "PID", "GENERATION", "STATE", "UP", "CONNECTIONS", "REQUESTS"});
  for (const stats::ProcessView& worker : status.workers)
    table.add(process_row(std::to_string(worker.slot), worker, status.now));
  if (status.admin) table.add(process_row("admin", *status.admin, status.now));
  table.append_to(out += '\n');
}

void append_sites(std::string& out, const Status& status) {
  if (status.sites.empty()) return;
  Table table({"SITE", "REQUESTS", "1XX", "2XX", "3XX", "4XX", "5XX", "SENT"});
  for (const SiteStatus& site : status.sites) {
    std::vector<std::string> row{printable(site.name), std::to_string(site.requests)};
    for (const std::uint64_t count : site.classes) row.push_back(std::to_string(count));
    row.push_back(size_text(site.response_bytes));
    table.add(std::move(row));
  }
  table.append_to(out += '\n');
}

/// The largest ones only; the JSON form has all of them.
void append_rooms(std::string& out, const Status& status) {
  if (status.rooms.empty()) return;
  constexpr std::size_t kShown = 10;
  Table table({"CHAT ROOM", "CHAT", "MEMBERS"});
  for (std::size_t i = 0; i < std::min(status.rooms.size(), kShown); ++i)
    table.add({printable(status.rooms[i].room), printable(status.rooms[i].chat),
               std::to_string(status.rooms[i].members)});
  table.append_to(out += '\n');
}

void append_fused(std::string& out, const Status& status) {
  if (status.fused.empty()) return;
  Table table({"FUSED ROUTE", "SITE", "SINCE"});
  for (const FusedStatus& fused : status.fused)
    table.add({printable(fused.route), printable(fused.site), date_text(fused.since)});
  table.append_to(out += '\n');
}

/// The latest ones only: the JSON form and the log have all that is known of each.
void append_deaths(std::string& out, const Status& status) {
  if (status.deaths.empty()) return;
  constexpr std::size_t kShown = 5;
  Table table({"LAST DEATHS", "WORKER", "PID", "REASON", "CAUSE", "REQUEST"});
  const std::size_t first = status.deaths.size() - std::min(status.deaths.size(), kShown);
  for (std::size_t i = first; i < status.deaths.size(); ++i) {
    const stats::Death& death = status.deaths[i];
    const std::string cause = death.what.empty() ? death.fault : death.what;
    table.add({date_text(death.at), death.slot == stats::kAdminSlot ? "admin" : std::to_string(death.slot),
               std::to_string(death.pid), std::string(reason_text(death)),
               cause.empty() ? (death.signaled != 0 ? "signal " : "exit code ") + std::to_string(death.number)
                             : printable(cause),
               death.request.empty() ? "-" : printable(death.request)});
  }
  table.append_to(out += '\n');
}

}  // namespace

std::string status_text(const stats::Segment& segment) {
  const Status status = gather_status(segment, std::chrono::system_clock::now());
  std::string out;
  append_head(out, status);
  append_workers(out, status);
  append_sites(out, status);
  append_rooms(out, status);
  append_fused(out, status);
  append_deaths(out, status);
  return out;
}

}  // namespace holdfast::admin
