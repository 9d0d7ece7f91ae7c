#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

constexpr std::string_view kRequests = "holdfast_http_requests_total";

// Scrapes as fast as it can until stopped, and keeps every counter that fell from one scrape to the next.
class Scraper {
 public:
  explicit Scraper(std::uint16_t port) : thread_([this, port] { run(port); }) {}
  ~Scraper() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  const std::vector<std::string>& complaints() const { return complaints_; }
  int scrapes() const { return scrapes_; }

 private:
  void run(std::uint16_t port) {
    Scrape last;
    while (!stopping_) {
      Scrape now = scrape(port);
      if (!now.ok) complaints_.push_back("no metrics");
      for (const std::string& fall : fallen(last, now)) complaints_.push_back(fall);
      last = std::move(now);
      ++scrapes_;
    }
  }
  std::atomic<bool> stopping_{false};
  std::vector<std::string> complaints_;
  int scrapes_ = 0;
  std::thread thread_;
};

// What is counted right behind the answer may come a moment after the client has read it.
double settled(ServerProcess& server, double expected) {
  double counted = 0;
  eventually(5s, [&] { return (counted = scrape(server.admin_port()).sum(kRequests)) >= expected; });
  return scrape(server.admin_port()).sum(kRequests);
}

TEST(counters, rise_by_exactly_the_number_of_requests) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const double before = scrape(server.admin_port()).sum(kRequests);
  Client client(server.port());
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(client.get(i % 3 == 0 ? "/missing" : "/fixed").ok());
  client.send(request_text("POST", "/api/echo", "", "x"));
  ASSERT_TRUE(client.receive().ok());
  EXPECT_EQ(settled(server, before + 301) - before, 301);
  const Scrape metrics = scrape(server.admin_port());
  EXPECT_EQ(metrics.sum(kRequests, {"code=\"404\"", "method=\"GET\""}), 100);
  EXPECT_EQ(metrics.sum(kRequests, {"code=\"200\"", "method=\"GET\"", "site=\"main\""}), 200);
  EXPECT_EQ(metrics.sum(kRequests, {"method=\"POST\""}), 1);
  EXPECT_EQ(metrics.sum("holdfast_http_request_duration_seconds_count"), 301);
  EXPECT_EQ(metrics.sum("holdfast_worker_requests_total"), metrics.sum(kRequests));
  EXPECT_EQ(metrics.sum("holdfast_connections_accepted_total", {"listener=\"http\""}), 1);
}

TEST(counters, stay_exact_through_reloads) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const double before = scrape(server.admin_port()).sum(kRequests);
  Scraper scraper(server.admin_port());
  Load keep_alive(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 4, .target = "/fixed"});
  Load flood(server.port(), {.kind = Load::Kind::Flood, .threads = 1, .target = "/fixed"});
  for (int i = 0; i < 10; ++i) ASSERT_EQ(server.reload().event, "reload complete");
  keep_alive.stop();
  flood.stop();
  const double answered = static_cast<double>(keep_alive.outcomes().ok() + flood.outcomes().ok());
  EXPECT_EQ(keep_alive.outcomes().failed() + flood.outcomes().failed(), 0u);
  EXPECT_EQ(settled(server, before + answered) - before, answered);
  scraper.stop();
  EXPECT_GT(scraper.scrapes(), 10);
  for (const std::string& complaint : scraper.complaints()) ADD_FAILURE() << complaint;
}

TEST(counters, stay_exact_through_crashes_but_for_what_was_unfinished) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  const double before = scrape(server.admin_port()).sum(kRequests);
  Scraper scraper(server.admin_port());
  Load load(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 4, .target = "/fixed"});
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t seen = load.outcomes().ok();
    ASSERT_TRUE(
        eventually(20s, [&] { return load.outcomes().ok() > seen + 500 && server.workers().size() == 2; }));
    ::kill(server.workers()[static_cast<std::size_t>(i % 2)], SIGKILL);
  }
  load.stop();
  const double answered = static_cast<double>(load.outcomes().ok());
  const double unfinished = static_cast<double>(load.outcomes().failed());
  const double counted = settled(server, before + answered) - before;
  // A worker can be killed between writing an answer and counting it, so each kill may cost one count a
  // connection.
  EXPECT_GE(counted, answered - unfinished);
  EXPECT_LE(counted, answered + unfinished);
  RecordProperty("answered", std::to_string(answered));
  RecordProperty("counted", std::to_string(counted));
  scraper.stop();
  for (const std::string& complaint : scraper.complaints()) ADD_FAILURE() << complaint;
}

TEST(counters, of_requests_in_several_workers_add_up) {
  ServerConfig config;
  config.workers = 4;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(get(server.port(), "/fixed").ok());
  EXPECT_EQ(settled(server, 200), 200);
  const Scrape metrics = scrape(server.admin_port());
  EXPECT_EQ(metrics.sum("holdfast_connections_accepted_total", {"listener=\"http\""}), 200);
  EXPECT_TRUE(
      eventually(5s, [&] { return scrape(server.admin_port()).sum("holdfast_connections", {"http"}) == 0; }));
}

}  // namespace
}  // namespace holdfast::support
