// The end of a service manager, for a server that the test starts: hears its notices, keeps the descriptors
// that it stores, and gives them to its successor.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "common/fd.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace holdfast::support {

class InitSystem {
 public:
  InitSystem();
  ~InitSystem();
  InitSystem(const InitSystem&) = delete;
  InitSystem& operator=(const InitSystem&) = delete;

  /// Keeps it under that name, as a socket unit does.
  void listen(const std::string& name, Fd socket);
  /// For the next server: where to notify, and what is kept now. Valid until the next notice that stores
  /// something.
  SpawnOptions options() const;
  std::vector<std::string> names() const;
  /// Every notice so far, in order.
  std::vector<std::string> notices() const;
  /// Waits for a notice that holds the text, among those after the first `from`.
  bool wait_notice(const std::string& text, std::size_t from, Milliseconds in);

 private:
  struct Kept {
    std::string name;
    Fd fd;
  };
  void run();
  void take(const std::string& notice, Fd descriptor);

  TempDir folder_;
  Fd socket_;
  Fd stop_;
  mutable std::mutex mutex_;
  std::condition_variable heard_;
  std::vector<std::string> notices_;
  std::vector<Kept> kept_;
  std::thread thread_;
};

}  // namespace holdfast::support
