// Tells the service manager how the server is doing, by datagrams to the socket that it names in the
// environment; does nothing where there is none.
#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"

namespace holdfast::master {

class SystemdNotify {
 public:
  /// Reads NOTIFY_SOCKET and WATCHDOG_USEC and removes all variables of that protocol, so that no child speaks
  /// for us.
  static SystemdNotify from_environment();
  /// The variables as they were, for a successor in this process; and away with them again.
  void restore_environment() const;
  static void clear_environment();

  void ready(std::string_view status) const;
  /// `now` on the monotonic clock, as the protocol wants it.
  void reloading(TimePoint now) const;
  void stopping() const;
  void status(std::string_view status) const;
  void watchdog() const;
  /// How often watchdog() is wanted; zero: never.
  Duration watchdog_interval() const { return watchdog_interval_; }

 private:
  void send(const std::string& message) const;
  std::string socket_;
  std::string watchdog_;  // WATCHDOG_USEC, when it is meant for this process
  Duration watchdog_interval_{};
};

}  // namespace holdfast::master
