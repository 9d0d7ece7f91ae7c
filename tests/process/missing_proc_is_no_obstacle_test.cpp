// A container or a chroot without /proc: the server does without what only /proc tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/process/calling_server.h"
#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/mount_namespace.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;

TEST(missing_proc, leaves_start_service_reload_crash_and_stop_as_they_are) {
  if (tested_is_sanitized()) GTEST_SKIP() << "sanitizers need /proc themselves";
  const MountNamespace bare("mount -t tmpfs none /proc");
  if (!bare.possible()) GTEST_SKIP() << "no mount namespace can be made here";
  ServerConfig config;
  config.files["faulty.so"] = module_bytes("faulty.so");
  config.routes = route("/faulty/{what}", "faulty.so", "");
  config.process = "hang_timeout: 500ms";
  const TempDir logs;
  config.log =
      "error: {to: stderr, level: info}, access: {to: \"" + (logs / "access.log") + "\", format: common}";
  ServerProcess server(config, bare.spawn_options());
  ASSERT_TRUE(server.ready()) << server.log().text();
  for (const char* event : {"worker ended", "worker stands still"}) server.allow(event);
  EXPECT_EQ(get(server.port(), "/index.html").status, 200);
  EXPECT_TRUE(
      eventually(5s, [&] { return logs.read("access.log").find("GET /index.html") != std::string::npos; }));
  EXPECT_EQ(server.reload().event, "reload complete");

  std::size_t mark = server.log().mark();
  EXPECT_FALSE(get(server.port(), "/faulty/segv").ok());
  const auto crashed = server.log().wait(
      [](const LogLine& line) { return line.event == "worker ended" && line.field("reason") == "signal"; },
      mark, 10s);
  ASSERT_TRUE(crashed);
  EXPECT_EQ(crashed->field("route"), "/faulty/{what}");
  ASSERT_TRUE(eventually(10s, [&] { return server.workers().size() == 2; }));
  mark = server.log().mark();
  EXPECT_FALSE(get(server.port(), "/faulty/spin").ok());
  const auto hung = server.log().wait(
      [](const LogLine& line) { return line.event == "worker ended" && line.field("reason") == "hung"; }, mark,
      10s);
  EXPECT_TRUE(hung) << "nobody can say whether a debugger holds it";
  ASSERT_TRUE(eventually(10s, [&] { return server.workers().size() == 2; }));

  const Scrape figures = scrape(server.admin_port());
  EXPECT_TRUE(figures.ok);
  EXPECT_GT(figures.sum("holdfast_http_requests_total"), 0);
  EXPECT_EQ(figures.series.count("process_resident_memory_bytes"), 0U) << "not known is not 0";
  const CommandResult status =
      run_command({holdfast_binary(), "status", "-c", server.config_file()}, bare.spawn_options());
  EXPECT_EQ(status.code(), 0) << status.err;
  EXPECT_EQ(get(server.admin_port(), "/status").status, 200);
  EXPECT_EQ(server.stop(), (Exit{0, 0}));
}

}  // namespace
}  // namespace holdfast::support
