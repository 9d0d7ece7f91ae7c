// A handler that has waited, while the worker did other things, and dies when it goes on: the line of the
// worker's death names its route and request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/process/calling_server.h"
#include "tests/support/http2_client.h"
#include "tests/support/other_server.h"
#include "tests/support/websocket_client.h"

namespace holdfast::support {
namespace {

constexpr std::uint32_t kStream = 1;

class CrashBehindAWait : public ::testing::Test {
 protected:
  CrashBehindAWait() : server_(config()) {
    server_.allow("worker ended");
    EXPECT_TRUE(server_.ready());
  }

  static ServerConfig config() {
    ServerConfig config;
    config.workers = 1;
    config.files["trial.so"] = module_bytes("trial.so");
    config.files["caller.so"] = module_bytes("caller.so");
    config.routes = route("/victim/{what}", "trial.so", "") + route("/other/{what}", "trial.so", "") +
                    route("/call/{what}", "caller.so", "");
    return config;
  }

  /// The worker serves another route, and is at nothing then.
  void do_something_else() {
    ASSERT_TRUE(eventually(10s, [&] { return get(server_.port(), "/other/alive").body == "1"; }));
    EXPECT_EQ(get(server_.port(), "/other/pause?ms=20").body, "paused");
  }
  void expect_blame(const std::string& request, const std::string& route, const std::string& module) {
    const auto line = server_.log().wait_event("worker ended", 0, 10s);
    ASSERT_TRUE(line) << server_.log().text();
    EXPECT_EQ(line->field("signal"), "6") << line->raw;
    EXPECT_EQ(line->field("request"), request) << line->raw;
    EXPECT_EQ(line->field("route"), route) << line->raw;
    EXPECT_THAT(line->field("module"), ::testing::HasSubstr(module)) << line->raw;
  }
  void expect_victim(const std::string& request) { expect_blame(request, "/victim/{what}", "/trial.so"); }

  ServerProcess server_;
};

TEST_F(CrashBehindAWait, for_the_pool) {
  const std::string target = "/victim/pool?then=crash&until=" + (server_.dir() / "go");
  Client client(server_.port());
  client.send(request_text("GET", target));
  do_something_else();
  server_.dir().write("go", "");
  expect_victim("GET " + target);
}

TEST_F(CrashBehindAWait, in_a_thread_of_the_pool) {
  const std::string target = "/victim/pool?then=crash_there&until=" + (server_.dir() / "go");
  Client client(server_.port());
  client.send(request_text("GET", target));
  do_something_else();
  server_.dir().write("go", "");
  expect_victim("GET " + target);
}

TEST_F(CrashBehindAWait, for_another_server) {
  OtherServer other;
  const std::string target = asking("crash", other.url());
  Client client(server_.port());
  client.send(request_text("GET", target));
  OtherConnection connection = other.accept();
  connection.receive_request();
  for (const char* part :
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nok\r\n", "0\r\n\r\n"}) {
    EXPECT_EQ(get(server_.port(), "/other/pause?ms=20").body, "paused");
    connection.send(part);
  }
  expect_blame("GET " + target, "/call/{what}", "/caller.so");
}

TEST_F(CrashBehindAWait, for_the_body) {
  Client client(server_.port());
  client.send("POST /victim/piece HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
  do_something_else();
  client.send("01234");
  expect_victim("POST /victim/piece");
}

TEST_F(CrashBehindAWait, for_the_end_of_the_body) {
  Client client(server_.port());
  client.send(
      "POST /victim/body?then=crash HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n");
  do_something_else();
  client.send("0\r\n\r\n");
  expect_victim("POST /victim/body?then=crash");
}

TEST_F(CrashBehindAWait, for_the_body_over_http2) {
  Http2Client client(server_.port());
  client.send_fields(kStream, request_fields("POST", "/victim/piece", "a.test"), false);
  do_something_else();
  client.send(FrameType::Data, 0, kStream, "01234");
  expect_victim("POST /victim/piece");
}

TEST_F(CrashBehindAWait, for_a_reader) {
  Client client(server_.port(), {.receive_buffer = 4096});
  client.send(request_text("GET", "/victim/stream?then=crash&blocks=2000"));
  do_something_else();
  EXPECT_FALSE(client.receive().ok());
  expect_victim("GET /victim/stream?then=crash&blocks=2000");
}

TEST_F(CrashBehindAWait, for_a_message) {
  WebSocketClient client(server_.port(), "/victim/talk");
  ASSERT_TRUE(client.open());
  do_something_else();
  client.send_text("crash");
  expect_victim("GET /victim/talk");
}

TEST_F(CrashBehindAWait, when_its_client_has_left) {
  {
    Client client(server_.port());
    client.send(request_text("GET", "/victim/never?then=crash"));
    do_something_else();
  }
  expect_victim("GET /victim/never?then=crash");
}

}  // namespace
}  // namespace holdfast::support
