// Only builds with sanitizers look for leaks; there every test of a server would fail with one.
#include <gtest/gtest.h>

#include "tests/process/calling_server.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

TEST(leaks, of_a_worker_are_told_when_it_has_drained) {
  if (!tested_is_sanitized()) GTEST_SKIP() << "only builds with sanitizers look for leaks";
  ServerConfig config;
  config.workers = 1;
  config.files["faulty.so"] = module_bytes("faulty.so");
  config.routes = route("/faulty/{what}", "faulty.so", "");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow_foreign_lines();
  server.allow("worker ended");
  ASSERT_EQ(get(server.port(), "/faulty/leak").status, 200);
  ASSERT_EQ(server.reload().event, "reload complete");
  const auto told = [](const LogLine& line) {
    return line.raw.find("4000 byte(s) leaked in 1 allocation(s)") != std::string::npos;
  };
  EXPECT_TRUE(server.log().wait(told, 0, 20s)) << server.log().text();
}

}  // namespace
}  // namespace holdfast::support
