// A worker that dies tells where and of what; a route that kills too many of them is fused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <random>

#include "tests/process/calling_server.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const int kCrashes = tested_is_sanitized() ? 10 : 100;

/// Several routes of one faulty handler, so that one of them has to be named.
ServerConfig with_faulty_routes(int routes, int workers = 1) {
  ServerConfig config;
  config.workers = workers;
  config.process = "respawn: {initial_delay: 1ms, max_delay: 20ms}";
  config.files["faulty.so"] = module_bytes("faulty.so");
  for (int i = 0; i < routes; ++i)
    config.routes += route("/faulty" + std::to_string(i) + "/{what}", "faulty.so", "");
  return config;
}

/// Sends a request that the worker does not survive; the line of its death.
LogLine death_by(ServerProcess& server, const std::string& target) {
  const std::size_t mark = server.log().mark();
  Client client(server.port());
  client.send(request_text("GET", target, "X-Request-ID: id-of-" + std::to_string(mark) + "\r\n"));
  EXPECT_FALSE(client.receive().ok());
  const auto line = server.log().wait_event("worker ended", mark, 10s);
  EXPECT_TRUE(line) << server.log().text();
  return line.value_or(LogLine{});
}

// Sanitizers report faults themselves, and end with an exit code; an abort is left to us.
TEST(crash, is_told_with_fault_and_backtrace) {
  if (tested_is_sanitized()) GTEST_SKIP() << "sanitizers tell of faults themselves";
  ServerProcess server(with_faulty_routes(1));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  server.allow("route fused");
  struct Case {
    const char* what;
    int signal;
    const char* fault;
  };
  for (const Case& c : {Case{"segv", SIGSEGV, "SEGV_ACCERR at 0x"}, Case{"trap", SIGILL, "SIGILL at 0x"},
                        Case{"raise", SIGFPE, "SIGFPE"}, Case{"overflow", SIGSEGV, "SEGV_"}}) {
    const LogLine line = death_by(server, std::string("/faulty0/") + c.what);
    EXPECT_EQ(line.number("signal"), c.signal) << line.raw;
    EXPECT_THAT(line.field("fault"), StartsWith(c.fault)) << line.raw;
    EXPECT_THAT(line.field("fault"), Not(HasSubstr("thread"))) << line.raw;
    EXPECT_THAT(line.field("backtrace"), AllOf(HasSubstr("faulty.so+0x"), HasSubstr(" "))) << line.raw;
    EXPECT_EQ(line.field("route"), "/faulty0/{what}") << line.raw;
  }
}

TEST(crash, of_another_thread_is_told_likewise) {
  if (tested_is_sanitized()) GTEST_SKIP() << "sanitizers tell of faults themselves";
  ServerProcess server(with_faulty_routes(1));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  const LogLine line = death_by(server, "/faulty0/thread");
  EXPECT_EQ(line.number("signal"), SIGSEGV) << line.raw;
  EXPECT_THAT(line.field("fault"), HasSubstr(" in thread ")) << line.raw;
  EXPECT_THAT(line.field("backtrace"), StartsWith("faulty.so+0x")) << line.raw;
}

TEST(crash, by_an_exception_that_nobody_catches_tells_its_words) {
  ServerProcess server(with_faulty_routes(1));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  const LogLine line = death_by(server, "/faulty0/terminate");
  EXPECT_EQ(line.number("signal"), SIGABRT) << line.raw;
  EXPECT_EQ(line.field("what"), "nobody catches this") << line.raw;
  EXPECT_THAT(line.field("backtrace"), HasSubstr("faulty.so+0x")) << line.raw;
  const JsonValue status = server.status();
  const JsonValue& death = status["deaths"].items().back();
  EXPECT_EQ(death["what"].text(), "nobody catches this");
  EXPECT_EQ(death["reason"].text(), "signal");
  EXPECT_EQ(death["request"].text(), "GET /faulty0/terminate");
}

TEST(crash, by_leaving_is_told_with_the_exit_code) {
  ServerProcess server(with_faulty_routes(1));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  const LogLine line = death_by(server, "/faulty0/exit");
  EXPECT_EQ(line.number("exit"), 7) << line.raw;
  EXPECT_EQ(line.field("request"), "GET /faulty0/exit");
  EXPECT_THAT(line.field("backtrace"), IsEmpty());
}

