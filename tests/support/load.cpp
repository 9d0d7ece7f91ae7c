#include "tests/support/load.h"

#include <algorithm>

namespace holdfast::support {

Load::Load(std::uint16_t port, Plan plan) : port_(port), plan_(std::move(plan)) {
  for (int i = 0; i < plan_.threads; ++i)
    threads_.emplace_back([this, i] { plan_.kind == Kind::KeepAlive ? run_keep_alive(i) : run_flood(i); });
}

Load::~Load() {
  stop();
}

void Load::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

std::vector<Failure> Load::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

// A source address of its own for each thread and some thousand connections: the ports of one address would run
// out.
ClientOptions Load::options_for(int index) {
  ClientOptions options;
  const std::uint64_t serial = connections_.fetch_add(1, std::memory_order_relaxed);
  options.source = 0x7f010000u + (static_cast<std::uint32_t>(index) << 8) + 1 +
                   static_cast<std::uint32_t>(serial / 2000 % 250);
  return options;
}

Outcome Load::judge(const Response& response) const {
  if (!response.ok()) return response.outcome;
  if (response.status != 200) return Outcome::BadStatus;
  return plan_.body.empty() || response.body == plan_.body ? Outcome::Ok : Outcome::WrongBody;
}

void Load::note(Outcome outcome, TimePoint connected) {
  outcomes_.add(outcome);
  if (outcome == Outcome::Ok) return;
  const std::lock_guard lock(mutex_);
  failures_.push_back({outcome, connected, Clock::now()});
}

void Load::run_keep_alive(int index) {
  while (!stopping_) {
    const TimePoint connected = Clock::now();
    Client client(port_, options_for(index));
    for (bool open = true; open && !stopping_;) {
      const Response response = client.get(plan_.target);
      const Outcome outcome = judge(response);
      note(outcome, connected);
      open = response.ok() && !response.closes();
    }
  }
}

void Load::run_flood(int index) {
  while (!stopping_) {
    const TimePoint connected = Clock::now();
    Client client(port_, options_for(index));
    const Response response = client.request("GET", plan_.target, "Connection: close\r\n");
    Outcome outcome = judge(response);
    if (outcome == Outcome::Ok) outcome = client.closes_within(std::chrono::seconds(10));
    note(outcome, connected);
  }
}

std::string describe(const std::vector<Failure>& failures, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(most, failures.size()); ++i) {
    const auto age = std::chrono::duration_cast<Milliseconds>(failures[i].seen - failures[i].connected);
    text += std::string(outcome_text(failures[i].outcome)) + " on a connection " + std::to_string(age.count()) +
            " ms old\n";
  }
  return text;
}

}  // namespace holdfast::support
