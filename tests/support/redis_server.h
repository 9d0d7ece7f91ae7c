// A Redis server for one test, on a port of its own: it can be killed and started again in the same place.
// Owner of its process.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/log_collector.h"
#include "tests/support/temp_dir.h"

namespace holdfast::support {

class RedisServer {
 public:
  /// Whether there is a program to start.
  static bool installed();
  /// Finds a free port of 127.0.0.1; `password` empty: none. Does not start yet.
  explicit RedisServer(std::string password = {});

  /// Starts it and waits until it takes connections; false: it does not.
  bool start();
  /// At once, by SIGKILL; connections end.
  void kill();
  /// It keeps its connections, and neither reads nor answers.
  void freeze() const;
  void thaw() const;
  std::uint16_t port() const { return port_; }

 private:
  const std::string password_;
  const std::uint16_t port_;
  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
  std::unique_ptr<LogCollector> log_;  // reads what the process writes
};

}  // namespace holdfast::support
