// Workers, and the modules in them, can do what serving takes and nothing else: other system calls end the
// worker and are named, other files are refused. Routes may ask for more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "tests/process/calling_server.h"
#include "tests/support/load.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

bool kernel_has_landlock() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

class Sandbox : public ::testing::Test {
 protected:
  void SetUp() override {
    if (tested_is_sanitized()) GTEST_SKIP() << "sanitizers need calls and files that the sandbox takes away";
    if (!kernel_has_landlock()) GTEST_SKIP() << "this kernel has no landlock";
  }
};

std::string prisoner_route(const std::string& path, const std::string& settings = "",
                           const std::string& wishes = "") {
  return route(path, "prisoner.so", settings) + (wishes.empty() ? "" : "        sandbox: {" + wishes + "}\n");
}

/// Several routes of it, since one that kills too often is fused.
ServerConfig with_prisoner(const std::string& wishes = "") {
  ServerConfig config;
  config.workers = 1;
  config.process = "respawn: {initial_delay: 1ms, max_delay: 20ms}";
  config.files["prisoner.so"] = module_bytes("prisoner.so");
  for (int i = 0; i < 3; ++i)
    config.routes += prisoner_route("/try" + std::to_string(i) + "/{what}", "", i == 0 ? wishes : "");
  return config;
}

std::string try_file(const ServerProcess& server, const std::string& what, const std::string& path) {
  return get(server.port(), "/try0/" + what + "?path=" + query_escaped(path)).body;
}

LogLine death_by(ServerProcess& server, const std::string& target) {
  const std::size_t mark = server.log().mark();
  Client client(server.port());
  client.send(request_text("GET", target));
  const Response answer = client.receive();
  EXPECT_FALSE(answer.ok()) << target << ": " << answer.body;
  const auto line = server.log().wait_event("worker ended", mark, 10s);
  EXPECT_TRUE(line) << server.log().text();
  return line.value_or(LogLine{});
}

