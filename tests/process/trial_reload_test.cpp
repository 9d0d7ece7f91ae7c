// process.reload: trial: a worker of the new configuration must answer rightly before any client meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tests/process/calling_server.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;

ServerConfig with_probes(const std::string& probes, const std::string& word = "right") {
  ServerConfig config;
  config.process = "start_timeout: 3s, reload: trial, probes: [" + probes + "]";
  config.files["trial.so"] = module_bytes("trial.so");
  config.files["faulty.so"] = module_bytes("faulty.so");
  config.routes = route("/trial/{what}", "trial.so", "word: " + word) +
                  route("/faulty/{what}", "faulty.so", "") +
                  "      - {path: /state, respond: {status: 200, body: " + word + "}}\n";
  return config;
}

/// A reload that must be refused; what was told.
std::string refused(ServerProcess& server) {
  server.allow("reload problem");
  server.allow("reload refused");
  const std::vector<pid_t> before = server.workers();
  const std::size_t mark = server.log().mark();
  EXPECT_EQ(server.reload().event, "reload refused") << server.log().text();
  EXPECT_EQ(server.workers(), before);
  EXPECT_EQ(get(server.port(), "/state").body, "right");
  const auto problem = server.log().wait_event("reload problem", mark, 1s);
  return problem ? problem->field("problem") : "";
}

TEST(trial_reload, goes_on_when_all_answers_are_right) {
  ServerConfig config = with_probes("{path: /trial/word}, {path: /missing, status: 404}");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Load load(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 2, .target = "/fixed"});
  for (int i = 0; i < 5; ++i) {
    const std::size_t mark = server.log().mark();
    ASSERT_EQ(server.reload().event, "reload complete");
    EXPECT_TRUE(server.log().wait_event("trial passed", mark, 1s));
  }
  load.stop();
  EXPECT_EQ(load.outcomes().failed(), 0u) << load.outcomes().text();
  EXPECT_TRUE(eventually(10s, [&] { return server.processes().size() == 3; }));
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(server.pid()) + "/fd")) {
    std::error_code gone;
    EXPECT_THAT(std::filesystem::read_symlink(entry.path(), gone).string(), ::testing::Not(HasSubstr("trial")));
  }
}

TEST(trial_reload, is_refused_for_a_wrong_answer_and_nobody_has_met_it) {
  ServerConfig config = with_probes("{path: /state}");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Load load(server.port(), {.kind = Load::Kind::Flood, .threads = 2, .target = "/state", .body = "right"});
  server.write_config(with_probes("{path: /state, status: 204}", "wrong"));
  EXPECT_THAT(refused(server), HasSubstr("probe GET /state of localhost: status 200 instead of 204"));
  server.write_config(with_probes("{path: /state, host: other.example, status: 421}", "wrong"));
  EXPECT_THAT(refused(server), HasSubstr("GET /state of other.example: status"));
  load.stop();
  EXPECT_EQ(load.outcomes().failed(), 0u) << load.outcomes().text();
  server.write_config(with_probes("{path: /state}", "right"));
  EXPECT_EQ(server.reload().event, "reload complete");
}

TEST(trial_reload, is_refused_when_the_worker_dies_or_hangs_or_does_not_answer) {
  ServerConfig config = with_probes("{path: /state}");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.write_config(with_probes("{path: /faulty/abort}", "wrong"));
  refused(server);
  EXPECT_TRUE(eventually(5s, [&] { return server.status()["deaths"].items().size() == 1; }));
  server.write_config(with_probes("{path: /faulty/spin, timeout: 300ms}", "wrong"));
  EXPECT_THAT(refused(server), HasSubstr("no answer within 300 ms"));
  server.write_config(with_probes("{path: /trial/never, timeout: 300ms}", "wrong"));
  EXPECT_THAT(refused(server), HasSubstr("no answer within 300 ms"));
  server.allow("worker cannot start");
  ServerConfig late = with_probes("{path: /state}", "wrong");
  late.routes += route("/late/{what}", "trial.so", "birth: throws in workers");
  server.write_config(late);
  EXPECT_THAT(refused(server), HasSubstr("no luck in a worker"));
  // What was on trial is gone, however it was stuck.
  EXPECT_TRUE(eventually(10s, [&] { return server.processes().size() == 3; }));
  EXPECT_TRUE(eventually(10s, [&] { return server.status()["workers"].items().size() == 2; }))
      << get(server.admin_port(), "/status").body;
}

TEST(trial_reload, is_ended_by_a_stop) {
  ServerConfig config = with_probes("{path: /state}");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("reload problem");
  server.allow("reload refused");
  server.write_config(with_probes("{path: /trial/never, timeout: 60s}"));
  const std::size_t mark = server.log().mark();
  server.signal(SIGHUP);
  ASSERT_TRUE(server.log().wait_event("trial begins", mark, 10s));
  EXPECT_EQ(server.stop(), (Exit{0, 0}));
}

TEST(trial_reload, needs_something_to_ask_for) {
  TempDir dir;
  const std::string file = dir.write(
      "holdfast.yaml", "process: {reload: trial, pid_file: off}\nsites: [{routes: [{path: /, hello: {}}]}]\n");
  const CommandResult check = run_command({holdfast_binary(), "check", "-c", file});
  EXPECT_EQ(check.code(), 78);
  EXPECT_THAT(check.err, HasSubstr(":1:19: `process.reload: trial` needs `process.probes`"));
}

}  // namespace
}  // namespace holdfast::support
