#include <gtest/gtest.h>

#include "tests/support/deadline.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

ServerConfig small_limits() {
  ServerConfig config;
  config.limits = "request_line: 256, request_headers: 1KiB, header_count: 10, request_body: 1KiB";
  return config;
}

// Sends, then reads the one answer; the connection must close in an orderly way behind it.
int refusal(std::uint16_t port, const std::string& bytes) {
  Client client(port);
  client.send(bytes);
  const Response response = client.receive();
  EXPECT_TRUE(response.ok()) << response;
  EXPECT_EQ(client.closes_within(10s), Outcome::Ok);
  return response.status;
}

TEST(limits, garbage_gets_400) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(refusal(server.port(), "\x16\x03\x01\x02garbage\r\n\r\n"), 400);
  EXPECT_EQ(refusal(server.port(), "complete nonsense without a version\r\n\r\n"), 400);
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

TEST(limits, a_long_request_line_gets_414) {
  ServerProcess server(small_limits());
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(refusal(server.port(), request_text("GET", "/" + std::string(300, 'a'))), 414);
}

TEST(limits, a_large_head_gets_431) {
  ServerProcess server(small_limits());
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(refusal(server.port(), request_text("GET", "/", "X-Long: " + std::string(1200, 'a') + "\r\n")),
            431);
}

TEST(limits, too_many_fields_get_431) {
  ServerProcess server(small_limits());
  ASSERT_TRUE(server.ready());
  std::string fields;
  for (int i = 0; i < 12; ++i) fields += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_EQ(refusal(server.port(), request_text("GET", "/", fields)), 431);
}

TEST(limits, a_head_without_end_gets_431_and_costs_no_more) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n");
  // What comes behind the answer is thrown away, so that the sender can see the answer once it looks.
  const std::string field = "X-Filler: " + std::string(4000, 'f') + "\r\n";
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(client.send(field), Outcome::Ok) << i;
  EXPECT_EQ(client.receive().status, 431);
  EXPECT_EQ(client.closes_within(5s), Outcome::Ok);
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);

  Client stops(server.port());
  stops.send("GET / HTTP/1.1\r\nHost: a\r\nX-Filler: " + std::string(50'000, 'f'));
  EXPECT_EQ(stops.receive().status, 431);
}

TEST(limits, a_body_above_the_limit_gets_413_whichever_way_it_comes) {
  ServerProcess server(small_limits());
  ASSERT_TRUE(server.ready());
  const std::string body(2000, 'b');
  Client client(server.port());
  client.send(request_text("POST", "/api/echo", "", body));
  EXPECT_EQ(client.receive().status, 413);
  const std::string in_chunks =
      "POST /api/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 1100);
  EXPECT_EQ(refusal(server.port(), in_chunks), 413);
  const std::string head = "POST /fixed HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n";
  EXPECT_EQ(refusal(server.port(), head), 413);
}

TEST(limits, what_is_just_within_them_is_served) {
  ServerProcess server(small_limits());
  ASSERT_TRUE(server.ready());
  const std::string body(1024, 'b');
  Client client(server.port());
  client.send(request_text("POST", "/api/echo", "", body));
  EXPECT_EQ(client.receive().body, body);
  EXPECT_EQ(client.get("/fixed?" + std::string(230, 'q')).status, 200);
}

TEST(limits, connections_above_the_limit_are_refused_and_counted) {
  ServerConfig config;
  config.workers = 1;
  config.limits = "connections: 20";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("accepting paused");
  std::vector<std::unique_ptr<Client>> clients;
  int served = 0;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<Client>(server.port(), ClientOptions{.timeout = 300ms}));
    served += clients.back()->get("/fixed").ok() ? 1 : 0;
  }
  EXPECT_LE(served, 20);
  EXPECT_GE(served, 10);
  clients.clear();
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

}  // namespace
}  // namespace holdfast::support
