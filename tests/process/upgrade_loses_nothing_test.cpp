// The binary on disk takes the place of the one that runs: same process, same sockets, same counts. One that
// cannot serve is refused, and the one before goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "tests/process/calling_server.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const int kUpgrades = tested_is_sanitized() ? 2 : 20;
const int kQuietUpgrades = tested_is_sanitized() ? 2 : 4;

/// A server that runs from a file of its own, which the test can replace.
class UpgradedServer {
 public:
  explicit UpgradedServer(const ServerConfig& config = {}, SpawnOptions options = {}) {
    install(holdfast_binary());
    options.program = path();
    server_.emplace(config, options);
  }
  ServerProcess* operator->() { return &*server_; }
  ServerProcess& operator*() { return *server_; }

  std::string path() const { return folder_ / "holdfast"; }
  /// Puts another file in its place, as a package manager does.
  void install(const std::string& from) {
    std::filesystem::copy_file(from, folder_ / "holdfast.new",
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::rename(folder_ / "holdfast.new", path());
  }
  void install_script(const std::string& text) {
    folder_.write("script", "#!/bin/sh\n" + text);
    std::filesystem::permissions(folder_ / "script", std::filesystem::perms(0755));
    install(folder_ / "script");
  }
  const TempDir& folder() const { return folder_; }

 private:
  TempDir folder_;
  std::optional<ServerProcess> server_;
};

ServerConfig impatient() {
  ServerConfig config;
  config.process = "start_timeout: 1s";
  return config;
}

/// Everything that was told of a refused upgrade, in one text.
std::string problems_since(ServerProcess& server, std::size_t mark) {
  std::string text;
  const std::vector<LogLine> lines = server.log().lines();
  for (std::size_t i = mark; i < lines.size(); ++i)
    if (lines[i].event == "upgrade problem") text += lines[i].field("problem") + "\n";
  return text;
}

/// An upgrade that must be refused, and that leaves everything as it was; what was told.
std::string refused(ServerProcess& server) {
  server.allow("upgrade problem");
  server.allow("upgrade refused");
  const std::vector<pid_t> before = server.workers();
  const double failures = scrape(server.admin_port()).sum("holdfast_binary_upgrades_total", {"failure"});
  const std::size_t mark = server.log().mark();
  EXPECT_EQ(server.upgrade().event, "upgrade refused") << server.log().text();
  EXPECT_EQ(server.workers(), before);
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  EXPECT_TRUE(eventually(5s, [&] {
    return scrape(server.admin_port()).sum("holdfast_binary_upgrades_total", {"failure"}) == failures + 1;
  }));
  return problems_since(server, mark);
}

TEST(upgrade, loses_no_request_and_no_count) {
  UpgradedServer server;
  ASSERT_TRUE(server->ready());
  const pid_t pid = server->pid();
  const double started = scrape(server->admin_port()).sum("holdfast_start_time_seconds");
  const std::string hello = get(server->port(), "/fixed").body;
  const double before = scrape(server->admin_port()).sum("holdfast_http_requests_total", {"main"});
  Load keep_alive(server->port(),
                  {.kind = Load::Kind::KeepAlive, .threads = 8, .target = "/fixed", .body = hello});
  Load flood(server->port(), {.kind = Load::Kind::Flood, .threads = 2, .target = "/fixed", .body = hello});
  double seen = 0;
  for (int i = 0; i < kUpgrades; ++i) {
    if (i % 5 == 1) server.install(holdfast_binary());
    const LogLine outcome = server->upgrade();
    ASSERT_EQ(outcome.event, "upgrade complete") << "upgrade " << i << ": " << outcome.raw;
    const double now = scrape(server->admin_port()).sum("holdfast_http_requests_total", {"main"});
    EXPECT_GE(now, seen) << "after upgrade " << i;
    seen = now;
  }
  keep_alive.stop();
  flood.stop();
  EXPECT_EQ(keep_alive.outcomes().failed(), 0u) << keep_alive.outcomes().text() << '\n'
                                                << describe(keep_alive.failures());
  EXPECT_EQ(flood.outcomes().failed(), 0u) << flood.outcomes().text() << '\n' << describe(flood.failures());
  EXPECT_GT(flood.outcomes().ok(), 2u * kUpgrades) << "the load was no load";
  const auto answered = static_cast<double>(keep_alive.outcomes().ok() + flood.outcomes().ok());
  EXPECT_TRUE(eventually(5s,
                         [&] {
                           return scrape(server->admin_port()).sum("holdfast_http_requests_total", {"main"}) ==
                                  before + answered;
                         }))
      << before << " + " << answered << " and not "
      << scrape(server->admin_port()).sum("holdfast_http_requests_total", {"main"});
  const Scrape metrics = scrape(server->admin_port());
  EXPECT_EQ(metrics.sum("holdfast_generation"), kUpgrades + 1);
  EXPECT_EQ(metrics.sum("holdfast_binary_upgrades_total", {"success"}), kUpgrades);
  EXPECT_EQ(metrics.sum("holdfast_start_time_seconds"), started);
  EXPECT_EQ(server->pid(), pid);
  EXPECT_EQ(server->stop(), (Exit{0, 0}));
}

TEST(upgrade, leaves_no_descriptors_behind) {
  UpgradedServer server;
  ASSERT_TRUE(server->ready());
  ASSERT_EQ(server->upgrade().event, "upgrade complete");
  ASSERT_TRUE(eventually(10s, [&] { return server->processes().size() == 3; }));
  std::size_t first = 0;
  for (int i = 0; i < kQuietUpgrades; ++i) {
    ASSERT_EQ(server->upgrade().event, "upgrade complete");
    ASSERT_TRUE(eventually(10s, [&] { return server->processes().size() == 3; }));
    if (i == 0) first = descriptors_of(server->pid());
    EXPECT_TRUE(eventually(5s, [&] { return descriptors_of(server->pid()) <= first; }))
        << descriptors_of(server->pid()) << " and not " << first << " after upgrade " << i;
  }
}

TEST(upgrade, is_told_to_the_command_that_asks_for_it) {
  ServerConfig config;
  UpgradedServer server(config);
  ASSERT_TRUE(server->ready());
  const CommandResult good = run_command({holdfast_binary(), "upgrade", "-c", server->config_file()});
  EXPECT_EQ(good.code(), 0) << good.err;
  EXPECT_THAT(good.out, AllOf(StartsWith("upgrade complete version="), HasSubstr("generation=2 workers=2")));
  server->allow("upgrade problem");
  server->allow("upgrade refused");
  server.install_script("exit 3\n");
  const CommandResult bad = run_command({holdfast_binary(), "upgrade", "-c", server->config_file()});
  EXPECT_EQ(bad.code(), 69);
  EXPECT_THAT(bad.err, AllOf(StartsWith("upgrade refused; generation 2 goes on"), HasSubstr("exit code 3")));
}

TEST(upgrade, finishes_what_is_in_flight) {
  UpgradedServer server;
  ASSERT_TRUE(server->ready());
  const std::string bytes = varied_bytes(12 << 20);
  server->dir().write("www/large.bin", bytes);
  Client client(server->port(), {.receive_buffer = 65536});
  ASSERT_EQ(client.send(request_text("GET", "/large.bin")), Outcome::Ok);
  ASSERT_EQ(client.receive_head().status, 200);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(server->upgrade().event, "upgrade complete");
  std::string received;
  for (std::string piece; !(piece = client.receive_some(1 << 20)).empty();) received += piece;
  EXPECT_TRUE(received == bytes) << received.size();
}

TEST(upgrade, of_a_server_that_was_started_by_a_relative_path) {
  TempDir folder;
  std::filesystem::create_directory(folder / "bin");
  std::filesystem::copy_file(holdfast_binary(), folder / "bin/holdfast");
  SpawnOptions options;
  options.directory = folder.path();
  options.program = "bin/holdfast";
  ServerProcess server({}, options);
  ASSERT_TRUE(server.ready());
  std::filesystem::rename(folder / "bin/holdfast", folder / "bin/old");
  std::filesystem::copy_file(folder / "bin/old", folder / "bin/holdfast");
  for (int i = 0; i < 2; ++i) {
    const LogLine outcome = server.upgrade();
    EXPECT_EQ(outcome.event, "upgrade complete") << outcome.raw;
  }
  const std::string runs =
      std::filesystem::read_symlink("/proc/" + std::to_string(server.pid()) + "/exe").string();
  EXPECT_EQ(runs, std::filesystem::canonical(folder / "bin/holdfast").string());
}

TEST(upgrade, to_what_is_no_such_binary_is_refused) {
  UpgradedServer server(impatient());
  ASSERT_TRUE(server->ready());
  server.install_script("echo 'no such library' >&2; exit 127\n");
  EXPECT_THAT(refused(*server), AllOf(HasSubstr("no such library"), HasSubstr("exit code 127")));
  server.install_script("exit 0\n");
  EXPECT_THAT(refused(*server), HasSubstr("is no holdfast that can take over"));
  server.install_script("kill -SEGV $$\n");
  EXPECT_THAT(refused(*server), HasSubstr("SIGSEGV"));
  server.install_script("exec sleep 60\n");
  EXPECT_THAT(refused(*server), HasSubstr("did not end within 1000 ms"));
  server.install_script("echo takes-over handover=99 statistics=1 version=9.9\n");
  EXPECT_THAT(refused(*server), HasSubstr("takes over in another way"));
  std::filesystem::permissions(server.path(), std::filesystem::perms(0644));
  EXPECT_THAT(refused(*server), HasSubstr("Permission denied"));
  std::filesystem::remove(server.path());
  EXPECT_THAT(refused(*server), HasSubstr("No such file"));
  server.install(holdfast_binary());
  EXPECT_EQ(server->upgrade().event, "upgrade complete");
}

TEST(upgrade, with_a_configuration_that_is_wrong_by_now_is_refused_with_its_place) {
  ServerConfig config;
  UpgradedServer server(config);
  ASSERT_TRUE(server->ready());
  ServerConfig wrong = config;
  wrong.more = "nonsense: 1\n";
  server->write_config(wrong);
  EXPECT_THAT(refused(*server), HasSubstr("nonsense"));
  config.routes = "      - {path: /added, respond: {status: 200, body: new}}\n";
  server->write_config(config);
  EXPECT_EQ(server->upgrade().event, "upgrade complete");
  EXPECT_TRUE(eventually(5s, [&] { return get(server->port(), "/added").body == "new"; }));
}

TEST(upgrade, whose_workers_do_not_become_ready_brings_the_former_binary_back) {
  ServerConfig config;
  config.files["trial.so"] = module_bytes("trial.so");
  config.routes = route("/trial/{what}", "trial.so", "word: old");
  UpgradedServer server(config);
  ASSERT_TRUE(server->ready());
  server->allow("worker ended");
  server->allow("worker cannot start");
  const std::string before = std::filesystem::read_symlink("/proc/" + std::to_string(server->pid()) + "/exe");
  ServerConfig late = config;
  late.routes = route("/trial/{what}", "trial.so", "word: new, birth: throws in workers");
  server->write_config(late);
  server.install(holdfast_binary());
  Load load(server->port(), {.kind = Load::Kind::Flood, .threads = 2, .target = "/trial/word", .body = "old"});
  for (int i = 0; i < 3; ++i) EXPECT_THAT(refused(*server), HasSubstr("no luck in a worker"));
  // It is the old program that goes on, whose file has been replaced.
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(server->pid()) + "/exe").string(),
            before + " (deleted)");
  // It has the old configuration, though another is on disk, and heals itself as before.
  ASSERT_EQ(kill(server->workers().front(), SIGKILL), 0);
  EXPECT_TRUE(eventually(10s, [&] { return server->workers().size() == 2; }));
  load.stop();
  EXPECT_EQ(get(server->port(), "/trial/word").body, "old");
  late.routes = route("/trial/{what}", "trial.so", "word: new");
  server->write_config(late);
  EXPECT_EQ(server->upgrade().event, "upgrade complete");
  EXPECT_TRUE(eventually(5s, [&] { return get(server->port(), "/trial/word").body == "new"; }));
}

