#include <gtest/gtest.h>

#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

ServerConfig short_timeouts() {
  ServerConfig config;
  config.workers = 1;
  config.timeouts = "request_header: 300ms, request_body: 300ms, response_write: 500ms, keep_alive: 400ms";
  return config;
}

TEST(timeouts, a_client_that_sends_nothing_is_closed) {
  ServerProcess server(short_timeouts());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const TimePoint begin = Clock::now();
  EXPECT_EQ(client.closes_within(10s), Outcome::Ok);
  EXPECT_GE(Clock::now() - begin, 250ms);
}

TEST(timeouts, a_head_that_does_not_end_gets_408) {
  ServerProcess server(short_timeouts());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n");
  const Response response = client.receive();
  EXPECT_EQ(response.status, 408) << response;
  EXPECT_TRUE(response.closes());
  EXPECT_EQ(client.closes_within(5s), Outcome::Ok);
}

TEST(timeouts, a_head_that_drips_gets_408_all_the_same) {
  ServerProcess server(short_timeouts());
  ASSERT_TRUE(server.ready());
  Client client(server.port(), {.timeout = 20ms});
  client.send("GET / HTTP/1.1\r\nHost: a\r\n");
  Response response;
  // Each wait for the answer ends after 20 ms without one; then the next byte goes out.
  for (int i = 0; i < 200 && response.status == 0; ++i) {
    client.send("x");
    response = client.receive();
    if (response.outcome == Outcome::Timeout) response = Response{};
    if (!response.ok() && response.outcome != Outcome::NoAnswer) break;
  }
  EXPECT_EQ(response.status, 408) << response;
}

TEST(timeouts, a_body_that_stalls_gets_408) {
  ServerProcess server(short_timeouts());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send("POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
  const Response response = client.receive();
  EXPECT_TRUE(response.status == 408 || response.outcome == Outcome::ShortRead) << response;
  EXPECT_NE(client.closes_within(5s), Outcome::Timeout);
}

TEST(timeouts, an_idle_connection_is_closed_by_keep_alive) {
  ServerProcess server(short_timeouts());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  ASSERT_EQ(client.get("/fixed").status, 200);
  const TimePoint begin = Clock::now();
  EXPECT_EQ(client.closes_within(10s), Outcome::Ok);
  EXPECT_GE(Clock::now() - begin, 300ms);
}

TEST(timeouts, a_reader_that_makes_no_progress_is_reset) {
  ServerProcess server(short_timeouts());
  ASSERT_TRUE(server.ready());
  server.dir().write("www/big.bin", varied_bytes(32 << 20));
  Client client(server.port(), {.receive_buffer = 4096});
  client.send(request_text("GET", "/big.bin"));
  EXPECT_TRUE(eventually(10s, [&] { return scrape(server.admin_port()).sum("holdfast_connections") == 0; }));
}

}  // namespace
}  // namespace holdfast::support
