// Traffic that runs beside a test: closed-loop keep-alive clients and one-request connections, each on threads
// of its own. Every request's outcome is counted; every failure is kept with the times that tell whether
// something explains it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "tests/support/client.h"
#include "tests/support/outcome_counter.h"

namespace holdfast::support {

struct Failure {
  Outcome outcome{};
  TimePoint connected;  // when the connection was made (or tried)
  TimePoint seen;       // when it failed
};

class Load {
 public:
  enum class Kind : std::uint8_t {
    KeepAlive,  // requests one after the other on a connection until the server says close
    Flood       // a connection for each request
  };
  struct Plan {
    Kind kind = Kind::KeepAlive;
    int threads = 4;
    std::string target = "/api/hello";
    std::string body = {};  // what each answer must hold; empty: any
  };

  Load(std::uint16_t port, Plan plan);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Lets each client finish its request and waits for them. Called once more by the destructor, harmlessly.
  void stop();
  const OutcomeCounter& outcomes() const { return outcomes_; }
  std::vector<Failure> failures() const;
  std::uint64_t connections() const { return connections_.load(); }

 private:
  void run_keep_alive(int index);
  void run_flood(int index);
  ClientOptions options_for(int index);
  Outcome judge(const Response& response) const;
  void note(Outcome outcome, TimePoint connected);

  const std::uint16_t port_;
  const Plan plan_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> connections_{0};
  OutcomeCounter outcomes_;
  mutable std::mutex mutex_;
  std::vector<Failure> failures_;
  std::vector<std::thread> threads_;
};

/// Every failure in words, at most `most` of them.
std::string describe(const std::vector<Failure>& failures, std::size_t most = 10);

}  // namespace holdfast::support
