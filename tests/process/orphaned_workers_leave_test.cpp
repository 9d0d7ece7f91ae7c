#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>

#include "tests/support/deadline.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

// Two servers after each other on one port that the kernel chose: what a restart after a crash of the master
// meets.
ServerConfig on_port(std::uint16_t port, const std::string& pid_file) {
  ServerConfig config;
  config.listeners = "  http: {bind: \"127.0.0.1:" + std::to_string(port) + "\"}\n";
  config.process = "pid_file: \"" + pid_file + "\"";
  return config;
}

std::uint16_t free_port() {
  const TakenPort momentary;
  return momentary.port();
}

TEST(killed_master, leaves_no_worker_behind) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  server.allow("master is gone");
  const std::vector<pid_t> processes = server.processes();
  ASSERT_EQ(processes.size(), 3u);
  server.signal(SIGKILL);
  server.wait_exit();
  for (const pid_t pid : processes) EXPECT_TRUE(wait_until_gone(pid, 10s)) << pid;
}

TEST(killed_master, lets_workers_finish_what_is_in_flight) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  server.allow("master is gone");
  const std::string bytes = varied_bytes(24 << 20);
  server.dir().write("www/large.bin", bytes);
  Client client(server.port(), {.receive_buffer = 65536});
  client.send(request_text("GET", "/large.bin"));
  ASSERT_EQ(client.receive_head().status, 200);
  std::string received = client.receive_some(1000);
  const std::vector<pid_t> processes = server.processes();
  server.signal(SIGKILL);
  server.wait_exit();
  for (std::string piece; !(piece = client.receive_some(1 << 20)).empty();) received += piece;
  EXPECT_EQ(received.size(), bytes.size());
  EXPECT_TRUE(received == bytes);
  for (const pid_t pid : processes) EXPECT_TRUE(wait_until_gone(pid, 20s)) << pid;
}

TEST(killed_master, does_not_block_a_restart) {
  const TempDir shared;
  const ServerConfig config = on_port(free_port(), shared / "holdfast.pid");
  ServerProcess first(config);
  ASSERT_TRUE(first.ready());
  first.allow("master is gone");
  // A download that keeps one of the old workers busy while the new server starts.
  first.dir().write("www/large.bin", varied_bytes(24 << 20));
  Client slow(first.port(), {.receive_buffer = 4096});
  slow.send(request_text("GET", "/large.bin"));
  ASSERT_EQ(slow.receive_head().status, 200);
  first.signal(SIGKILL);
  first.wait_exit();
  ServerProcess second(config);
  ASSERT_TRUE(second.ready());
  for (int i = 0; i < 50; ++i) EXPECT_EQ(get(second.port(), "/fixed").status, 200);
  EXPECT_EQ(shared.read("holdfast.pid"), std::to_string(second.pid()) + "\n");
}

}  // namespace
}  // namespace holdfast::support
