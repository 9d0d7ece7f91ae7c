#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/deadline.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

ServerConfig with_pid_file(const std::string& path) {
  ServerConfig config;
  config.process = "pid_file: \"" + path + "\"";
  return config;
}

TEST(pid_file, holds_the_masters_pid_while_it_runs_and_is_removed_at_its_end) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(server.dir().read("holdfast.pid"), std::to_string(server.pid()) + "\n");
  EXPECT_EQ(server.stop(), (Exit{0, 0}));
  EXPECT_FALSE(std::filesystem::exists(server.dir() / "holdfast.pid"));
}

TEST(pid_file, that_is_stale_is_no_error) {
  const TempDir shared;
  shared.write("server.pid", "999999\n");
  ServerProcess server(with_pid_file(shared / "server.pid"));
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(shared.read("server.pid"), std::to_string(server.pid()) + "\n");
}

TEST(pid_file, of_a_running_server_keeps_a_second_one_from_starting) {
  const TempDir shared;
  const ServerConfig config = with_pid_file(shared / "server.pid");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const TempDir dir;
  dir.write("www/index.html", "x");
  dir.write("holdfast.yaml", config.yaml(dir));
  const CommandResult second = run_command({holdfast_binary(), "-c", dir / "holdfast.yaml"});
  ASSERT_TRUE(second.exit);
  EXPECT_NE(second.code(), 0);
  EXPECT_NE(second.err.find("server.pid"), std::string::npos) << second.err;
  EXPECT_EQ(shared.read("server.pid"), std::to_string(server.pid()) + "\n");
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

TEST(pid_file, that_another_has_taken_over_is_left_alone) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  std::filesystem::remove(server.dir() / "holdfast.pid");
  server.dir().write("holdfast.pid", "1\n");
  EXPECT_EQ(server.stop(), (Exit{0, 0}));
  EXPECT_EQ(server.dir().read("holdfast.pid"), "1\n");
}

TEST(pid_file, survives_a_reload) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  ASSERT_EQ(server.reload().event, "reload complete");
  EXPECT_EQ(server.dir().read("holdfast.pid"), std::to_string(server.pid()) + "\n");
}

}  // namespace
}  // namespace holdfast::support
