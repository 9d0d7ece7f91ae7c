// What the master's loop waits for, gathered anew each turn: a few hundred descriptors at most, and no
// registration that could outlive what it stands for.
#pragma once

#include <poll.h>

#include <cstdint>
#include <vector>

#include "common/clock.h"

namespace holdfast::master {

enum class Source : std::uint8_t {
  Signals,
  ProcessEnd,
  ProcessChannel,
  ControlListener,
  ControlClient,
  CertificateInquiry,
  StapleInquiry,
  BinaryTrial,
  TrialWorkerEnd,
  TrialWorkerChannel,
  TrialProbes
};

struct Wakeup {
  Source source{};
  std::uint64_t id = 0;  // of the process or client
};

class PollSet {
 public:
  void add(int fd, Source source, std::uint64_t id = 0) {
    polled_.push_back({fd, POLLIN, 0});
    meanings_.push_back({source, id});
  }

  /// Waits until a descriptor is readable or ended, or `deadline`; answers what woke it.
  std::vector<Wakeup> wait(TimePoint now, TimePoint deadline) {
    std::vector<Wakeup> woken;
    if (::poll(polled_.data(), polled_.size(), timeout(now, deadline)) <= 0) return woken;
    for (std::size_t i = 0; i < polled_.size(); ++i)
      if (polled_[i].revents != 0) woken.push_back(meanings_[i]);
    return woken;
  }

 private:
  // Rounded up, so that the deadline has passed when the wait ends.
  static int timeout(TimePoint now, TimePoint deadline) {
    if (deadline == kNever) return -1;
    if (deadline <= now) return 0;
    constexpr std::int64_t kLongest = 3'600'000;
    const std::int64_t left = std::chrono::ceil<Milliseconds>(deadline - now).count();
    return static_cast<int>(left < kLongest ? left : kLongest);
  }

  std::vector<pollfd> polled_;
  std::vector<Wakeup> meanings_;
};

}  // namespace holdfast::master
