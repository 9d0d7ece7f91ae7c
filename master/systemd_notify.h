// The service manager: told how the server is doing, by datagrams to the socket that it names in the
// environment; does nothing where there is none. And what the manager hands over at the start: sockets that it
// listens on for us (socket activation), and those that we have asked it to keep (its descriptor store).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/fd.h"

namespace holdfast::master {

/// A descriptor that was handed over at the start.
struct GivenDescriptor {
  std::string name;  // its FDNAME; empty: it has none
  Fd fd;
};

class SystemdNotify {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and LISTEN_FDS and removes all variables of that protocol, so that no
  /// child speaks for us.
  static SystemdNotify from_environment();
  /// What LISTEN_FDS has announced; once. They close on exec.
  std::vector<GivenDescriptor> take_given() { return std::move(given_); }
  /// The variables as they were, for a successor in this process; and away with them again.
  void restore_environment() const;
  static void clear_environment();

  void ready(std::string_view status) const;
  /// `now` on the monotonic clock, as the protocol wants it.
  void reloading(TimePoint now) const;
  void stopping() const;
  void status(std::string_view status) const;
  void watchdog() const;
  /// Keeps a copy of the descriptor under that name until remove(), past the end of this process.
  void store(const std::string& name, int fd) const;
  void remove(const std::string& name) const;
  bool is_there() const { return !socket_.empty(); }
  /// How often watchdog() is wanted; zero: never.
  Duration watchdog_interval() const { return watchdog_interval_; }

 private:
  void send(const std::string& message, int fd = -1) const;
  std::string socket_;
  std::string watchdog_;  // WATCHDOG_USEC, when it is meant for this process
  Duration watchdog_interval_{};
  std::vector<GivenDescriptor> given_;
};

}  // namespace holdfast::master
