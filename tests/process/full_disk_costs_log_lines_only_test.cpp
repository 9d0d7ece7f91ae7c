// A log that cannot be written, for want of room or because its folder is gone or read-only, costs log lines:
// they are counted, it is told, and the rest goes on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/mount_namespace.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kUnwritable = "the access log cannot be written";
constexpr const char* kLost = "access log lines were lost";

ServerConfig with_access_log(const std::string& path) {
  ServerConfig config;
  config.log = "error: {to: stderr, level: info}, access: {to: \"" + path + "\", format: common}";
  return config;
}

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

double dropped(std::uint16_t admin_port) {
  return scrape(admin_port).sum("holdfast_log_lines_dropped_total");
}

/// So many requests, on one connection each hundred.
void serve(const ServerProcess& server, int requests) {
  for (int i = 0; i < requests; i += 100) {
    Client client(server.port());
    for (int j = i; j < std::min(i + 100, requests); ++j) ASSERT_EQ(client.get("/fixed").status, 200);
  }
}

void expect_whole_lines(const std::string& text) {
  static const std::regex kLine(R"(127\.0\.0\.1 - - \[[^\]]+\] "GET /fixed HTTP/1\.1" 200 12)");
  EXPECT_THAT(text, ::testing::EndsWith("\n"));
  for (const std::string& line : lines_of(text)) EXPECT_TRUE(std::regex_match(line, kLine)) << line;
}

