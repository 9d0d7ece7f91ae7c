#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

constexpr std::string_view kChunked =
    "POST /api/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

// Anonymous memory of the process in KiB.
long memory_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("RssAnon:")) return std::stol(line.substr(8));
  return 0;
}

TEST(echo, gives_back_a_body_with_a_length) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  for (const std::size_t size : {1, 100, 4096, 65536, 1'000'000}) {
    const std::string body = varied_bytes(size);
    ASSERT_EQ(client.send(request_text("POST", "/api/echo", "", body)), Outcome::Ok);
    const Response response = client.receive();
    ASSERT_TRUE(response.ok()) << size << ": " << response;
    EXPECT_TRUE(response.body == body) << size;
  }
}

TEST(echo, gives_back_one_mebibyte_of_chunks) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const std::string body = varied_bytes(1 << 20);
  Client client(server.port());
  std::thread sender([&] { client.send(std::string(kChunked) + chunked(body, 1000)); });
  const Response response = client.receive();
  sender.join();
  EXPECT_TRUE(response.ok()) << response;
  EXPECT_TRUE(response.body == body);
  EXPECT_EQ(client.get("/fixed").body, "fixed answer");
}

TEST(echo, gives_back_every_byte_to_a_slow_reader) {
  ServerConfig config;
  config.limits = "request_body: 64MiB";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::string body = varied_bytes(8 << 20);
  ClientOptions slow;
  slow.receive_buffer = 8192;
  Client client(server.port(), slow);
  std::thread sender([&] { client.send(std::string(kChunked) + chunked(body, 70'000)); });
  const Response response = client.receive();
  sender.join();
  EXPECT_TRUE(response.ok()) << response;
  EXPECT_TRUE(response.body == body);
}

TEST(echo, stops_reading_from_a_client_that_does_not_read) {
  ServerConfig config;
  config.workers = 1;
  config.limits = "request_body: 1GiB";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  ASSERT_EQ(server.workers().size(), 1u);
  const pid_t worker = server.workers()[0];
  const long before = memory_of(worker);
  ClientOptions slow;
  slow.receive_buffer = 4096;
  Client client(server.port(), slow);
  const std::string body = varied_bytes(64 << 20);
  client.send("POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  const std::size_t taken = client.send_until_stuck(body, 500ms);
  EXPECT_LT(taken, body.size() / 2) << "socket buffers hold a few MiB; the rest must stay with the client";
  EXPECT_LT(memory_of(worker) - before, 4096) << "KiB";
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

TEST(echo, asks_for_the_body_with_100_continue) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send("POST /api/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  client.send("hello");
  const Response response = client.receive();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
}

TEST(echo, refuses_a_too_large_body_without_asking_for_it) {
  ServerConfig config;
  config.limits = "request_body: 1KiB";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send("POST /api/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
  EXPECT_EQ(client.receive().status, 413);
}

TEST(echo, refuses_an_expectation_it_does_not_know) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send("POST /api/echo HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.receive().status, 417);
}

}  // namespace
}  // namespace holdfast::support
