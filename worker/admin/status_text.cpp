#include "worker/admin/status_text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include "common/log.h"
#include "worker/admin/status_report.h"

namespace holdfast::admin {

namespace {

using stats::Metric;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;

enum class Style : std::uint8_t { Plain, Heading, Good, Warning, Bad };

std::string_view sequence_of(Style style) {
  switch (style) {
    case Style::Plain:
      return "";
    case Style::Heading:
      return "\033[1m";
    case Style::Good:
      return "\033[32m";
    case Style::Warning:
      return "\033[33m";
    case Style::Bad:
      return "\033[31m";
  }
  return "";
}

/// Collects the text; the only place that knows of colours.
class Page {
 public:
  explicit Page(bool colours) : colours_(colours) {}
  void put(std::string_view text, Style style = Style::Plain) {
    const bool is_coloured = colours_ && style != Style::Plain && !text.empty();
    if (is_coloured) text_ += sequence_of(style);
    text_ += text;
    if (is_coloured) text_ += "\033[0m";
  }
  void end_line() { text_ += '\n'; }
  /// "name           text"
  void fact(std::string_view name, std::string_view text, Style style = Style::Plain) {
    constexpr std::size_t kWidth = 15;
    std::string padded(name);
    padded.resize(std::max(kWidth, name.size() + 1), ' ');
    put(padded);
    put(text, style);
    end_line();
  }
  std::string take() { return std::move(text_); }

 private:
  const bool colours_;
  std::string text_;
};

struct Cell {
  Cell(std::string cell_text, Style cell_style = Style::Plain)
      : text(std::move(cell_text)), style(cell_style) {}
  Cell(const char* cell_text) : text(cell_text) {}
  std::string text;
  Style style = Style::Plain;
};

/// Rows of cells under a heading, each column as wide as its widest cell; numbers stand to the right.
class Table {
 public:
  explicit Table(const std::vector<const char*>& heading) : rows_(1) {
    for (const char* const title : heading) rows_.front().emplace_back(title, Style::Heading);
  }
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }

  /// Nothing without a row. The columns from `text_from` on hold text and stand to the left, as the first does.
  void append_to(Page& page, std::size_t text_from = SIZE_MAX) const {
    if (rows_.size() == 1) return;
    page.end_line();
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].text.size());
    for (const auto& row : rows_) {
      std::size_t pending = 0;  // spaces, which are written before text only
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::size_t gap = widths[i] - row[i].text.size();
        const bool is_left = i == 0 || i >= text_from;
        if (i > 0) pending += 2;
        if (!is_left) pending += gap;
        if (!row[i].text.empty()) page.put(std::string(std::exchange(pending, 0), ' '));
        page.put(row[i].text, row[i].style);
        if (is_left) pending += gap;
      }
      page.end_line();
    }
  }

 private:
  std::vector<std::vector<Cell>> rows_;
};

/// "3d 4h", "2h 3m", "5m 6s", "7s".
std::string span_text(std::uint64_t nanoseconds) {
  const std::uint64_t seconds = nanoseconds / kSecond;
  const auto two = [](std::uint64_t a, char unit, std::uint64_t b, char smaller) {
    return std::to_string(a) + unit + ' ' + std::to_string(b) + smaller;
  };
  if (seconds >= 86400) return two(seconds / 86400, 'd', seconds / 3600 % 24, 'h');
  if (seconds >= 3600) return two(seconds / 3600, 'h', seconds / 60 % 60, 'm');
  if (seconds >= 60) return two(seconds / 60, 'm', seconds % 60, 's');
  return std::to_string(seconds) + 's';
}

std::string number_text(const char* format, double value, const char* unit = "") {
  std::array<char, 48> text;
  std::snprintf(text.data(), text.size(), format, value, unit);
  return text.data();
}

