// Workers that stand still in each way that there is: new connections do not wait for them, and what is only
// slow is left alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <mutex>
#include <thread>

#include "tests/process/calling_server.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;

constexpr Milliseconds kHangTimeout{1000};
constexpr Milliseconds kBeyond{250};

ServerConfig with_faulty(int workers) {
  ServerConfig config;
  config.workers = workers;
  config.process = "hang_timeout: 1s";
  config.files["faulty.so"] = module_bytes("faulty.so");
  config.routes = route("/faulty/{what}", "faulty.so", "");
  return config;
}

/// Clients that connect anew for each request, and how long each of them waited at most.
class Callers {
 public:
  Callers(std::uint16_t port, int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, port] { call(port); });
  }
  ~Callers() { stop(); }
  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  Milliseconds longest() const { return longest_; }
  const OutcomeCounter& outcomes() const { return outcomes_; }
  const std::vector<Failure>& failures() const { return failures_; }

 private:
  void call(std::uint16_t port) {
    while (!stopping_) {
      const TimePoint begin = Clock::now();
      const Response response = get(port, "/fixed");
      const TimePoint end = Clock::now();
      const std::scoped_lock lock(mutex_);
      const Outcome outcome = response.ok() && response.status != 200 ? Outcome::BadStatus : response.outcome;
      outcomes_.add(outcome);
      if (outcome == Outcome::Ok)
        longest_ = std::max(longest_, std::chrono::duration_cast<Milliseconds>(end - begin));
      else
        failures_.push_back({outcome, begin, end});
    }
  }

  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  Milliseconds longest_{};
  OutcomeCounter outcomes_;
  std::vector<Failure> failures_;
  std::vector<std::thread> threads_;
};

/// What the server does when a worker hangs by `way`: "stop" from outside, or what the faulty handler is told.
void expect_replaced(const std::string& way) {
  ServerProcess server(with_faulty(4));
  ASSERT_TRUE(server.ready());
  server.allow("worker stands still");
  server.allow("worker ended");
  const std::size_t mark = server.log().mark();
  Callers callers(server.port(), 4);
  ASSERT_TRUE(eventually(10s, [&] { return callers.outcomes().ok() > 200; }));
  const TimePoint begin = Clock::now();
  Client victim(server.port());
  if (way == "stop")
    ::kill(server.workers().at(0), SIGSTOP);
  else
    victim.send(request_text("GET", "/faulty/" + way));
  const auto still = server.log().wait_event("worker stands still", mark, 10s);
  ASSERT_TRUE(still) << server.log().text();
  const auto ended = server.log().wait_event("worker ended", mark, 10s);
  ASSERT_TRUE(ended) << server.log().text();
  callers.stop();
  EXPECT_EQ(still->field("pid"), ended->field("pid"));
  EXPECT_EQ(ended->field("reason"), "hung") << ended->raw;
  EXPECT_GE(still->number("for_ms"), kHangTimeout.count());
  if (way != "stop") {
    EXPECT_EQ(still->field("route"), "/faulty/{what}") << still->raw;
    EXPECT_EQ(ended->field("request"), "GET /faulty/" + way) << ended->raw;
  }
  // Those that the stuck worker had accepted are lost with it, and no other.
  for (const Failure& failure : callers.failures())
    EXPECT_LT(failure.connected, begin + 100ms * kPatience) << describe({failure});
  EXPECT_LE(callers.longest(), (kHangTimeout + kBeyond) * kPatience);
  ::testing::Test::RecordProperty("longest_wait_ms", static_cast<int>(callers.longest().count()));
  EXPECT_TRUE(eventually(10s, [&] { return server.workers().size() == 4; }));
  EXPECT_EQ(scrape(server.admin_port()).sum("holdfast_worker_exits_total", {"hung"}), 1);
}

TEST(hung_worker, that_spins_is_replaced) {
  expect_replaced("spin");
}
TEST(hung_worker, that_is_stopped_is_replaced) {
  expect_replaced("stop");
}
TEST(hung_worker, that_is_deadlocked_is_replaced) {
  expect_replaced("deadlock");
}
TEST(hung_worker, that_is_blocked_in_a_call_is_replaced) {
  expect_replaced("block");
}

TEST(hung_worker, is_not_one_that_is_slow_but_moves) {
  ServerProcess server(with_faulty(1));
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> before = server.workers();
  Client client(server.port());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.get("/faulty/hold?ms=800").status, 200);
  EXPECT_EQ(server.workers(), before);
}

// Of requests that come in one turn of the loop each has the whole time.
TEST(hung_worker, is_not_one_whose_requests_are_slow_together) {
  ServerConfig config = with_faulty(1);
  config.process = "hang_timeout: 400ms";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> before = server.workers();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    // Each two of them on one connection.
    const std::string request = request_text("GET", "/faulty/hold?ms=150");
    ASSERT_EQ(clients.back()->send(request + request), Outcome::Ok);
  }
  for (const auto& client : clients)
    for (int i = 0; i < 2; ++i) EXPECT_EQ(client->receive().status, 200);
  EXPECT_EQ(server.workers(), before);
}

TEST(hung_worker, that_moves_again_before_it_is_aborted_finishes_its_work) {
  ServerConfig config = with_faulty(1);
  config.process = "hang_timeout: 200ms";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("worker stands still");
  server.allow("worker moves again");
  server.allow("worker ended");
  Client client(server.port());
  // Its stand-in is ready within some milliseconds, so that it is aborted as a rule: either is right, but only
  // one that is counted as hung may leave its client without an answer.
  const Response response = client.get("/faulty/hold?ms=260");
  const auto ended = server.log().wait_event("worker ended", 0, 10s);
  ASSERT_TRUE(ended);
  EXPECT_TRUE(response.ok() || ended->field("reason") == "hung") << ended->raw;
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

TEST(hung_worker, may_be_the_admin_process) {
  ServerProcess server(with_faulty(1));
  ASSERT_TRUE(server.ready());
  server.allow("worker stands still");
  server.allow("worker ended");
  std::vector<pid_t> others = server.processes();
  for (const pid_t worker : server.workers()) std::erase(others, worker);
  ASSERT_EQ(others.size(), 1u);
  ::kill(others[0], SIGSTOP);
  const auto ended = server.log().wait_event("worker ended", 0, 10s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->field("worker"), "admin");
  EXPECT_EQ(get(server.admin_port(), "/healthz").status, 200);
}

TEST(hung_worker, does_not_stop_a_stop) {
  ServerProcess server(with_faulty(2));
  ASSERT_TRUE(server.ready());
  server.allow("worker stands still");
  server.allow("worker ended");
  Client victim(server.port());
  victim.send(request_text("GET", "/faulty/spin"));
  const auto exit = server.stop(10s);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0);
}

}  // namespace
}  // namespace holdfast::support
