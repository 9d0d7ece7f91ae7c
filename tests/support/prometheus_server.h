// A Prometheus server for one test: it reads one target each second and knows the given rules. Owner of its
// process.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "tests/support/child_process.h"
#include "tests/support/json_value.h"
#include "tests/support/log_collector.h"
#include "tests/support/temp_dir.h"

namespace holdfast::support {

class PrometheusServer {
 public:
  /// Whether there is a program to start.
  static bool installed();
  /// Starts it on a port of its own for 127.0.0.1:`target`, with the text of a file of rules, evaluated each
  /// second, and waits until it answers; ready() tells whether it does.
  PrometheusServer(std::uint16_t target, const std::string& rules);

  bool ready() const { return port_ != 0; }
  /// What it has logged so far: why it is not ready.
  std::string said() const;
  /// Names of the alerts that fire now, with the severity: "HoldfastDown critical".
  std::set<std::string> firing() const;
  /// Values that a query gives now, by the text of a label; empty when it gives none.
  std::map<std::string, double> query(const std::string& expression, const std::string& label) const;

 private:
  /// The `data` of an answer of its interface; Null when the answer is none.
  JsonValue ask(const std::string& target) const;

  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
  std::unique_ptr<LogCollector> log_;
  std::uint16_t port_ = 0;
};

}  // namespace holdfast::support