TEST_F(Sandbox, names_the_call_that_a_worker_died_of) {
  ServerProcess server(with_prisoner());
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  struct Case {
    const char* what;
    const char* call;
    int number;
  };
  int routes = 0;
  for (const Case& c : {Case{"ptrace", "ptrace", SYS_ptrace}, Case{"unshare", "unshare", SYS_unshare},
                        Case{"execve", "execve", SYS_execve}, Case{"fork", "clone", SYS_clone},
                        Case{"packets", "socket", SYS_socket}, Case{"kill_parent", "kill", SYS_kill},
                        Case{"bind", "bind", SYS_bind}, Case{"unnamed", "without a name", 100'000}}) {
    const LogLine line = death_by(server, "/try" + std::to_string(routes++ / 3) + "/" + c.what);
    EXPECT_EQ(line.number("signal"), SIGSYS) << line.raw;
    EXPECT_EQ(line.field("fault"),
              "blocked system call: " + std::string(c.call) + " (" + std::to_string(c.number) + ")");
    EXPECT_THAT(line.field("module"), HasSubstr("prisoner.so")) << line.raw;
    EXPECT_THAT(line.field("backtrace"), HasSubstr("prisoner.so+0x")) << line.raw;
  }
  EXPECT_TRUE(eventually(10s, [&] {
    const JsonValue status = server.status();
    return status["deaths"].items().back()["fault"].text() == "blocked system call: without a name (100000)";
  }));
}

TEST_F(Sandbox, is_that_of_all_threads) {
  ServerProcess server(with_prisoner());
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  const LogLine line = death_by(server, "/try0/thread");
  EXPECT_THAT(line.field("fault"), AllOf(StartsWith("blocked system call: ptrace"), HasSubstr(" in thread ")));
}

TEST_F(Sandbox, of_one_worker_is_no_matter_of_the_others) {
  ServerConfig config = with_prisoner();
  config.workers = 2;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  // The connection of its client is with the other worker, or with this one and lost; new ones never fail.
  (void)death_by(server, "/try0/ptrace");
  EXPECT_TRUE(eventually(10s, [&] { return server.workers().size() == 2; }));
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  EXPECT_EQ(get(server.port(), "/try0/netlink").body, "EAFNOSUPPORT") << "libraries ask, and have another way";
}

TEST_F(Sandbox, leaves_only_the_files_that_the_configuration_names) {
  ServerProcess server(with_prisoner());
  ASSERT_TRUE(server.ready());
  const std::string index = server.dir() / "www/index.html";
  EXPECT_EQ(try_file(server, "read", index), "done");
  EXPECT_EQ(try_file(server, "write", index), "EACCES");
  EXPECT_EQ(try_file(server, "read", "/etc/passwd"), "EACCES");
  const std::string stray = "/tmp/holdfast-stray-" + std::to_string(server.pid());
  EXPECT_EQ(try_file(server, "write", stray), "EACCES");
  EXPECT_FALSE(std::filesystem::exists(stray));
  EXPECT_EQ(try_file(server, "read", "/proc/" + std::to_string(server.pid()) + "/status"), "EACCES");
  EXPECT_EQ(get(server.port(), "/").status, 200);
}

TEST_F(Sandbox, gives_what_a_route_asks_for) {
  const TempDir data;
  data.write("kept", "x");
  // The workers' account is another when the tests are run by root.
  std::filesystem::permissions(data.path(), std::filesystem::perms::all);
  ServerProcess server(
      with_prisoner("system_calls: [bind], read: [/etc/passwd], write: [" + data.path().string() + "]"));
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(get(server.port(), "/try0/bind").body, "done");
  EXPECT_EQ(get(server.port(), "/try1/bind").body, "done") << "one process serves all routes";
  EXPECT_EQ(try_file(server, "read", "/etc/passwd"), "done");
  EXPECT_EQ(try_file(server, "read", "/etc/group"), "EACCES");
  const std::string file = data / "made";
  EXPECT_EQ(try_file(server, "write", file), "done");
  EXPECT_EQ(try_file(server, "rename", file), "done");
  EXPECT_TRUE(std::filesystem::exists(file + ".renamed"));
  EXPECT_EQ(try_file(server, "unlink", file + ".renamed"), "done");
  EXPECT_FALSE(std::filesystem::exists(file + ".renamed"));
  EXPECT_EQ(try_file(server, "unlink", server.dir() / "www/index.html"), "EACCES");

  server.write_config(with_prisoner());
  EXPECT_EQ(server.reload().event, "reload complete");
  EXPECT_EQ(try_file(server, "read", "/etc/passwd"), "EACCES") << "what is asked for no longer";
}

TEST_F(Sandbox, is_whole_or_nothing_when_it_is_strict) {
  ServerConfig config = with_prisoner();
  config.process += ", sandbox: strict";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(try_file(server, "read", "/etc/passwd"), "EACCES");
  EXPECT_EQ(run_command({holdfast_binary(), "check", "-c", server.config_file()}).code(), 0);
}

TEST_F(Sandbox, can_be_switched_off) {
  ServerConfig config = with_prisoner();
  config.process += ", sandbox: off";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(try_file(server, "read", "/etc/passwd"), "done");
  EXPECT_EQ(get(server.port(), "/try0/bind").body, "done");
}

TEST_F(Sandbox, is_entered_by_check_before_it_opens_modules) {
  ServerConfig config = with_prisoner();
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  config.routes += prisoner_route("/first", "first: ptrace");
  server.write_config(config);
  const CommandResult check = run_command({holdfast_binary(), "check", "-c", server.config_file()});
  EXPECT_EQ(check.code(), 78);
  EXPECT_THAT(check.err, AllOf(HasSubstr("blocked system call: ptrace"), HasSubstr("prisoner.so")))
      << check.err;
  server.allow("worker ended");
  server.allow("worker held back");
  server.allow("reload problem");
  server.allow("reload refused");
  const LogLine refused = server.reload();
  EXPECT_THAT(refused.raw, HasSubstr("refused")) << "the old workers go on";
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

TEST(sandbox_settings, that_cannot_be_had_are_told_with_their_place) {
  const TempDir dir;
  const auto told_of = [&dir](const std::string& wishes) {
    ServerConfig config;
    config.routes = "      - {path: /x, hello: {}, sandbox: {" + wishes + "}}\n";
    dir.write("www/index.html", "x");
    const CommandResult check =
        run_command({holdfast_binary(), "check", "-c", dir.write("holdfast.yaml", config.yaml(dir))});
    EXPECT_EQ(check.code(), 78) << wishes;
    return check.err;
  };
  EXPECT_THAT(told_of("system_calls: [bnid]"), HasSubstr("did you mean `bind`?"));
  EXPECT_THAT(told_of("system_calls: [execve]"), HasSubstr("must not hold calls that reach other programs"));
  EXPECT_THAT(told_of("read: [/no/such/place]"), HasSubstr("sandbox.read: /no/such/place: No such file"));
  EXPECT_THAT(told_of("writes: [/tmp]"), HasSubstr("did you mean `write`?"));
}

}  // namespace
}  // namespace holdfast::support
