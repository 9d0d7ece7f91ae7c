// Not a line of the access log is lost or doubled: not by the death of a worker, not by files that are turned
// over meanwhile, by signal or without a word, however many lines wait to be written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/support/deadline.h"
#include "tests/support/load.h"
#include "tests/support/server_process.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

const std::uint64_t kRequests = tested_is_sanitized() ? 4'000 : 100'000;

ServerConfig logging_to(const std::string& target, int workers = 1) {
  ServerConfig config;
  config.workers = workers;
  config.log = "error: {to: stderr, level: info}, access: {to: \"" + target + "\", format: combined}";
  return config;
}

/// `127.0.0.1 - - [TIME] "GET /fixed HTTP/1.1" 200 12 "-" "AGENT"`, from whatever address.
bool is_whole(std::string_view line) {
  constexpr std::string_view kBehindTime = "] \"GET /fixed HTTP/1.1\" 200 12 \"-\" \"";
  constexpr std::size_t kTime = std::string_view("28/Nov/2026:10:18:28 +0000").size();
  const std::size_t blank = line.find(' ');
  if (!line.starts_with("127.") || line.substr(blank, 6) != " - - [" || !line.ends_with('"')) return false;
  line.remove_prefix(blank + 6);
  if (line.size() < kTime || line.substr(kTime, kBehindTime.size()) != kBehindTime) return false;
  const std::string_view agent = line.substr(kTime + kBehindTime.size());
  return agent.find('"') == agent.size() - 1;
}

/// Lines of a folder's files, each of which has to be whole.
std::uint64_t whole_lines(const TempDir& logs) {
  std::uint64_t lines = 0;
  std::string torn;
  for (const auto& file : std::filesystem::directory_iterator(logs.path())) {
    std::istringstream text(logs.read(file.path().filename().string()));
    for (std::string line; std::getline(text, line); ++lines)
      if (!is_whole(line)) torn = file.path().string() + ": " + line;
  }
  EXPECT_EQ(torn, "");
  return lines;
}

TEST(log_lines, equal_the_answers_while_files_are_turned_over_and_workers_are_killed) {
  const TempDir logs;
  ServerProcess server(logging_to(logs / "access.log", 4));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  Load load(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 8, .target = "/fixed"});
  constexpr int kParts = 10;
  for (int part = 0; part < kParts; ++part) {
    const std::uint64_t enough = load.outcomes().ok() + kRequests / kParts;
    ASSERT_TRUE(eventually(60s, [&] { return load.outcomes().ok() >= enough; }));
    std::filesystem::rename(logs / "access.log", logs / ("access.log." + std::to_string(part)));
    server.signal(SIGUSR1);
    ASSERT_TRUE(eventually(20s, [&] { return std::filesystem::exists(logs / "access.log"); }));
    if (part == 3 || part == 6) {
      const std::vector<pid_t> workers = server.workers();
      ASSERT_FALSE(workers.empty());
      ::kill(workers.front(), SIGKILL);
    }
  }
  load.stop();
  EXPECT_EQ(server.stop(), (Exit{0, 0}));
  // A request that was in work when its worker was killed may have its line, or not.
  const std::uint64_t answered = load.outcomes().ok();
  const std::uint64_t lines = whole_lines(logs);
  EXPECT_GE(lines, answered);
  EXPECT_LE(lines, answered + load.outcomes().failed());
  EXPECT_LE(load.outcomes().failed(), 8u) << describe(load.failures());
}

TEST(log_lines, that_wait_when_a_worker_is_killed_are_written_by_the_master) {
  const TempDir logs;
  ServerProcess server(logging_to(logs / "access.log"));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  for (std::uint64_t round = 1; round <= 5; ++round) {
    const std::vector<pid_t> workers = server.workers();
    ASSERT_EQ(workers.size(), 1u);
    ASSERT_EQ(Client(server.port()).get("/fixed").status, 200);
    ::kill(workers.front(), SIGKILL);
    ASSERT_TRUE(eventually(10s, [&] { return whole_lines(logs) == round; })) << logs.read("access.log");
    ASSERT_TRUE(eventually(10s, [&] {
      const std::vector<pid_t> now = server.workers();
      return now.size() == 1 && now != workers;
    }));
  }
  EXPECT_TRUE(server.log().wait_event("wrote the access log lines that a worker left", 0, 5s));
}

