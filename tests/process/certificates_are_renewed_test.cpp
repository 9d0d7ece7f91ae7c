// Certificates that change on disk while the server runs: the workers that are there show the new ones,
// nobody's handshake fails, and what is broken changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

using testing::HasSubstr;

constexpr const char* kChanges = "holdfast_tls_certificate_changes_total";
constexpr const char* kExpiry = "holdfast_tls_certificate_expiry_timestamp_seconds";

ServerConfig secure_config(const TestCertificate& made) {
  ServerConfig config;
  config.listeners =
      "  http:\n"
      "    bind: \"127.0.0.1:0\"\n"
      "    tls: {certificates: [{certificate: site.pem, key: site.key}]}\n";
  config.files = {{"site.pem", made.certificate}, {"site.key", made.key}};
  return config;
}

class certificates : public ::testing::Test {
 protected:
  certificates() : server(secure_config(first)) {}

  /// As people do it: one file, then the other, each in place.
  void put(const TestCertificate& made) {
    server.dir().write("site.key", made.key);
    server.dir().write("site.pem", made.certificate);
  }
  /// What a new connection is shown; empty when its handshake failed.
  std::string shown() {
    const TlsOptions any;
    ClientOptions options;
    options.tls = &any;
    const Client client(server.port(), options);
    return client.connected() == Outcome::Ok ? client.tls()->certificate() : "";
  }
  bool shows(const TestCertificate& made) {
    return eventually(10s, [&] { return shown() == made.certificate; });
  }

  const TestCertificate first = make_certificate({"a.test"});
  ServerProcess server;
};

/// Connects all the time, resuming its session if it can; every handshake that fails is counted.
class Connectors {
 public:
  explicit Connectors(std::uint16_t port) {
    for (int i = 0; i < 3; ++i) threads_.emplace_back([this, port] { run(port); });
  }
  ~Connectors() { stop(); }
  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  std::atomic<int> good{0}, failed{0}, resumed{0};

 private:
  void run(std::uint16_t port) {
    TlsOptions tls;
    ClientOptions options;
    options.tls = &tls;
    while (!stopping_) {
      Client client(port, options);
      const bool answered = client.connected() == Outcome::Ok && client.get("/fixed").status == 200;
      ++(answered ? good : failed);
      if (!answered) continue;
      if (client.tls()->resumed()) ++resumed;
      tls.session = client.tls()->session();
    }
  }

  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

TEST_F(certificates, are_taken_by_running_workers_without_a_failed_handshake) {
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> before = server.workers();
  Connectors load(server.port());
  TestCertificate last = first;
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(eventually(10s, [&] { return load.good >= round * 20; }));
    last = make_certificate({"a.test"});
    put(last);
    ASSERT_TRUE(shows(last)) << round;
  }
  const int then = load.good;
  ASSERT_TRUE(eventually(10s, [&] { return load.good >= then + 20; }));
  load.stop();
  EXPECT_EQ(load.failed, 0);
  EXPECT_GT(load.resumed, 0);
  EXPECT_EQ(server.workers(), before);
  EXPECT_TRUE(eventually(5s, [&] { return server.processes().size() == 3; }))
      << "inquiries leave nothing behind";
  const Scrape figures = scrape(server.admin_port());
  EXPECT_EQ(figures.sum(kChanges, {"success"}), 3);
  EXPECT_EQ(figures.sum("holdfast_worker_exits_total"), 0);
  EXPECT_EQ(figures.sum("holdfast_generation"), 1);
}

TEST_F(certificates, that_are_broken_change_nothing_and_are_told_once) {
  ASSERT_TRUE(server.ready());
  server.allow("certificates not renewed");
  const std::vector<std::pair<TestCertificate, std::string>> broken{
      {{first.certificate, make_certificate({"a.test"}).key}, "does not belong to the certificate"},
      {{"nothing", first.key}, "holds none in PEM form"},
      {make_certificate({"a.test"}, {.from_days = -9, .until_days = -2}), "has expired"}};
  int refused = 0;
  for (const auto& [made, why] : broken) {
    const std::size_t mark = server.log().mark();
    put(made);
    EXPECT_TRUE(server.log().wait(
        [&why = why](const LogLine& line) { return line.raw.find(why) != std::string::npos; }, mark, 15s))
        << why;
    EXPECT_EQ(shown(), first.certificate);
    EXPECT_EQ(scrape(server.admin_port()).sum(kChanges, {"failure"}), ++refused);
  }
  const TestCertificate good = make_certificate({"a.test"});
  put(good);
  EXPECT_TRUE(shows(good));
}

TEST_F(certificates, are_known_to_workers_that_start_later) {
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  const TestCertificate second = make_certificate({"a.test"});
  put(second);
  ASSERT_TRUE(shows(second));
  const std::vector<pid_t> workers = server.workers();
  for (const pid_t worker : workers) {
    ::kill(worker, SIGKILL);
    ASSERT_TRUE(wait_until_gone(worker, 5s));
  }
  ASSERT_TRUE(eventually(10s, [&] { return server.workers().size() == 2; }));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(shown(), second.certificate);
}

TEST_F(certificates, tell_their_expiry_in_metrics_and_when_it_is_near_in_the_log) {
  ASSERT_TRUE(server.ready());
  server.allow("certificate");
  const auto days_left = [&] {
    const double until = scrape(server.admin_port()).sum(kExpiry, {"site.pem"});
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::lround((until - std::chrono::duration<double>(now).count()) / (24 * 3600));
  };
  EXPECT_TRUE(eventually(5s, [&] { return days_left() == 90; })) << days_left();
  const std::size_t mark = server.log().mark();
  put(make_certificate({"a.test"}, {.until_days = 10}));
  EXPECT_TRUE(eventually(10s, [&] { return days_left() == 10; })) << days_left();
  EXPECT_TRUE(server.log().wait(
      [](const LogLine& line) { return line.raw.find("site.pem expires in 9 days (") != std::string::npos; },
      mark, 5s));
}

}  // namespace
}  // namespace holdfast::support
