#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The logs of a rotation test lie in a folder that the workers, which may run as nobody, can write to neither.
ServerConfig with_access_log(const TempDir& logs, const std::string& format = "combined") {
  ServerConfig config;
  config.log = "error: {to: stderr, level: info}, access: {to: \"" + (logs / "access.log") +
               "\", format: " + format + "}";
  return config;
}

long lines_in(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

TEST(logs, hold_one_access_line_a_request) {
  const TempDir logs;
  ServerProcess server(with_access_log(logs));
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.request("GET", "/fixed?q=1", "User-Agent: tester\r\nReferer: http://from.test/\r\n");
  client.get("/missing");
  ASSERT_TRUE(eventually(5s, [&] { return lines_in(logs.read("access.log")) == 2; }))
      << logs.read("access.log");
  const std::string text = logs.read("access.log");
  EXPECT_THAT(text, HasSubstr("127.0.0.1 - - ["));
  EXPECT_THAT(text, HasSubstr("\"GET /fixed?q=1 HTTP/1.1\" 200 12 \"http://from.test/\" \"tester\""));
  EXPECT_THAT(text, HasSubstr("\"GET /missing HTTP/1.1\" 404 "));
}

TEST(logs, cannot_be_forged_by_a_client) {
  const TempDir logs;
  ServerProcess server(with_access_log(logs));
  ASSERT_TRUE(server.ready());
  Client(server.port()).request("GET", "/fixed", "User-Agent: a\" 200 1 \"\\\x80\t\r\n");
  ASSERT_TRUE(eventually(5s, [&] { return lines_in(logs.read("access.log")) == 1; }));
  EXPECT_THAT(logs.read("access.log"), HasSubstr("\"a\\x22 200 1 \\x22\\x5C"));
}

TEST(logs, of_the_json_format_are_json) {
  const TempDir logs;
  ServerProcess server(with_access_log(logs, "json"));
  ASSERT_TRUE(server.ready());
  Client(server.port()).request("GET", "/fixed?q=%22", "User-Agent: a\"b\\c\t\x80\r\n");
  ASSERT_TRUE(eventually(5s, [&] { return lines_in(logs.read("access.log")) == 1; }));
  std::string line = logs.read("access.log");
  line.pop_back();
  const auto entry = JsonValue::parse(line);
  ASSERT_TRUE(entry) << line;
  EXPECT_EQ((*entry)["status"].number(), 200);
  EXPECT_EQ((*entry)["method"].text(), "GET");
  EXPECT_EQ((*entry)["route"].text(), "/fixed");
  EXPECT_EQ((*entry)["site"].text(), "main");
}

TEST(logs, are_reopened_on_usr1_without_losing_a_line) {
  const TempDir logs;
  ServerConfig config = with_access_log(logs);
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Load load(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 2, .target = "/fixed"});
  for (int i = 0; i < 5; ++i) {
    std::filesystem::rename(logs / "access.log", logs / ("access.log." + std::to_string(i)));
    server.signal(SIGUSR1);
    ASSERT_TRUE(eventually(10s, [&] { return lines_in(logs.read("access.log")) > 20; })) << "round " << i;
  }
  load.stop();
  EXPECT_EQ(load.outcomes().failed(), 0u);
  long lines = 0;
  const auto all_lines = [&] {
    lines = lines_in(logs.read("access.log"));
    for (int i = 0; i < 5; ++i) lines += lines_in(logs.read("access.log." + std::to_string(i)));
    return lines == static_cast<long>(load.outcomes().ok());
  };
  EXPECT_TRUE(eventually(5s, all_lines)) << lines << " lines for " << load.outcomes().ok() << " requests";
}

TEST(logs, of_errors_in_a_file_are_reopened_too) {
  const TempDir logs;
  ServerConfig config;
  config.log = "error: {to: \"" + (logs / "error.log") + "\", level: info}, access: off";
  const TempDir dir;
  dir.write("www/index.html", "x");
  dir.write("holdfast.yaml", config.yaml(dir));
  ChildProcess server({holdfast_binary(), "-c", dir / "holdfast.yaml"});
  ASSERT_TRUE(eventually(10s, [&] { return logs.read("error.log").find(" ready ") != std::string::npos; }));
  std::filesystem::rename(logs / "error.log", logs / "error.log.1");
  server.signal(SIGUSR1);
  ASSERT_TRUE(eventually(10s, [&] { return std::filesystem::exists(logs / "error.log"); }));
  server.signal(SIGHUP);
  EXPECT_TRUE(
      eventually(20s, [&] { return logs.read("error.log").find("reload complete") != std::string::npos; }));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(10s), (Exit{0, 0}));
  EXPECT_THAT(logs.read("error.log"), HasSubstr("stopped"));
  EXPECT_THAT(logs.read("error.log.1"), Not(HasSubstr("stopped")));
}

}  // namespace
}  // namespace holdfast::support