std::string size_text(double value) {
  constexpr std::array<const char*, 6> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return number_text(unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
}

/// Few figures: a rate is read at a glance.
std::string rate_text(double rate) {
  return number_text(rate < 9.95 ? "%.1f" : "%.0f", rate);
}

std::string date_text(std::uint64_t nanoseconds) {
  const auto seconds = static_cast<std::time_t>(nanoseconds / kSecond);
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

StatusSample sample_of(const Status& status, TimePoint now) {
  const auto total = [&status](Metric metric) { return status.totals[static_cast<std::size_t>(metric)]; };
  StatusSample sample{now,
                      total(Metric::HttpRequests),
                      total(Metric::ConnectionsAccepted),
                      total(Metric::HttpResponseBytes),
                      status.busy,
                      {}};
  for (const stats::ProcessView& worker : status.workers)
    sample.worker_requests[worker.slot] += worker.requests;
  return sample;
}

/// What has been counted between two samples, in a second.
class Rates {
 public:
  Rates(const StatusSample& earlier, const StatusSample& now)
      : earlier_(earlier), now_(now), seconds_(std::chrono::duration<double>(now.at - earlier.at).count()) {}

  double of(std::uint64_t StatusSample::*count) const { return between(earlier_.*count, now_.*count); }
  /// Of a slot; a process that came meanwhile began at 0.
  double of(std::map<std::uint32_t, std::uint64_t> StatusSample::*counts, std::uint32_t slot) const {
    const auto value = [slot](const auto& map) {
      const auto found = map.find(slot);
      return found == map.end() ? 0 : found->second;
    };
    return between(value(earlier_.*counts), value(now_.*counts));
  }

 private:
  double between(std::uint64_t before, std::uint64_t after) const {
    if (seconds_ <= 0) return 0;
    return static_cast<double>(after < before ? after : after - before) / seconds_;
  }

  const StatusSample& earlier_;
  const StatusSample& now_;
  const double seconds_;
};

void put_reload(Page& page, const Status& status) {
  const stats::ReloadView& last = status.last_reload;
  const std::string counts = " (" + std::to_string(status.reloads[0]) + " succeeded, " +
                             std::to_string(status.reloads[1]) + " failed)";
  if (last.at == 0) return page.fact("last reload", "none");
  const std::string when = date_text(last.at) + ", " + span_text(since(last.at, status.now)) + " ago: ";
  if (last.ok) return page.fact("last reload", when + "succeeded" + counts);
  page.fact("last reload", when + "failed" + counts, Style::Bad);
  std::string_view rest = last.text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    page.put("  " + printable(rest.substr(0, end)));
    page.end_line();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

void put_head(Page& page, const Status& status) {
  page.put("holdfast " + status.release, Style::Heading);
  page.put(", pid " + std::to_string(status.pid) + ", generation " + std::to_string(status.generation) +
           ", up " + span_text(since(status.started, status.now)) + ", ");
  if (status.not_ready)
    page.put("not ready: " + *status.not_ready, Style::Bad);
  else
    page.put("ready", Style::Good);
  page.end_line();
  if (!status.config_file.empty()) page.fact("configuration", printable(status.config_file));
  put_reload(page, status);
}

void put_traffic(Page& page, const Status& status, const Rates& rates) {
  std::uint64_t connections = 0;
  for (const stats::ProcessView& worker : status.workers) connections += worker.connections;
  page.fact("requests", rate_text(rates.of(&StatusSample::requests)) + "/s, " +
                            size_text(rates.of(&StatusSample::response_bytes)) + "/s sent, " +
                            std::to_string(status.totals[static_cast<std::size_t>(Metric::HttpRequests)]) +
                            " so far");
  const std::uint64_t refused = status.totals[static_cast<std::size_t>(Metric::ConnectionsRefused)];
  page.fact("connections", std::to_string(connections) + ", " + rate_text(rates.of(&StatusSample::accepted)) +
                               "/s new, " + std::to_string(refused) + " refused so far");
  const std::uint64_t dropped = status.totals[static_cast<std::size_t>(Metric::LogLinesDropped)];
  if (dropped > 0) page.fact("log", std::to_string(dropped) + " lines dropped", Style::Warning);
}

Style style_of(stats::SeatUse use) {
  switch (use) {
    case stats::SeatUse::Ready:
      return Style::Good;
    case stats::SeatUse::Free:
    case stats::SeatUse::Starting:
    case stats::SeatUse::Draining:
      return Style::Warning;
  }
  return Style::Plain;
}

/// "2m 3s ago (signal)" of the slot; "-" where nothing is known of one.
std::string last_death_text(const Status& status, std::uint32_t slot) {
  const auto last = std::find_if(status.deaths.rbegin(), status.deaths.rend(),
                                 [slot](const stats::Death& death) { return death.slot == slot; });
  if (last == status.deaths.rend()) return "-";
  return span_text(since(last->at, status.now)) + " ago (" + std::string(reason_text(*last)) + ")";
}

void put_workers(Page& page, const Status& status, const Rates& rates) {
  Table table({"WORKER", "PID", "GENERATION", "STATE", "UP", "LOAD", "CONNECTIONS", "REQUESTS", "PER SECOND",
               "LAST DEATH"});
  const auto add = [&](const std::string& name, const stats::ProcessView& process) {
    const bool is_admin = process.slot == stats::kAdminSlot;
    const double load = rates.of(&StatusSample::busy, process.slot) / static_cast<double>(kSecond);
    table.add({name, std::to_string(process.pid), std::to_string(process.generation),
               Cell(std::string(use_text(process.use)), style_of(process.use)),
               span_text(since(process.started, status.now)), number_text("%.0f%%", std::min(load, 1.0) * 100),
               std::to_string(process.connections), std::to_string(process.requests),
               is_admin ? "-" : rate_text(rates.of(&StatusSample::worker_requests, process.slot)),
               last_death_text(status, process.slot)});
  };
  for (const stats::ProcessView& worker : status.workers) add(std::to_string(worker.slot), worker);
  if (status.admin) add("admin", *status.admin);
  constexpr std::size_t kDeath = 9;
  table.append_to(page, kDeath);
}

void put_listeners(Page& page, const Status& status) {
  Table table({"LISTENER", "CONNECTIONS", "ACCEPTED"});
  for (const ListenerStatus& listener : status.listeners)
    table.add(
        {printable(listener.name), std::to_string(listener.connections), std::to_string(listener.accepted)});
  table.append_to(page);
}

void put_certificates(Page& page, const Status& status) {
  constexpr std::int64_t kSoon = 14;
  constexpr std::int64_t kVerySoon = 3;
  Table table({"CERTIFICATE", "DAYS LEFT", "UNTIL"});
  for (const CertificateStatus& one : status.certificates) {
    const bool is_over = one.until <= status.now;
    const auto days = static_cast<std::int64_t>(since(status.now, one.until) / kDay);
    const Style style = is_over || days < kVerySoon ? Style::Bad : days < kSoon ? Style::Warning : Style::Plain;
    table.add(
        {printable(one.file), Cell(is_over ? "expired" : std::to_string(days), style), date_text(one.until)});
  }
  table.append_to(page);
}

void put_sites(Page& page, const Status& status) {
  Table table({"SITE", "REQUESTS", "1XX", "2XX", "3XX", "4XX", "5XX", "SENT"});
  for (const SiteStatus& site : status.sites) {
    std::vector<Cell> row{printable(site.name), std::to_string(site.requests)};
    for (const std::uint64_t count : site.classes) row.emplace_back(std::to_string(count));
    row.emplace_back(size_text(static_cast<double>(site.response_bytes)));
    table.add(std::move(row));
  }
  table.append_to(page);
}

/// The largest ones only; the JSON form has all of them.
void put_rooms(Page& page, const Status& status) {
  constexpr std::size_t kShown = 10;
  Table table({"CHAT ROOM", "CHAT", "MEMBERS"});
  for (std::size_t i = 0; i < std::min(status.rooms.size(), kShown); ++i)
    table.add({printable(status.rooms[i].room), printable(status.rooms[i].chat),
               std::to_string(status.rooms[i].members)});
  table.append_to(page);
}

void put_fused(Page& page, const Status& status) {
  Table table({"FUSED ROUTE", "SITE", "SINCE"});
  for (const FusedStatus& fused : status.fused)
    table.add({Cell(printable(fused.route), Style::Bad), printable(fused.site), date_text(fused.since)});
  table.append_to(page, 1);
}

/// The latest ones only: the JSON form and the log have all that is known of each.
void put_deaths(Page& page, const Status& status) {
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
  constexpr std::size_t kReason = 3;
  table.append_to(page, kReason);
}

}  // namespace

StatusSample sample_status(const stats::Segment& segment, TimePoint now) {
  return sample_of(gather_status(segment, std::chrono::system_clock::now()), now);
}

StatusText status_text(const stats::Segment& segment, const StatusSample& earlier, TimePoint now,
                       bool colours) {
  const Status status = gather_status(segment, std::chrono::system_clock::now());
  StatusSample sample = sample_of(status, now);
  const Rates rates(earlier, sample);
  Page page(colours);
  put_head(page, status);
  put_traffic(page, status, rates);
  put_fused(page, status);
  put_workers(page, status, rates);
  put_listeners(page, status);
  put_certificates(page, status);
  put_sites(page, status);
  put_rooms(page, status);
  put_deaths(page, status);
  return {page.take(), std::move(sample)};
}

}  // namespace holdfast::admin