#ifdef HOLDFAST_UPGRADE_SABOTEUR
class FallenUpgrade : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(FallenUpgrade, is_caught_and_the_former_binary_goes_on) {
  if (tested_is_sanitized()) GTEST_SKIP() << "sanitizers want to be the first library";
  if (geteuid() != 0) GTEST_SKIP() << "the fault is put in where root looks up the workers' user";
  const auto [fault, told] = GetParam();
  TempDir plans;
  SpawnOptions options;
  options.environment = {"LD_PRELOAD=" HOLDFAST_UPGRADE_SABOTEUR, "HOLDFAST_SABOTAGE=" + (plans / "plan")};
  UpgradedServer server(impatient(), options);
  ASSERT_TRUE(server->ready());
  Load load(server->port(), {.kind = Load::Kind::KeepAlive, .threads = 2, .target = "/fixed"});
  plans.write("plan", fault);
  EXPECT_THAT(refused(*server), HasSubstr(told));
  plans.write("plan", "nothing");
  EXPECT_EQ(server->upgrade().event, "upgrade complete");
  ASSERT_EQ(server->reload().event, "reload complete");
  load.stop();
  EXPECT_EQ(load.outcomes().failed(), 0u) << load.outcomes().text() << '\n' << describe(load.failures());
  EXPECT_EQ(server->stop(), (Exit{0, 0}));
}

