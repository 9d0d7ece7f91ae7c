#include "worker/admin/status_report.h"

#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "common/json_writer.h"
#include "worker/admin/health.h"

namespace holdfast::admin {

namespace {

using stats::Metric;

constexpr std::uint64_t kNanosecondsOfSecond = 1'000'000'000;

/// Adds the per-site and summed figures of a snapshot to a status.
class Gatherer {
 public:
  Gatherer(const stats::Segment& segment, Status& status) : segment_(segment), status_(status) {
    for (std::uint32_t i = 0; i < segment.listener_count(); ++i)
      status.listeners.push_back({std::string(segment.listener_name(static_cast<std::uint16_t>(i))), 0, 0});
    for (std::uint32_t i = 0; i < segment.site_count(); ++i)
      sites_.push_back({std::string(segment.site_name(static_cast<std::uint16_t>(i))), 0, {}, 0});
    for (std::uint32_t i = 0; i < stats::label_count(stats::Label::ExitReason); ++i)
      status.exits.emplace_back(stats::label_text(stats::Label::ExitReason, i), 0);
  }

  void add(const stats::SeriesSum& sum) {
    status_.totals[static_cast<std::size_t>(sum.key.metric)] += sum.value;
    if (sum.key.metric == Metric::HttpRequests) add_requests(sum);
    if (sum.key.metric == Metric::HttpResponseBytes) site(sum.key.a).response_bytes += sum.value;
    if (sum.key.metric == Metric::ConfigReloads && sum.key.a < status_.reloads.size())
      status_.reloads[sum.key.a] += sum.value;
    if (sum.key.metric == Metric::WorkerExits && sum.key.a < status_.exits.size())
      status_.exits[sum.key.a].second += sum.value;
    if (sum.key.metric == Metric::EventLoopBusy) status_.busy[sum.slot] += sum.value;
    if (sum.key.metric == Metric::ConnectionsAccepted) listener(sum.key.a).accepted += sum.value;
    if (sum.key.metric == Metric::Connections) {
      listener(sum.key.a).connections += sum.value;
      if (sum.key.a > 0 || sum.value > 0) serving_.insert(listener(sum.key.a).name);
    }
    if (sum.key.metric == Metric::TlsCertificateExpiry && sum.value != 0)
      status_.certificates.push_back(
          {std::string(segment_.certificate_name(sum.key.a)), sum.value * kNanosecondsOfSecond});
  }

  void finish() {
    // Names stay in the segment for ever; gauges are gone with the last worker that had the listener.
    std::erase_if(status_.listeners, [this](const ListenerStatus& l) { return !serving_.contains(l.name); });
    for (std::size_t i = 0; i < sites_.size(); ++i)
      if (i > 0 || sites_[i].requests > 0) status_.sites.push_back(std::move(sites_[i]));
  }

 private:
  void add_requests(const stats::SeriesSum& sum) {
    SiteStatus& requests = site(sum.key.a);
    requests.requests += sum.value;
    const std::size_t code_class = sum.key.c / 100;
    if (code_class >= 1 && code_class <= requests.classes.size()) requests.classes[code_class - 1] += sum.value;
  }

  SiteStatus& site(std::size_t index) { return sites_[index < sites_.size() ? index : 0]; }

  ListenerStatus& listener(std::size_t index) {
    return status_.listeners[index < status_.listeners.size() ? index : 0];
  }

