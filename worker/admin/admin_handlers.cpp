#include "worker/admin/admin_handlers.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <variant>

#include "worker/admin/dashboard_files.h"
#include "worker/admin/feed.h"
#include "worker/admin/health.h"
#include "worker/admin/prometheus_export.h"
#include "worker/admin/status_report.h"

namespace holdfast::admin {

namespace {

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
constexpr std::string_view kJson = "application/json";

struct Answer {
  std::uint16_t status = 200;
  std::string_view type;
  std::string text;
};

/// Keeps an answer's text until its last byte has left: /metrics can be megabytes long.
class TextOwner final : public api::BodyOwner {
 public:
  explicit TextOwner(std::string text) : text_(std::move(text)) {}
  void release() noexcept override { delete this; }
  std::string_view text() const { return text_; }

 private:
  std::string text_;
};

Answer metrics_answer(const stats::Segment& segment) {
  return {200, kMetricsContentType, prometheus_text(segment)};
}
Answer status_answer(const stats::Segment& segment) {
  return {200, kJson, status_json(segment)};
}
Answer health_answer(const stats::Segment&) {
  return {200, kPlainText, "ok\n"};
}
Answer ready_answer(const stats::Segment& segment) {
  const auto reason = reason_not_ready(segment);
  return reason ? Answer{503, kPlainText, *reason + '\n'} : Answer{200, kPlainText, "ok\n"};
}

/// Answers with a text made from the segment at that moment.
class ReportHandler final : public api::Handler {
 public:
  using Report = Answer (*)(const stats::Segment&);
  ReportHandler(Report report, const stats::Segment& segment) : report_(report), segment_(segment) {}

  void handle(api::Exchange& exchange) override {
    Answer answer = report_(segment_);
    const std::array fields{api::Field{"Content-Type", answer.type}, api::Field{"Cache-Control", "no-store"}};
    auto* owner = new TextOwner(std::move(answer.text));
    exchange.respond({answer.status, fields}, api::Body::held(owner->text(), api::BodyHold(owner)));
  }

 private:
  Report report_;
  const stats::Segment& segment_;
};

/// The dashboard's events.
class EventsHandler final : public api::Handler {
 public:
  explicit EventsHandler(Feed& feed) : feed_(feed) {}
  void handle(api::Exchange& exchange) override { feed_.serve(exchange); }

 private:
  Feed& feed_;
};

/// What the dashboard may do: its own script, style and picture, requests to this listener, nothing else.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'";

config::RespondAction file_action(const DashboardFile& file) {
  return {200,
          std::string(file.content),
          {{"Content-Type", std::string(file.type)},
           {"Content-Security-Policy", std::string(kPagePolicy)},
           {"X-Content-Type-Options", "nosniff"},
           {"Referrer-Policy", "no-referrer"},
           {"Cross-Origin-Resource-Policy", "same-origin"},
           {"Cache-Control", "no-store"}}};
}

using Routes = std::vector<std::pair<std::string, config::Action>>;

Routes admin_routes() {
  Routes routes{{"/metrics", config::MetricsAction{}},
                {"/status", config::StatusAction{}},
                {"/healthz", config::HealthAction{}},
                {"/readyz", config::ReadyAction{}},
                {"/events", config::EventsAction{}}};
  for (const DashboardFile& file : kDashboardFiles) routes.emplace_back(file.path, file_action(file));
  return routes;
}

// Scrapers and people send small requests; nothing here reads a body.
config::Limits admin_limits(const config::Limits& limits) {
  config::Limits own = limits;
  own.connections = std::min<std::uint64_t>(limits.connections, 1000);
  own.connections_per_ip = 0;
  own.request_line = 8192;
  own.request_headers = 32768;
  own.header_count = 100;
  own.request_body = 4096;
  return own;
}

}  // namespace

std::unique_ptr<api::Handler> make_admin_handler(const config::Action& action, const stats::Segment& segment,
                                                 Feed* feed) {
  const auto made = [&](ReportHandler::Report report) {
    return std::make_unique<ReportHandler>(report, segment);
  };
  if (std::holds_alternative<config::MetricsAction>(action)) return made(metrics_answer);
  if (std::holds_alternative<config::StatusAction>(action)) return made(status_answer);
  if (std::holds_alternative<config::HealthAction>(action)) return made(health_answer);
  if (std::holds_alternative<config::ReadyAction>(action)) return made(ready_answer);
  if (std::holds_alternative<config::EventsAction>(action) && feed != nullptr)
    return std::make_unique<EventsHandler>(*feed);
  return nullptr;
}

config::Config admin_configuration(const config::Config& config) {
  config::Config own;
  own.file = config.file;
  own.process = config.process;
  own.log = config.log;
  own.log.access.enabled = false;
  own.admin = config.admin;
  own.limits = admin_limits(config.limits);
  own.timeouts = config.timeouts;
  own.listeners.push_back({"admin", config.admin.bind, {}, {}, {}, {}, {}});

  config::Site site;
  site.name = "admin";
  site.listeners = {0};
  for (auto& [path, action] : admin_routes()) {
    config::Route& route = site.routes.emplace_back();
    route.path = route.name = path;
    route.methods = {"GET"};
    route.compression = config.compression;
    // A packer for each page would take more memory than all that the page is told.
    if (std::holds_alternative<config::EventsAction>(action)) route.compression.enabled = false;
    route.action = std::move(action);
    route.limits = own.limits;
    route.timeouts = own.timeouts;
  }
  own.sites.push_back(std::move(site));
  return own;
}

}  // namespace holdfast::admin
