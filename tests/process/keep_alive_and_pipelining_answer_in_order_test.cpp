#include <gtest/gtest.h>

#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

std::string file_name(int i) {
  return "/f" + std::to_string(i) + ".txt";
}

TEST(keep_alive, many_requests_go_through_one_connection) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  for (int i = 0; i < 200; ++i) {
    const Response response = client.get("/api/hello");
    ASSERT_TRUE(response.ok() && response.status == 200 && !response.closes()) << i << ": " << response;
  }
}

TEST(keep_alive, ends_when_the_client_asks_for_it) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const Response response = client.request("GET", "/api/hello", "Connection: close\r\n");
  EXPECT_TRUE(response.closes()) << response;
  EXPECT_EQ(client.closes_within(5s), Outcome::Ok);
}

TEST(keep_alive, is_kept_for_http_1_0_only_on_demand) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client plain(server.port());
  plain.send("GET /fixed HTTP/1.0\r\n\r\n");
  const Response once = plain.receive();
  EXPECT_EQ(once.body, "fixed answer");
  EXPECT_FALSE(once.chunked);
  EXPECT_EQ(plain.closes_within(5s), Outcome::Ok);

  Client keeping(server.port());
  for (int i = 0; i < 3; ++i) {
    keeping.send("GET /fixed HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const Response response = keeping.receive();
    ASSERT_TRUE(response.ok() && response.body == "fixed answer") << i << ": " << response;
    EXPECT_FALSE(response.closes()) << response;
  }
}

TEST(pipelining, answers_come_in_the_order_of_the_requests) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  std::string requests;
  for (int i = 0; i < 16; ++i) {
    server.dir().write("www" + file_name(i),
                       "content " + std::to_string(i) + std::string(static_cast<std::size_t>(i) * 997, 'x'));
    requests += request_text("GET", file_name(i));
  }
  Client client(server.port());
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(client.send(requests), Outcome::Ok);
    for (int i = 0; i < 16; ++i) {
      const Response response = client.receive();
      ASSERT_TRUE(response.ok()) << response;
      ASSERT_EQ(response.body, server.dir().read("www" + file_name(i)));
    }
  }
}

TEST(pipelining, bodies_and_other_methods_keep_their_place) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send(request_text("POST", "/api/echo", "", "first") + request_text("GET", "/missing") +
              "POST /api/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
              chunked("second", 2) + request_text("HEAD", "/") + request_text("GET", "/fixed"));
  EXPECT_EQ(client.receive().body, "first");
  EXPECT_EQ(client.receive().status, 404);
  EXPECT_EQ(client.receive().body, "second");
  EXPECT_EQ(client.receive(Expect::NoBody).status, 200);
  EXPECT_EQ(client.receive().body, "fixed answer");
}

TEST(pipelining, a_client_that_never_reads_does_not_grow_the_server) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  server.dir().write("www/big.bin", varied_bytes(1 << 20));
  ClientOptions slow;
  slow.receive_buffer = 4096;
  Client client(server.port(), slow);
  std::string requests;
  for (int i = 0; i < 200'000; ++i) requests += request_text("GET", "/big.bin");
  // The server stops reading requests while the answers wait: what it has taken is bounded by buffers, not by
  // the client.
  EXPECT_LT(client.send_until_stuck(requests, 500ms), requests.size());
  EXPECT_EQ(get(server.port(), "/fixed").status, 200) << "other clients are served meanwhile";
}

TEST(half_close, a_client_that_has_ended_its_side_still_gets_its_answers) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const std::string bytes = varied_bytes(3'000'000);
  server.dir().write("www/big.bin", bytes);
  Client client(server.port());
  client.send(request_text("GET", "/fixed") + request_text("GET", "/big.bin"));
  client.end_sending();
  EXPECT_EQ(client.receive().body, "fixed answer");
  EXPECT_TRUE(client.receive().body == bytes);
  EXPECT_EQ(client.closes_within(5s), Outcome::Ok);
}

}  // namespace
}  // namespace holdfast::support