  const stats::Segment& segment_;
  Status& status_;
  std::vector<SiteStatus> sites_;
  std::set<std::string> serving_;  // listeners
};

void write_process(JsonWriter& json, const stats::ProcessView& process) {
  json.begin_object();
  json.key("slot")
      .number(process.slot)
      .key("pid")
      .number(process.pid)
      .key("generation")
      .number(process.generation);
  json.key("state").text(use_text(process.use)).key("started").seconds(process.started);
  json.key("connections").number(process.connections).key("requests").number(process.requests);
  json.end_object();
}

void write_reloads(JsonWriter& json, const Status& status) {
  json.begin_object();
  json.key("success").number(status.reloads[static_cast<std::size_t>(stats::ReloadResult::Success)]);
  json.key("failure").number(status.reloads[static_cast<std::size_t>(stats::ReloadResult::Failure)]);
  json.key("last");
  if (status.last_reload.at == 0) {
    json.null();
  } else {
    json.begin_object().key("at").seconds(status.last_reload.at).key("ok").boolean(status.last_reload.ok);
    json.key("message").text(status.last_reload.text).end_object();
  }
  json.end_object();
}

void write_totals(JsonWriter& json, const Status& status) {
  const auto total = [&](Metric metric) { return status.totals[static_cast<std::size_t>(metric)]; };
  std::uint64_t connections = 0;
  for (const stats::ProcessView& worker : status.workers) connections += worker.connections;
  json.begin_object();
  json.key("requests").number(total(Metric::HttpRequests));
  json.key("bad_requests").number(total(Metric::HttpBadRequests));
  json.key("request_bytes").number(total(Metric::HttpRequestBytes));
  json.key("response_bytes").number(total(Metric::HttpResponseBytes));
  json.key("connections").number(connections);
  json.key("connections_accepted").number(total(Metric::ConnectionsAccepted));
  json.key("connections_refused").number(total(Metric::ConnectionsRefused));
  json.key("log_lines_dropped").number(total(Metric::LogLinesDropped));
  json.end_object();
}

void write_sites(JsonWriter& json, const Status& status) {
  constexpr std::array<std::string_view, 5> kClasses{"1xx", "2xx", "3xx", "4xx", "5xx"};
  json.begin_array();
  for (const SiteStatus& site : status.sites) {
    json.begin_object()
        .key("name")
        .text(site.name)
        .key("requests")
        .number(site.requests)
        .key("codes")
        .begin_object();
    for (std::size_t i = 0; i < kClasses.size(); ++i) json.key(kClasses[i]).number(site.classes[i]);
    json.end_object().key("response_bytes").number(site.response_bytes).end_object();
  }
  json.end_array();
}

void write_listeners(JsonWriter& json, const Status& status) {
  json.begin_array();
  for (const ListenerStatus& listener : status.listeners)
    json.begin_object()
        .key("name")
        .text(listener.name)
        .key("connections")
        .number(listener.connections)
        .key("accepted")
        .number(listener.accepted)
        .end_object();
  json.end_array();
}

void write_certificates(JsonWriter& json, const Status& status) {
  json.begin_array();
  for (const CertificateStatus& one : status.certificates)
    json.begin_object().key("file").text(one.file).key("until").seconds(one.until).end_object();
  json.end_array();
}

void write_chat(JsonWriter& json, const Status& status) {
  const auto total = [&](Metric metric) { return status.totals[static_cast<std::size_t>(metric)]; };
  json.begin_object();
  json.key("clients").number(total(Metric::ChatClients)).key("messages").number(total(Metric::ChatMessages));
  json.key("rooms").begin_array();
  for (const stats::RoomPresence& room : status.rooms)
    json.begin_object()
        .key("chat")
        .text(room.chat)
        .key("room")
        .text(room.room)
        .key("members")
        .number(room.members)
        .end_object();
  json.end_array().end_object();
}

void write_fused(JsonWriter& json, const Status& status) {
  json.begin_array();
  for (const FusedStatus& fused : status.fused)
    json.begin_object()
        .key("site")
        .text(fused.site)
        .key("route")
        .text(fused.route)
        .key("since")
        .seconds(fused.since)
        .end_object();
  json.end_array();
}

void write_death(JsonWriter& json, const stats::Death& death) {
  json.begin_object().key("at").seconds(death.at).key("pid").number(death.pid).key("slot").number(death.slot);
  json.key("generation").number(death.generation);
  json.key("reason").text(reason_text(death));
  json.key(death.signaled != 0 ? "signal" : "exit").number(death.number);
  json.key("connections").number(death.connections);
  const auto add = [&json](std::string_view key, const std::string& text) {
    if (!text.empty()) json.key(key).text(text);
  };
  add("request", death.request);
  if (!death.request.empty()) add("site", death.site);
  add("route", death.route);
  add("module", death.module);
  add("request_id", death.request_id);
  add("fault", death.fault);
  add("what", death.what);
  add("backtrace", death.backtrace);
  json.end_object();
}

}  // namespace

std::string_view reason_text(const stats::Death& death) {
  return stats::label_text(stats::Label::ExitReason, static_cast<std::uint32_t>(death.reason));
}

std::string_view use_text(stats::SeatUse use) {
  switch (use) {
    case stats::SeatUse::Free:
      return "free";
    case stats::SeatUse::Starting:
      return "starting";
    case stats::SeatUse::Ready:
      return "ready";
    case stats::SeatUse::Draining:
      return "draining";
  }
  return "";
}

Status gather_status(const stats::Segment& segment, WallTime now) {
  const stats::Snapshot snapshot = stats::take_snapshot(segment);
  Status status;
  status.release = segment.notes().version;
  status.config_file = segment.notes().config_file;
  status.now = static_cast<std::uint64_t>(std::chrono::nanoseconds(now.time_since_epoch()).count());
  status.pid = segment.seat_state(stats::kMasterSeat).pid.load();
  status.started = segment.seat_state(stats::kMasterSeat).started.load();
  status.last_reload = stats::read_reload(segment);
  status.not_ready = reason_not_ready(segment);
  Gatherer gatherer(segment, status);
  for (const stats::SeriesSum& sum : snapshot.series) gatherer.add(sum);
  gatherer.finish();
  for (const stats::FusedRoute& fused : stats::read_fuses(segment.fuses()))
    status.fused.push_back({std::string(segment.site_name(static_cast<std::uint16_t>(fused.site))),
                            std::string(segment.route_name(static_cast<std::uint16_t>(fused.route))),
                            fused.since});
  status.deaths = stats::read_deaths(segment.deaths());
  status.rooms = stats::read_presence(segment);
  status.generation = status.totals[static_cast<std::size_t>(Metric::Generation)];
  status.workers_wanted = status.totals[static_cast<std::size_t>(Metric::WorkersWanted)];
  for (const stats::ProcessView& process : snapshot.processes) {
    if (process.slot == stats::kAdminSlot)
      status.admin = process;
    else
      status.workers.push_back(process);
  }
  return status;
}

std::string status_json(const stats::Segment& segment) {
  const Status status = gather_status(segment, std::chrono::system_clock::now());
  JsonWriter json;
  json.begin_object();
  json.key("version").number(kStatusVersion).key("server").text("holdfast").key("release").text(status.release);
  json.key("config")
      .text(status.config_file)
      .key("pid")
      .number(status.pid)
      .key("generation")
      .number(status.generation);
  json.key("started").seconds(status.started).key("now").seconds(status.now);
  json.key("ready").boolean(!status.not_ready).key("reason").text(status.not_ready.value_or(""));
  write_reloads(json.key("reloads"), status);
  json.key("workers_wanted").number(status.workers_wanted).key("workers").begin_array();
  for (const stats::ProcessView& worker : status.workers) write_process(json, worker);
  json.end_array().key("admin");
  if (status.admin)
    write_process(json, *status.admin);
  else
    json.null();
  json.key("worker_exits").begin_object();
  for (const auto& [reason, count] : status.exits) json.key(reason).number(count);
  json.end_object();
  write_fused(json.key("fused_routes"), status);
  json.key("deaths").begin_array();
  for (const stats::Death& death : status.deaths) write_death(json, death);
  json.end_array();
  write_listeners(json.key("listeners"), status);
  write_certificates(json.key("certificates"), status);
  write_totals(json.key("totals"), status);
  write_sites(json.key("sites"), status);
  write_chat(json.key("chat"), status);
  json.end_object();
  return json.take() + '\n';
}

}  // namespace holdfast::admin