INSTANTIATE_TEST_SUITE_P(upgrade, FallenUpgrade,
                         ::testing::Values(std::pair("segv", "died of signal 11"),
                                           std::pair("abort", "died of signal 6"),
                                           std::pair("throw", "the new binary failed: "),
                                           std::pair("hang", "stood still")),
                         [](const auto& test) { return std::string(test.param.first); });
#endif

/// Whose new binary waits for a worker on trial that does not answer.
ServerConfig with_silent_trial(const std::string& timeout) {
  ServerConfig config;
  config.files["trial.so"] = module_bytes("trial.so");
  config.process = "reload: trial, probes: [{path: /trial/never, timeout: " + timeout + "}]";
  config.routes = route("/trial/{what}", "trial.so", "");
  return config;
}

TEST(upgrade, is_given_up_by_a_stop_while_the_new_binary_is_on_trial) {
  UpgradedServer server(with_silent_trial("60s"));
  ASSERT_TRUE(server->ready());
  server->allow("upgrade problem");
  server->allow("upgrade refused");
  const std::size_t mark = server->log().mark();
  server->signal(SIGUSR2);
  ASSERT_TRUE(server->log().wait_event("trial begins", mark, 20s));
  EXPECT_EQ(server->stop(), (Exit{0, 0}));
}