TEST(log_lines, go_to_the_new_file_when_the_old_one_was_renamed_without_a_signal) {
  const TempDir logs;
  ServerProcess server(logging_to(logs / "access.log"));
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  ASSERT_EQ(client.get("/fixed").status, 200);
  ASSERT_TRUE(eventually(5s, [&] { return whole_lines(logs) == 1; }));
  std::filesystem::rename(logs / "access.log", logs / "access.log.1");
  ASSERT_EQ(client.get("/fixed").status, 200);
  ASSERT_TRUE(server.log().wait_event("log files reopened", 0, 10s));
  // The worker hears of it a moment later.
  std::uint64_t asked = 2;
  const auto logged_anew = [&] {
    EXPECT_EQ(client.get("/fixed").status, 200);
    ++asked;
    return !logs.read("access.log").empty();
  };
  EXPECT_TRUE(eventually(10s, logged_anew));
  EXPECT_TRUE(eventually(5s, [&] { return whole_lines(logs) == asked; }));

  std::filesystem::remove(logs / "access.log");
  ASSERT_TRUE(eventually(10s, [&] { return std::filesystem::exists(logs / "access.log"); }));
  EXPECT_TRUE(eventually(10s, logged_anew));
}

/// What stands in for a machine's syslog.
class SyslogReader {
 public:
  SyslogReader() { listen(); }
  std::string path() const { return dir_ / "log"; }
  void listen() {
    socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    std::filesystem::remove(path());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    std::filesystem::permissions(path(), std::filesystem::perms::all);
    std::filesystem::permissions(dir_.path(), std::filesystem::perms::all);
  }
  /// The first line that holds `word`.
  std::string wait_for(const std::string& word) {
    std::string found;
    (void)eventually(10s, [&] {
      std::string text(1 << 16, '\0');
      for (ssize_t size = 0;
           found.empty() && (size = ::recv(socket_.get(), text.data(), text.size(), 0)) > 0;) {
        const std::string line = text.substr(0, static_cast<std::size_t>(size));
        if (line.find(word) != std::string::npos) found = line;
      }
      return !found.empty();
    });
    return found;
  }

 private:
  TempDir dir_;
  Fd socket_;
};

TEST(log_lines, reach_syslog_one_by_one_also_after_it_was_started_anew) {
  SyslogReader syslog;
  const TempDir dir;
  dir.write("www/index.html", "x");
  ServerConfig config = logging_to("syslog:" + syslog.path());
  config.log = "error: {to: \"syslog:" + syslog.path() +
               "\", level: info}, access: {to: \"syslog:" + syslog.path() +
               "\", format: \"{method} {target} {status}\"}";
  dir.write("holdfast.yaml", config.yaml(dir));
  ChildProcess server({holdfast_binary(), "-c", dir / "holdfast.yaml"});
  const std::string listening = syslog.wait_for("listening listener=http ");
  EXPECT_THAT(listening,
              MatchesRegex("<30>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} holdfast\\[[0-9]+\\]: listening .*"));
  const std::size_t colon = listening.rfind(':');
  ASSERT_NE(colon, std::string::npos);
  const auto port = static_cast<std::uint16_t>(std::atoi(listening.c_str() + colon + 1));
  ASSERT_NE(syslog.wait_for(" ready"), "");
  ASSERT_EQ(Client(port).get("/fixed").status, 200);
  EXPECT_THAT(syslog.wait_for("GET /fixed"), MatchesRegex("<30>.* holdfast\\[[0-9]+\\]: GET /fixed 200"));
  syslog.listen();
  ASSERT_EQ(Client(port).get("/missing").status, 404);
  EXPECT_THAT(syslog.wait_for("GET /missing"), HasSubstr("]: GET /missing 404"));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(10s), (Exit{0, 0}));
  EXPECT_THAT(syslog.wait_for("stopped"), StartsWith("<30>"));
}

TEST(log_lines, have_the_device_names_of_the_standard_streams_for_targets) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  ServerConfig config;
  config.log = "error: {to: /dev/stderr, level: info}, access: {to: /dev/stdout, format: common}";
  dir.write("holdfast.yaml", config.yaml(dir));
  ChildProcess server({holdfast_binary(), "-c", dir / "holdfast.yaml"});
  LogCollector errors(std::move(server.err()));
  LogCollector lines(std::move(server.out()));
  const auto listening = errors.wait_event("listening", 0, 10s);
  ASSERT_TRUE(listening);
  ASSERT_TRUE(errors.wait_event("ready", 0, 10s));
  const std::string address = listening->field("address");
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  ASSERT_EQ(Client(port).get("/fixed").status, 200);
  EXPECT_TRUE(lines.wait(
      [](const LogLine& line) { return line.raw.find("\"GET /fixed HTTP/1.1\" 200") != line.raw.npos; }, 0,
      10s));
}

}  // namespace
}  // namespace holdfast::support