TEST(crash, names_the_right_route_each_time) {
  constexpr int kRoutes = 25;  // each of them stays below the number that fuses it
  ServerConfig config = with_faulty_routes(kRoutes, 2);
  config.more = "request_id: {mode: accept}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  Load others(server.port(), {.kind = Load::Kind::Flood, .threads = 1, .target = "/fixed"});
  std::minstd_rand random(3);
  std::vector<int> order;
  for (int i = 0; i < kCrashes; ++i) order.push_back(i % kRoutes);
  std::shuffle(order.begin(), order.end(), random);
  for (const int number : order) {
    const std::string path = "/faulty" + std::to_string(number);
    const LogLine line = death_by(server, path + "/abort");
    ASSERT_EQ(line.field("route"), path + "/{what}") << line.raw;
    ASSERT_EQ(line.field("request"), "GET " + path + "/abort") << line.raw;
    ASSERT_THAT(line.field("request_id"), StartsWith("id-of-")) << line.raw;
    ASSERT_THAT(line.field("backtrace"), HasSubstr("faulty.so+0x")) << line.raw;
  }
  others.stop();
  EXPECT_EQ(server.status()["deaths"].items().size(), std::min(kCrashes, 20));
}

TEST(crash, from_outside_is_blamed_on_nobody) {
  ServerProcess server(with_faulty_routes(1));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  // As the kernel does when memory is short: it says nothing about the request that was in work.
  for (int i = 0; i < 6; ++i) EXPECT_EQ(death_by(server, "/faulty0/kill").number("signal"), SIGKILL);
  EXPECT_EQ(get(server.port(), "/faulty0/nothing").status, 200);
}

/// Kills workers until the route is fused.
void blow_the_fuse(ServerProcess& server) {
  const std::size_t mark = server.log().mark();
  for (int i = 0; i < 5; ++i) death_by(server, "/faulty0/abort");
  ASSERT_TRUE(server.log().wait_event("route fused: its requests have ended too many workers", mark, 10s));
}

/// One sees the master's word a moment after the log.
bool answers(const ServerProcess& server, const std::string& target, int status) {
  return eventually(10s, [&] { return get(server.port(), target).status == status; });
}

TEST(fuse, stops_a_route_that_kills_workers_and_no_other) {
  ServerProcess server(with_faulty_routes(2));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  server.allow("route fused");
  blow_the_fuse(server);
  ASSERT_TRUE(answers(server, "/faulty0/nothing", 503));
  const Response refused = get(server.port(), "/faulty0/abort");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("retry-after"), "60");
  EXPECT_EQ(get(server.port(), "/faulty1/nothing").status, 200);
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  EXPECT_THAT(get(server.admin_port(), "/metrics").body,
              HasSubstr("holdfast_route_fused{site=\"main\",route=\"/faulty0/{what}\"} 1"));
  const JsonValue status = server.status();
  ASSERT_EQ(status["fused_routes"].items().size(), 1u);
  EXPECT_EQ(status["fused_routes"].items()[0]["route"].text(), "/faulty0/{what}");

  // A worker that is born later holds to it.
  const std::size_t mark = server.log().mark();
  ::kill(server.workers().at(0), SIGKILL);
  ASSERT_TRUE(server.log().wait_event("worker started", mark, 10s));
  EXPECT_TRUE(answers(server, "/fixed", 200));
  EXPECT_EQ(get(server.port(), "/faulty0/nothing").status, 503);
}

TEST(fuse, holds_with_more_workers_and_ends_with_a_reload) {
  ServerProcess server(with_faulty_routes(1));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  server.allow("route fused");
  blow_the_fuse(server);
  const std::size_t mark = server.log().mark();
  server.signal(SIGTTIN);
  ASSERT_TRUE(server.log().wait_event("reload complete", mark, 10s));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(server.port(), "/faulty0/nothing").status, 503);
  ASSERT_EQ(server.reload().event, "reload complete");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(server.port(), "/faulty0/nothing").status, 200);
  EXPECT_THAT(get(server.admin_port(), "/metrics").body,
              HasSubstr("holdfast_route_fused{site=\"main\",route=\"/faulty0/{what}\"} 0"));
}

TEST(fuse, is_reset_by_command) {
  ServerProcess server(with_faulty_routes(1));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  server.allow("route fused");
  const auto unfuse = [&] { return run_command({holdfast_binary(), "unfuse", "-c", server.config_file()}); };
  EXPECT_EQ(unfuse().out, "no route was fused\n");
  blow_the_fuse(server);
  ASSERT_TRUE(answers(server, "/faulty0/nothing", 503));
  const CommandResult result = unfuse();
  EXPECT_EQ(result.code(), 0);
  EXPECT_EQ(result.out, "1 route takes requests again\n");
  EXPECT_TRUE(answers(server, "/faulty0/nothing", 200));
  EXPECT_TRUE(server.status()["fused_routes"].items().empty());
}

}  // namespace
}  // namespace holdfast::support
