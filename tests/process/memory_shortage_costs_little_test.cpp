// Where memory runs out, it costs a request, a connection or a worker, and no more; and the cause is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/process/calling_server.h"
#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;

ServerConfig with_faulty_route(int workers) {
  ServerConfig config;
  config.workers = workers;
  config.files["faulty.so"] = module_bytes("faulty.so");
  config.routes = route("/faulty/{what}", "faulty.so", "");
  return config;
}

/// A figure of /proc/PID/status, in KiB.
std::size_t status_kib(pid_t pid, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (in >> word) {
    std::size_t kib = 0;
    if (word == name + ":" && in >> kib) return kib;
  }
  return 0;
}

/// A server like this whose processes may have so much address space more than a worker needs to start.
SpawnOptions little_memory(const ServerConfig& config, std::size_t more_kib) {
  const ServerProcess server(config);
  SpawnOptions options;
  options.limits[RLIMIT_AS] = (status_kib(server.workers().at(0), "VmPeak") + more_kib) * 1024;
  return options;
}

class memory_shortage : public testing::Test {
 protected:
  void SetUp() override {
    if (tested_is_sanitized()) GTEST_SKIP() << "sanitizers need terabytes of address space";
  }
};

TEST_F(memory_shortage, in_a_handler_is_a_500_and_the_worker_goes_on) {
  const ServerConfig config = with_faulty_route(1);
  ServerProcess server(config, little_memory(config, 64 * 1024));
  ASSERT_TRUE(server.ready());
  server.allow("handler failed");
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 1U);
  Client client(server.port());
  EXPECT_EQ(client.get("/faulty/hoard").status, 500);
  EXPECT_EQ(client.get("/fixed").status, 200) << "the same connection goes on";
  const auto told = server.log().wait_event("handler failed", 0, 5s);
  ASSERT_TRUE(told);
  EXPECT_THAT(told->field("problem"), HasSubstr("bad_alloc"));
  EXPECT_EQ(server.workers(), workers);
}

TEST_F(memory_shortage, costs_connections_and_the_worker_goes_on) {
  ServerConfig config;
  config.workers = 1;
  config.limits = "request_headers: 1MiB";
  config.timeouts = "request_header: 60s";
  ServerProcess server(config, little_memory(config, 4 * 1024));
  ASSERT_TRUE(server.ready());
  server.allow("accepting paused");
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 1U);
  // Heads that never end have to be kept.
  const std::string head = "GET /fixed HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(1'000'000, 'x');
  std::vector<std::unique_ptr<Client>> hungry;
  const auto told = [&] {
    return server.log().wait_event("connection closed: out of memory", 0, 0ms).has_value() ||
           server.log().wait_event("accepting paused", 0, 0ms).has_value();
  };
  for (int i = 0; i < 1000 && !told(); ++i) {
    hungry.push_back(std::make_unique<Client>(server.port()));
    hungry.back()->send(head);
  }
  EXPECT_TRUE(eventually(10s, told)) << "nothing ran out";
  EXPECT_TRUE(eventually(10s, [&] { return get(server.port(), "/fixed", {.timeout = 500ms}).status == 200; }));
  hungry.clear();
  EXPECT_TRUE(eventually(10s, [&] { return get(server.port(), "/fixed", {.timeout = 500ms}).status == 200; }));
  EXPECT_EQ(server.workers(), workers) << "the worker has survived it";
}

TEST_F(memory_shortage, in_the_master_refuses_the_reload_and_its_workers_serve_on) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  for (const char* event : {"reload problem", "reload refused"}) server.allow(event);
  const std::vector<pid_t> workers = server.workers();
  ServerConfig large;
  for (int i = 0; i < 20'000; ++i) large.routes += "      - {path: /r" + std::to_string(i) + ", hello: {}}\n";
  server.write_config(large);
  rlimit limit{};
  ASSERT_EQ(::prlimit(server.pid(), RLIMIT_AS, nullptr, &limit), 0);
  limit.rlim_cur = (status_kib(server.pid(), "VmSize") + 4096) * 1024;
  ASSERT_EQ(::prlimit(server.pid(), RLIMIT_AS, &limit, nullptr), 0);
  EXPECT_EQ(server.reload().event, "reload refused");
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  EXPECT_EQ(server.workers(), workers);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::prlimit(server.pid(), RLIMIT_AS, &limit, nullptr), 0);
  EXPECT_EQ(server.reload().event, "reload complete");
  EXPECT_EQ(get(server.port(), "/r19999").status, 200);
}

TEST_F(memory_shortage, is_to_cost_a_worker_rather_than_the_master) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const auto score_of = [](pid_t pid) {
    int score = -9999;
    std::ifstream("/proc/" + std::to_string(pid) + "/oom_score_adj") >> score;
    return score;
  };
  for (const pid_t pid : server.processes())
    EXPECT_EQ(score_of(pid), std::min(score_of(server.pid()) + 100, 1000));
}

/// A control group whose processes may use so much memory; not `made` where we may not make one.
class MemoryGroup {
 public:
  explicit MemoryGroup(std::size_t bytes) {
    const std::string name = "holdfast-test-" + std::to_string(::getpid());
    for (const auto& [parent, limit] : {std::pair{"/sys/fs/cgroup/memory/", "memory.limit_in_bytes"},
                                        std::pair{"/sys/fs/cgroup/", "memory.max"}}) {
      std::error_code failed;
      if (!std::filesystem::exists(std::string(parent) + "cgroup.procs", failed)) continue;
      const std::string path = parent + name;
      if (!std::filesystem::create_directory(path, failed)) continue;
      std::ofstream out(path + "/" + limit);
      out << bytes << std::flush;
      path_ = path;
      made_ = out.good();
      return;
    }
  }
  ~MemoryGroup() {
    if (!path_.empty()) eventually(5s, [this] { return ::rmdir(path_.c_str()) == 0; });
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  bool made() const { return made_; }
  SpawnOptions spawn_options() const {
    SpawnOptions options;
    options.wrapper = {"sh", "-c", "echo $$ > " + path_ + "/cgroup.procs && exec \"$@\"", "sh"};
    return options;
  }

 private:
  std::string path_;
  bool made_ = false;
};

TEST_F(memory_shortage, that_the_kernel_ends_by_killing_a_worker_is_told_as_such) {
  const MemoryGroup group(128 * 1024 * 1024);
  if (!group.made()) GTEST_SKIP() << "no control group for memory can be made here";
  ServerProcess server(with_faulty_route(2), group.spawn_options());
  ASSERT_TRUE(server.ready()) << server.log().text();
  server.allow("worker ended");
  const pid_t master = server.pid();
  Client victim(server.port());
  victim.send(request_text("GET", "/faulty/hoard"));
  const auto ended = server.log().wait_event("worker ended", 0, 20s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->field("reason"), "oom") << ended->raw;
  EXPECT_EQ(ended->field("signal"), "9");
  EXPECT_THAT(ended->field("what"), HasSubstr("OOM killer"));
  EXPECT_EQ(ended->field("route"), "/faulty/{what}");
  EXPECT_FALSE(victim.receive().ok());
  EXPECT_TRUE(eventually(10s, [&] { return server.workers().size() == 2; }));
  EXPECT_EQ(server.pid(), master);
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  EXPECT_TRUE(eventually(5s, [&] {
    return scrape(server.admin_port()).sum("holdfast_worker_exits_total", {"reason=\"oom\""}) == 1;
  }));
}

}  // namespace
}  // namespace holdfast::support
