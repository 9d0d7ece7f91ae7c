#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

constexpr std::size_t kLarge = 24 << 20;

// A download that has begun and that nobody reads for now: in flight for as long as the test wants.
class SlowDownload {
 public:
  explicit SlowDownload(ServerProcess& server) : bytes_(varied_bytes(kLarge)) {
    server.dir().write("www/large.bin", bytes_);
    client_ = std::make_unique<Client>(server.port(), ClientOptions{.receive_buffer = 65536});
    client_->send(request_text("GET", "/large.bin"));
    EXPECT_EQ(client_->receive_head().status, 200);
  }
  bool completes() {
    std::string received;
    for (std::string piece; !(piece = client_->receive_some(1 << 20)).empty();) received += piece;
    return received == bytes_;
  }

 private:
  std::string bytes_;
  std::unique_ptr<Client> client_;
};

TEST(stop, ends_with_0_when_nothing_is_going_on) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> processes = server.processes();
  EXPECT_EQ(server.stop(), (Exit{0, 0}));
  for (const pid_t pid : processes) EXPECT_TRUE(wait_until_gone(pid, 1s));
  EXPECT_TRUE(server.log().wait_event("stopped", 0, 5s));
  EXPECT_EQ(Client(server.port()).connected(), Outcome::ConnectRefused);
}

TEST(stop, lets_a_long_download_finish) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  SlowDownload download(server);
  server.signal(SIGTERM);
  ASSERT_TRUE(eventually(10s, [&] { return Client(server.port()).connected() != Outcome::Ok; }))
      << "still accepts";
  EXPECT_FALSE(server.wait_exit(0ms)) << "left while a download was in flight";
  EXPECT_TRUE(download.completes());
  EXPECT_EQ(server.wait_exit(20s), (Exit{0, 0}));
}

TEST(stop, a_second_term_ends_at_once) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  SlowDownload download(server);
  server.signal(SIGTERM);
  ASSERT_TRUE(eventually(10s, [&] { return Client(server.port()).connected() != Outcome::Ok; }));
  const TimePoint begin = Clock::now();
  server.signal(SIGTERM);
  ASSERT_TRUE(server.wait_exit());
  EXPECT_LT(Clock::now() - begin, 2s * kPatience);
  EXPECT_FALSE(download.completes());
}

TEST(stop, int_is_quick) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  SlowDownload download(server);
  const TimePoint begin = Clock::now();
  server.signal(SIGINT);
  ASSERT_TRUE(server.wait_exit());
  EXPECT_LT(Clock::now() - begin, 2s * kPatience);
}

TEST(stop, has_a_deadline) {
  ServerConfig config;
  config.process = "shutdown_timeout: 500ms";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  for (const char* event : {"worker ended", "worker overdue"}) server.allow(event);
  SlowDownload download(server);
  const TimePoint begin = Clock::now();
  server.signal(SIGQUIT);
  ASSERT_TRUE(server.wait_exit());
  EXPECT_GE(Clock::now() - begin, 400ms);
  EXPECT_LT(Clock::now() - begin, 5s * kPatience);
}

TEST(stop, of_an_idle_connection_is_orderly) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client idle(server.port());
  ASSERT_EQ(idle.get("/fixed").status, 200);
  server.signal(SIGTERM);
  EXPECT_EQ(idle.closes_within(10s), Outcome::Ok);
  EXPECT_EQ(server.wait_exit(), (Exit{0, 0}));
}

TEST(signals, that_mean_nothing_kill_nobody) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> processes = server.processes();
  server.allow("signal ignored");
  for (const int number : {SIGALRM, SIGPIPE, SIGUSR1, SIGVTALRM, SIGPROF, SIGIO, SIGXCPU, SIGURG, SIGRTMIN + 3})
    server.signal(number);
  for (const pid_t pid : processes)
    for (const int number : {SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGWINCH, SIGTSTP}) ::kill(pid, number);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  EXPECT_EQ(server.processes(), processes);
}

TEST(signals, ttin_and_ttou_change_the_number_of_workers_without_loss) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Load load(server.port(), {.kind = Load::Kind::Flood, .threads = 2, .target = "/fixed"});
  for (const auto& [number, workers] : {std::pair{SIGTTIN, 3u}, std::pair{SIGTTOU, 2u}}) {
    const std::size_t mark = server.log().mark();
    server.signal(number);
    ASSERT_TRUE(server.log().wait_event("reload complete", mark, 10s));
    EXPECT_TRUE(eventually(10s, [&, workers = workers] { return server.workers().size() == workers; }));
  }
  load.stop();
  EXPECT_EQ(load.outcomes().failed(), 0u) << load.outcomes().text();
}

TEST(signals, winch_drains_the_workers_and_a_reload_brings_them_back) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const std::vector<pid_t> workers = server.workers();
  server.signal(SIGWINCH);
  for (const pid_t pid : workers) EXPECT_TRUE(wait_until_gone(pid, 10s));
  EXPECT_FALSE(server.wait_exit(0ms)) << "the master stays";
  EXPECT_EQ(server.reload().event, "reload complete");
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

}  // namespace
}  // namespace holdfast::support
