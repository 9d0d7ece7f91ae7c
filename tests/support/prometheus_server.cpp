#include "tests/support/prometheus_server.h"

#include <vector>

#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"

namespace holdfast::support {
namespace {

std::string config_text(std::uint16_t target) {
  return "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
         "rule_files: [rules.yml]\n"
         "scrape_configs:\n"
         "  - {job_name: holdfast, static_configs: [{targets: [\"127.0.0.1:" +
         std::to_string(target) + "\"]}]}\n";
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

}  // namespace

bool PrometheusServer::installed() {
  return run_command({"prometheus", "--version"}).code() == 0;
}

PrometheusServer::PrometheusServer(std::uint16_t target, const std::string& rules) {
  dir_.write("rules.yml", rules);
  dir_.write("prometheus.yml", config_text(target));
  const std::uint16_t port = free_port();
  SpawnOptions options;
  options.directory = dir_.path();
  options.one_stream = true;
  process_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{"prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                               "--web.listen-address=127.0.0.1:" + std::to_string(port)},
      options);
  log_ = std::make_unique<LogCollector>(std::move(process_->out()));
  const auto ready = [](const LogLine& line) {
    return line.raw.find("ready to receive web requests") != std::string::npos;
  };
  if (log_->wait(ready, 0, std::chrono::seconds(30))) port_ = port;
}

std::string PrometheusServer::said() const {
  return log_->text();
}

JsonValue PrometheusServer::ask(const std::string& target) const {
  const auto answer = JsonValue::parse(get(port_, target).body);
  return answer && (*answer)["status"].text() == "success" ? (*answer)["data"] : JsonValue();
}

std::set<std::string> PrometheusServer::firing() const {
  std::set<std::string> names;
  const JsonValue data = ask("/api/v1/alerts");
  for (const JsonValue& alert : data["alerts"].items())
    if (alert["state"].text() == "firing")
      names.insert(alert["labels"]["alertname"].text() + " " + alert["labels"]["severity"].text());
  return names;
}

std::map<std::string, double> PrometheusServer::query(const std::string& expression,
                                                      const std::string& label) const {
  std::map<std::string, double> values;
  const JsonValue data = ask("/api/v1/query?query=" + percent_encoded(expression));
  for (const JsonValue& sample : data["result"].items())
    if (sample["value"].items().size() == 2)
      values[sample["metric"][label].text()] = std::stod(sample["value"].items()[1].text());
  return values;
}

}  // namespace holdfast::support
