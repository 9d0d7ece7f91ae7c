// The real server, started for one test on a configuration of its own: ports, log, signals, processes. Owner of
// master and workers: whatever still runs when the owner goes is ended, by process id. At its end it reports a
// test failure for every warning, error or foreign line (a sanitizer's, say) in the log that the test has not
// allowed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/client.h"
#include "tests/support/json_value.h"
#include "tests/support/log_collector.h"
#include "tests/support/server_config.h"
#include "tests/support/temp_dir.h"

namespace holdfast::support {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// The path of the program under test.
std::string holdfast_binary();

class ServerProcess {
 public:
  /// Writes www/index.html and the configuration, starts the server, waits until it is ready or has ended.
  explicit ServerProcess(const ServerConfig& config = {}, const SpawnOptions& options = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  bool ready() const { return ready_; }
  const TempDir& dir() const { return dir_; }
  std::string config_file() const { return dir_ / "holdfast.yaml"; }
  pid_t pid() const { return master_->pid(); }
  std::uint16_t port(const std::string& listener = "http") const;
  std::uint16_t admin_port() const { return port("admin"); }

  /// Warnings and errors whose event begins so are part of the test's story.
  void allow(const std::string& beginning) { allowed_.insert(beginning); }
  /// Lines that are not of the server itself, as those of a sanitizer.
  void allow_foreign_lines() { foreign_allowed_ = true; }
  LogCollector& log() { return *log_; }

  void write_config(const ServerConfig& config) { write_config(config.yaml(dir_)); }
  /// Replaces the file in one step: a server that reads it meanwhile sees the old text or the new one.
  void write_config(std::string_view text);
  void signal(int number) const { master_->signal(number); }
  /// HUP, and the log line that tells how it went ("reload complete" or "reload refused"); event empty: neither
  /// came.
  LogLine reload(Milliseconds in = 20s);
  /// Likewise USR2 ("upgrade complete" or "upgrade refused").
  LogLine upgrade(Milliseconds in = 20s);
  /// Waits for the master's end.
  std::optional<Exit> wait_exit(Milliseconds in = 10s) { return master_->wait(in); }
  /// TERM and the end.
  std::optional<Exit> stop(Milliseconds in = 10s);

  JsonValue status() const;
  /// Workers that serve now, by /status.
  std::vector<pid_t> workers() const;
  /// Every child of the master, the admin process too, by /proc.
  std::vector<pid_t> processes() const { return children_of(master_->pid()); }

 private:
  LogLine outcome_of(const std::string& what, int number, Milliseconds in);
  bool explained(const LogLine& line) const;
  void report_unexplained_lines() const;

  TempDir dir_;
  std::unique_ptr<ChildProcess> master_;
  std::unique_ptr<LogCollector> log_;
  std::set<std::string> allowed_;
  bool foreign_allowed_ = false;
  bool ready_ = false;
};

/// A TCP port on 127.0.0.1 that is taken (bound and listening) as long as the owner lives.
class TakenPort {
 public:
  TakenPort();
  std::uint16_t port() const { return port_; }

 private:
  Fd socket_;
  std::uint16_t port_ = 0;
};

}  // namespace holdfast::support
