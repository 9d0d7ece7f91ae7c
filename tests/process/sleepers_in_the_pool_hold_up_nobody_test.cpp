// Handlers that sleep in threads, more of them than there are threads: what others wait for does not queue
// behind them, whether it needs a thread too or not.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/process/calling_server.h"

namespace holdfast::support {
namespace {

constexpr int kSleepers = 8;
constexpr int kRequests = 300;

// "alice:open sesame" in bcrypt.
constexpr const char* kUsers = "alice:$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n";
constexpr const char* kAlice = "Authorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\n";

class Sleepers : public ::testing::Test {
 protected:
  Sleepers() : server_(config()) {
    for (int i = 0; i < 600; ++i) server_.dir().write("www/pool/name" + std::to_string(i), "");
  }

  static ServerConfig config() {
    ServerConfig config;
    config.workers = 1;
    config.files["trial.so"] = module_bytes("trial.so");
    config.files["users"] = kUsers;
    config.routes =
        route("/trial/{what}", "trial.so", "") +
        "      - {path: /pool/*, files: {root: www, listing: true}}\n"
        "      - {path: /private, basic_auth: {file: users}, respond: {status: 200, body: secret}}\n";
    return config;
  }

  void send_sleepers() {
    for (int i = 0; i < kSleepers; ++i) {
      sleepers_.push_back(std::make_unique<Client>(server_.port()));
      sleepers_.back()->send(request_text("GET", "/trial/pool?until=" + (server_.dir() / "morning")));
    }
    ASSERT_TRUE(
        eventually(10s, [&] { return get(server_.port(), "/trial/alive").body == std::to_string(kSleepers); }));
  }
  void wake_them() {
    for (const auto& client : sleepers_) EXPECT_FALSE(client->readable());
    server_.dir().write("morning", "");
    for (const auto& client : sleepers_) EXPECT_EQ(client->receive().body, "42");
  }

  /// How long all but the slowest hundredth of the requests took at most.
  Duration p99() {
    Client client(server_.port());
    std::vector<Duration> times;
    for (int i = 0; i < kRequests; ++i) {
      const TimePoint begin = Clock::now();
      EXPECT_EQ(client.get("/fixed").status, 200);
      times.push_back(Clock::now() - begin);
    }
    std::ranges::sort(times);
    return times[times.size() - 1 - times.size() / 100];
  }

  ServerProcess server_;
  std::vector<std::unique_ptr<Client>> sleepers_;
};

TEST_F(Sleepers, are_not_noticed_by_other_requests) {
  ASSERT_TRUE(server_.ready());
  const Duration alone = p99();
  send_sleepers();
  const Duration beside = p99();
  RecordProperty("p99_alone_us", std::to_string(alone.count() / 1000));
  RecordProperty("p99_beside_sleepers_us", std::to_string(beside.count() / 1000));
  // They are equal; the bound is for machines that have much else to do.
  EXPECT_LT(beside, alone * 20 + 100ms * kPatience);
  wake_them();
}

TEST_F(Sleepers, do_not_keep_the_servers_own_work_from_its_threads) {
  ASSERT_TRUE(server_.ready());
  send_sleepers();
  Client client(server_.port());
  EXPECT_EQ(client.get("/pool/").status, 200);
  EXPECT_EQ(client.request("GET", "/private", kAlice).body, "secret");
  wake_them();
}

}  // namespace
}  // namespace holdfast::support