/// Takes all the room on the disk of the server's `folder`.
void fill(const std::string& folder) {
  const Fd file(::open((folder + "/filler").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ASSERT_TRUE(file);
  const std::string block(4096, 'f');
  while (::write(file.get(), block.data(), block.size()) > 0) continue;
  ASSERT_EQ(errno, ENOSPC);
}

TEST(full_disk, costs_lines_of_the_access_log_that_are_counted_and_told) {
  const TempDir logs;
  const MountNamespace small("mount -t tmpfs -o size=1m,mode=755 none " + logs.path().string());
  if (!small.possible()) GTEST_SKIP() << "no mount namespace can be made here";
  ServerProcess server(with_access_log(logs / "access.log"), small.spawn_options());
  ASSERT_TRUE(server.ready()) << server.log().text();
  server.allow(kUnwritable);
  server.allow(kLost);
  const std::string folder = MountNamespace::outside(server.pid(), logs.path().string());
  const std::vector<pid_t> workers = server.workers();
  serve(server, 10);
  fill(folder);
  serve(server, 200);
  const auto told =
      server.log().wait_event(std::string(kUnwritable) + ": its lines are lost, and counted", 0, 5s);
  ASSERT_TRUE(told) << server.log().text();
  EXPECT_EQ(told->field("problem"), "No space left on device");
  // Counted when the worker has done what it was at.
  EXPECT_TRUE(eventually(5s, [&] { return dropped(server.admin_port()) > 0; }));

  std::filesystem::remove(folder + "/filler");
  int served = 210;
  // A worker tells when it writes again; which one a client meets is the kernel's lot. One for which a short
  // line still fitted in between has told of that, and tells again ten seconds later.
  EXPECT_TRUE(eventually(20s, [&] {
    serve(server, 1);
    ++served;
    long lost = 0;
    for (const LogLine& line : server.log().lines())
      if (line.event == kLost) lost += line.number("lines");
    return static_cast<double>(lost) == dropped(server.admin_port());
  }));
  const double counted = dropped(server.admin_port());
  EXPECT_TRUE(eventually(5s, [&] {
    return static_cast<double>(lines_of(text_of(folder + "/access.log")).size()) + counted == served;
  }));
  expect_whole_lines(text_of(folder + "/access.log"));
  EXPECT_EQ(server.workers(), workers);
}

TEST(full_disk, costs_lines_of_the_error_log_that_are_counted_and_told_on_stderr) {
  const TempDir dir;
  dir.write("logs/none", "");
  dir.write("www/index.html", "x");
  const std::string path = dir / "logs";
  const MountNamespace small("mount -t tmpfs -o size=64k,mode=755 none " + path);
  if (!small.possible()) GTEST_SKIP() << "no mount namespace can be made here";
  ServerConfig config;
  config.log = "error: {to: \"" + path + "/error.log\", level: info}, access: off";
  dir.write("holdfast.yaml", config.yaml(dir));
  ChildProcess server({holdfast_binary(), "-c", dir / "holdfast.yaml"}, small.spawn_options());
  LogCollector stream(std::move(server.err()));
  const std::string folder = MountNamespace::outside(server.pid(), path);
  const auto log_holds = [&](const std::string& text) {
    return eventually(10s, [&] { return text_of(folder + "/error.log").find(text) != std::string::npos; });
  };
  ASSERT_TRUE(log_holds(" ready "));
  std::uint16_t admin = 0;
  for (const std::string& line : lines_of(text_of(folder + "/error.log")))
    if (const LogLine parsed = parse_log_line(line); parsed.field("listener") == "admin")
      admin = static_cast<std::uint16_t>(std::stoi(parsed.field("address").substr(sizeof "127.0.0.1:" - 1)));
  ASSERT_NE(admin, 0);

  fill(folder);
  // The rest of the last page is room that the log has.
  const auto reload_all = [&](int generation) {
    server.signal(SIGHUP);
    return eventually(10s, [&] { return scrape(admin).sum("holdfast_generation") == generation; });
  };
  int generation = 1;
  // Each process tells of its own lines, and a worker that goes may not come to it: so until the master has
  // lost some.
  const auto of_master = [](const LogLine& line) {
    return line.event.starts_with("the error log cannot be written") && line.field("role") == "master";
  };
  while (!stream.wait(of_master, 0, 0ms) && generation < 60) ASSERT_TRUE(reload_all(++generation));
  const auto told = stream.wait(of_master, 0, 5s);
  ASSERT_TRUE(told) << stream.text();
  EXPECT_EQ(told->field("problem"), "No space left on device");
  EXPECT_GT(dropped(admin), 0);

  const auto no_line_is_torn = [&] {
    for (const std::string& line : lines_of(text_of(folder + "/error.log")))
      EXPECT_TRUE(parse_log_line(line).time) << "a torn line: " << line;
  };
  std::filesystem::remove(folder + "/filler");
  // Where a short line has fitted in between, that was told, and the next is told ten seconds later: until then
  // the lines of these reloads would fill the disk again.
  EXPECT_TRUE(eventually(30s, [&] {
    no_line_is_torn();
    std::filesystem::resize_file(folder + "/error.log", 0);
    return reload_all(++generation) &&
           text_of(folder + "/error.log").find("log lines were lost lines=") != std::string::npos;
  }));
  no_line_is_torn();
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(10s), (Exit{0, 0}));
}

// `ulimit -f` comes with a signal whose custom is to kill. The file is made so long, without being so large,
// that only the log meets the limit.
TEST(full_disk, as_a_limit_of_file_sizes_kills_nobody) {
  constexpr std::size_t kLimit = std::size_t{1} << 40;
  constexpr std::size_t kRoom = 1000;
  const TempDir logs;
  logs.write("access.log", "");
  std::error_code failed;
  std::filesystem::resize_file(logs / "access.log", kLimit - kRoom, failed);
  if (failed) GTEST_SKIP() << "no long files here: " << failed.message();
  SpawnOptions options;
  options.limits[RLIMIT_FSIZE] = kLimit;
  ServerProcess server(with_access_log(logs / "access.log"), options);
  ASSERT_TRUE(server.ready());
  server.allow(kUnwritable);
  const std::vector<pid_t> workers = server.workers();
  serve(server, 100);
  EXPECT_TRUE(eventually(5s, [&] { return dropped(server.admin_port()) > 50; }));
  std::ifstream in(logs / "access.log", std::ios::binary);
  in.seekg(kLimit - kRoom);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_GT(text.size(), kRoom / 2);
  expect_whole_lines(text);
  const auto written = static_cast<double>(lines_of(text).size());
  EXPECT_TRUE(eventually(5s, [&] { return written + dropped(server.admin_port()) == 100; }))
      << written << " written, " << dropped(server.admin_port()) << " dropped";
  EXPECT_EQ(server.workers(), workers);
}

TEST(log_folder, that_is_gone_at_usr1_leaves_the_old_file_in_use) {
  const TempDir dir;
  dir.write("logs/none", "");
  ServerProcess server(with_access_log(dir / "logs/access.log"));
  ASSERT_TRUE(server.ready());
  server.allow("log files not reopened");
  serve(server, 1);
  std::filesystem::rename(dir / "logs", dir / "away");
  std::size_t mark = server.log().mark();
  server.signal(SIGUSR1);
  const auto told = server.log().wait_event("log files not reopened: the old ones go on", mark, 10s);
  ASSERT_TRUE(told);
  EXPECT_THAT(told->field("problem"), HasSubstr(dir / "logs/access.log"));
  EXPECT_THAT(told->field("problem"), HasSubstr("No such file or directory"));
  serve(server, 10);
  EXPECT_TRUE(eventually(5s, [&] { return lines_of(dir.read("away/access.log")).size() == 11; }));
  EXPECT_THAT(server.log().text(), Not(HasSubstr("log files reopened")));

  std::filesystem::create_directory(dir / "logs");
  mark = server.log().mark();
  server.signal(SIGUSR1);
  ASSERT_TRUE(server.log().wait_event("log files reopened", mark, 10s));
  EXPECT_TRUE(eventually(5s, [&] {
    serve(server, 1);
    return !dir.read("logs/access.log").empty();
  }));
  EXPECT_EQ(dropped(server.admin_port()), 0);
}

TEST(read_only_file_system, refuses_reopening_and_reloads_and_the_old_files_go_on) {
  const TempDir dir;
  dir.write("logs/none", "");
  const std::string path = dir / "logs";
  const MountNamespace own("true");
  if (!own.possible()) GTEST_SKIP() << "no mount namespace can be made here";
  ServerProcess server(with_access_log(path + "/access.log"), own.spawn_options());
  ASSERT_TRUE(server.ready());
  for (const char* event : {"log files not reopened", "reload problem", "reload refused"}) server.allow(event);
  serve(server, 1);
  // From now on everything is opened read-only; what is open stays.
  ASSERT_EQ(
      own.run_in(server.pid(), "mount --bind " + path + " " + path + " && mount -o remount,bind,ro " + path),
      0);
  server.signal(SIGUSR1);
  const auto told = server.log().wait_event("log files not reopened: the old ones go on", 0, 10s);
  ASSERT_TRUE(told);
  EXPECT_THAT(told->field("problem"), HasSubstr("Read-only file system"));
  EXPECT_EQ(server.reload().event, "reload refused");
  serve(server, 10);
  EXPECT_TRUE(eventually(5s, [&] { return lines_of(dir.read("logs/access.log")).size() == 11; }));
  EXPECT_EQ(dropped(server.admin_port()), 0);
}

TEST(read_only_file_system, refuses_the_start_where_the_pid_file_belongs_there) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  dir.write("run/none", "");
  ServerConfig config;
  config.process = "pid_file: \"" + (dir / "run/server.pid") + "\"";
  dir.write("holdfast.yaml", config.yaml(dir));
  const MountNamespace fixed("mount --bind " + (dir / "run") + " " + (dir / "run") +
                             " && mount -o remount,bind,ro " + (dir / "run"));
  if (!fixed.possible()) GTEST_SKIP() << "no mount namespace can be made here";
  const CommandResult result =
      run_command({holdfast_binary(), "-c", dir / "holdfast.yaml"}, fixed.spawn_options());
  EXPECT_EQ(result.code(), 78) << result.err;
  EXPECT_THAT(result.err, HasSubstr("process.pid_file: writing in the folder " + (dir / "run")));
  EXPECT_THAT(result.err, HasSubstr("Read-only file system"));
}

}  // namespace
}  // namespace holdfast::support