TEST(upgrade, that_is_given_up_does_not_forget_a_reload) {
  UpgradedServer server(with_silent_trial("500ms"));
  ASSERT_TRUE(server->ready());
  server->allow("upgrade problem");
  server->allow("upgrade refused");
  const std::size_t mark = server->log().mark();
  server->signal(SIGUSR2);
  ASSERT_TRUE(server->log().wait_event("trial begins", mark, 20s));
  ServerConfig config;
  config.routes = "      - {path: /added, respond: {status: 200, body: new}}\n";
  server->write_config(config);
  server->signal(SIGHUP);
  EXPECT_TRUE(server->log().wait_event("upgrade refused", mark, 20s));
  EXPECT_TRUE(server->log().wait_event("reload complete", mark, 20s));
  EXPECT_TRUE(eventually(5s, [&] { return get(server->port(), "/added").body == "new"; }));
}

TEST(upgrade, is_none_of_a_stop_that_comes_meanwhile) {
  UpgradedServer server;
  ASSERT_TRUE(server->ready());
  server->allow("upgrade problem");
  server->allow("upgrade refused");
  server.install_script("exec sleep 60\n");
  const std::size_t mark = server->log().mark();
  server->signal(SIGUSR2);
  ASSERT_TRUE(server->log().wait_event("upgrade begins", mark, 10s));
  EXPECT_EQ(server->stop(), (Exit{0, 0}));
}

}  // namespace
}  // namespace holdfast::support
