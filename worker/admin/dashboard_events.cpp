#include "worker/admin/dashboard_events.h"

#include <algorithm>
#include <vector>

#include "common/json_writer.h"
#include "worker/admin/process_figures.h"
#include "worker/admin/rates.h"

namespace holdfast::admin {
namespace {

using namespace std::chrono_literals;
using stats::Metric;

constexpr std::uint64_t kMicrosecond = 1000;
constexpr std::uint64_t kMillisecond = 1'000'000;
// A server may have thousands; who wants all of them asks /status.
constexpr std::size_t kMostSites = 20;
constexpr std::size_t kMostCertificates = 100;
constexpr std::size_t kMostListeners = 100;
// Of a reason that is shown: the first lines say it.
constexpr std::size_t kMostText = 1000;

std::string_view beginning(std::string_view text) {
  // JsonWriter replaces what is left of a character that is cut.
  return text.substr(0, kMostText);
}

void write_rates(JsonWriter& json, const Rates& rates) {
  json.begin_array().number(rates.until / kMillisecond).number(rates.length / kMillisecond);
  json.number(rates.requests).number(rates.client_errors).number(rates.server_errors);
  json.number(rates.request_bytes).number(rates.response_bytes).number(rates.connections);
  if (rates.percentiles) {
    for (const std::uint64_t value : {rates.percentiles->p50, rates.percentiles->p95, rates.percentiles->p99})
      json.number(value / kMicrosecond);
  } else {
    json.null().null().null();
  }
  json.end_array();
}

/// The last `span` of the rows, as far as they go.
void write_last(JsonWriter& json, std::span<const stats::Totals> rows, const stats::BucketBounds& bounds,
                Duration span) {
  if (rows.size() < 2)
    json.null();
  else
    write_rates(json, rates_between(row_before(rows, span), rows.back(), bounds));
}

std::string_view protocol_text(config::WireProtocol protocol) {
  return protocol == config::WireProtocol::Http2 ? "h2" : "http/1.1";
}

void write_listener_facts(JsonWriter& json, const config::Config& config) {
  json.begin_array();
  for (const config::Listener& listener :
       std::span(config.listeners).first(std::min(config.listeners.size(), kMostListeners))) {
    json.begin_object().key("name").text(listener.name).key("bind").text(listener.bind.text());
    json.key("tls").boolean(listener.tls.enabled).key("protocols").begin_array();
    for (const config::WireProtocol protocol : listener.protocols) json.text(protocol_text(protocol));
    json.end_array().key("https_redirect").boolean(listener.https_redirect != 0).end_object();
  }
  json.end_array();
}

/// Those that end first come first.
void write_certificates(JsonWriter& json, const Status& status) {
  std::vector<CertificateStatus> ends = status.certificates;
  std::ranges::sort(ends, {}, &CertificateStatus::until);
  if (ends.size() > kMostCertificates) ends.resize(kMostCertificates);
  json.begin_array();
  for (const CertificateStatus& certificate : ends) {
    json.begin_object().key("file").text(certificate.file);
    json.key("until").seconds(certificate.until).end_object();
  }
  json.end_array();
}

void write_reloads(JsonWriter& json, const Status& status) {
  json.begin_array();
  for (const stats::ReloadView& reload : status.last_reloads) {
    json.begin_object().key("at").seconds(reload.at).key("ok").boolean(reload.ok);
    json.key("message").text(beginning(reload.text)).end_object();
  }
  json.end_array();
}

void write_fused(JsonWriter& json, const Status& status) {
  json.begin_array();
  for (const FusedStatus& fused : status.fused) {
    json.begin_object().key("site").text(fused.site).key("route").text(fused.route);
    json.key("since").seconds(fused.since).end_object();
  }
  json.end_array();
}

void write_deaths(JsonWriter& json, const Status& status) {
  json.begin_array();
  for (const stats::Death& death : status.deaths) {
    json.begin_object().key("at").seconds(death.at).key("pid").number(death.pid);
    if (death.slot == stats::kAdminSlot)
      json.key("slot").null();
    else
      json.key("slot").number(death.slot);
    json.key("generation").number(death.generation).key("reason").text(reason_text(death));
    json.key(death.signaled != 0 ? "signal" : "exit").number(death.number);
    json.key("connections").number(death.connections);
    json.key("request").text(beginning(death.request)).key("route").text(beginning(death.route));
    json.key("site").text(beginning(death.site)).key("module").text(beginning(death.module));
    json.key("fault").text(beginning(death.fault)).key("what").text(beginning(death.what)).end_object();
  }
  json.end_array();
}

void write_process(JsonWriter& json, const stats::ProcessView& process, const Loads& loads) {
  json.begin_object();
  if (process.slot == stats::kAdminSlot)
    json.key("slot").null();
  else
    json.key("slot").number(process.slot);
  json.key("pid").number(process.pid).key("generation").number(process.generation);
  json.key("state").text(use_text(process.use)).key("started").seconds(process.started);
  json.key("connections").number(process.connections).key("requests").number(process.requests).key("load");
  if (const auto load = loads.find(process.slot); load != loads.end())
    json.number(load->second);
  else
    json.null();
  json.end_object();
}

void write_processes(JsonWriter& json, const Status& status, const Loads& loads) {
  json.begin_array();
  for (const stats::ProcessView& worker : status.workers) write_process(json, worker, loads);
  if (status.admin) write_process(json, *status.admin, loads);
  json.end_array();
}

void write_totals(JsonWriter& json, const Status& status) {
  const auto total = [&](Metric metric) { return status.totals[static_cast<std::size_t>(metric)]; };
  json.begin_object().key("requests").number(total(Metric::HttpRequests));
  json.key("bad_requests").number(total(Metric::HttpBadRequests));
  json.key("request_bytes").number(total(Metric::HttpRequestBytes));
  json.key("response_bytes").number(total(Metric::HttpResponseBytes));
  json.key("accepted").number(total(Metric::ConnectionsAccepted));
  json.key("refused").number(total(Metric::ConnectionsRefused));
  json.key("websockets").number(total(Metric::WebSocketConnections));
  json.key("log_lines_dropped").number(total(Metric::LogLinesDropped)).end_object();
}

void write_listeners(JsonWriter& json, const Status& status) {
  json.begin_object();
  for (const ListenerStatus& listener :
       std::span(status.listeners).first(std::min(status.listeners.size(), kMostListeners)))
    json.key(listener.name).begin_array().number(listener.connections).number(listener.accepted).end_array();
  json.end_object();
}

/// The busiest.
void write_sites(JsonWriter& json, const Status& status) {
  std::vector<const SiteStatus*> sites;
  for (const SiteStatus& site : status.sites) sites.push_back(&site);
  std::ranges::stable_sort(sites, std::ranges::greater{},
                           [](const SiteStatus* site) { return site->requests; });
  json.begin_object().key("all").number(sites.size()).key("busiest").begin_array();
  if (sites.size() > kMostSites) sites.resize(kMostSites);
  for (const SiteStatus* site : sites) {
    json.begin_object().key("name").text(site->name).key("requests").number(site->requests);
    json.key("codes").begin_array();
    for (const std::uint64_t requests : site->classes) json.number(requests);
    json.end_array().key("response_bytes").number(site->response_bytes).end_object();
  }
  json.end_array().end_object();
}

}  // namespace

std::string facts_json(const Status& status, const config::Config& config, std::string_view page) {
  JsonWriter json;
  json.begin_object().key("page").text(page).key("release").text(status.release);
  json.key("config").text(status.config_file).key("started").seconds(status.started);
  json.key("pid").number(status.pid).key("admin").text(config.admin.bind.text());
  write_listener_facts(json.key("listeners"), config);
  write_certificates(json.key("certificates"), status);
  write_reloads(json.key("reloads"), status);
  write_fused(json.key("fused"), status);
  write_deaths(json.key("deaths"), status);
  return json.end_object().take();
}

std::string history_json(std::span<const stats::Totals> rows, const stats::BucketBounds& bounds) {
  JsonWriter json;
  json.begin_array();
  for (std::size_t i = 1; i < rows.size(); ++i) write_rates(json, rates_between(rows[i - 1], rows[i], bounds));
  return json.end_array().take();
}

std::string now_json(const Status& status, std::span<const stats::Totals> rows,
                     const stats::BucketBounds& bounds, const Loads& loads) {
  JsonWriter json;
  json.begin_object().key("now").seconds(status.now).key("ready").boolean(!status.not_ready);
  json.key("reason").text(status.not_ready.value_or("")).key("generation").number(status.generation);
  write_last(json.key("second"), rows, bounds, 1s);
  write_last(json.key("minute"), rows, bounds, 60s);
  write_totals(json.key("totals"), status);
  json.key("wanted").number(status.workers_wanted);
  write_processes(json.key("processes"), status, loads);
  write_listeners(json.key("listeners"), status);
  write_sites(json.key("sites"), status);
  std::vector<stats::ProcessView> processes = status.workers;
  if (status.admin) processes.push_back(*status.admin);
  json.key("memory");
  if (const auto memory = read_process_figures(status.pid, processes).resident_bytes)
    json.number(*memory);
  else
    json.null();
  return json.end_object().take();
}

}  // namespace holdfast::admin
