#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/process/calling_server.h"
#include "tests/support/http2_client.h"
#include "tests/support/other_server.h"

namespace holdfast::support {
namespace {

using ::testing::StartsWith;

TEST(fetching, gets_posts_and_streams_from_another_holdfast) {
  ServerProcess other(other_config());
  ServerProcess server(with_caller());
  ASSERT_TRUE(other.ready() && server.ready());
  EXPECT_EQ(get(server.port(), asking("whole", url_of(other, "/fixed"))).body, "200 fixed answer");
  EXPECT_THAT(get(server.port(), asking("whole", url_of(other, "/nothing"))).body, StartsWith("404 "));
  Client client(server.port());
  EXPECT_EQ(client.request("GET", asking("whole", url_of(other, "/fixed"), "&method=HEAD")).body, "200 ");
  client.send(request_text("POST", asking("whole", url_of(other, "/api/echo"), "&method=POST"), "",
                           std::string(90'000, 'p')));
  EXPECT_EQ(client.receive().body, "200 " + std::string(90'000, 'p'));
  const Response streamed = client.get(asking("stream", url_of(other, "/trial/stream")));
  EXPECT_TRUE(streamed.ok());
  EXPECT_EQ(streamed.body.size(), 1'000'000u);
  EXPECT_EQ(client.get(asking("both", url_of(other, "/fixed"))).body, "fixed answerfixed answer");
  const std::string by_name = "http://localhost:" + std::to_string(other.port()) + "/fixed";
  EXPECT_EQ(client.get(asking("whole", by_name)).body, "200 fixed answer");
  EXPECT_TRUE(alive_becomes(server, "0"));
}

/// The resident memory of the one worker of `server`.
std::size_t worker_kib(const ServerProcess& server) {
  return resident_kib(server.workers().front());
}

TEST(fetching, large_answers_wait_for_slow_readers_in_bounded_memory) {
  ServerProcess other(other_config());
  ServerProcess server(with_caller());
  ASSERT_TRUE(other.ready() && server.ready());
  ASSERT_EQ(get(server.port(), asking("whole", url_of(other, "/fixed"))).status, 200);
  const std::size_t before = worker_kib(server);
  // 100 MB for each of these, which none of them takes.
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(std::make_unique<Client>(server.port(), ClientOptions{.receive_buffer = 4096}));
    slow.back()->send(request_text("GET", asking("stream", url_of(other, "/trial/stream?blocks=10000"))));
    EXPECT_EQ(slow.back()->receive_head().status, 200);
  }
  Client quick(server.port());
  const Response all = quick.get(asking("stream", url_of(other, "/trial/stream?blocks=10000")));
  EXPECT_TRUE(all.ok());
  EXPECT_EQ(all.body.size(), 100'000'000u);
  EXPECT_LT(worker_kib(server), before + 16 * 1024) << "what is not read stays with the other server";
  slow.clear();
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(fetching, reads_no_more_than_its_credit) {
  OtherServer other;
  ServerProcess server(with_caller());
  ASSERT_TRUE(server.ready());
  Http2Client client(server.port());
  const std::uint32_t stream = client.request(request_fields("GET", asking("hold", other.url())));
  OtherConnection connection = other.accept();
  ASSERT_THAT(connection.receive_request(), StartsWith("GET / HTTP/1.1\r\nHost: 127.0.0.1:"));
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
  const std::size_t taken = connection.send_until_stuck(std::string(30'000'000, 'x'), 500ms);
  // Its 64 KiB, and what the kernel keeps for both sockets.
  EXPECT_LT(taken, 20'000'000u);
  constexpr std::uint32_t kCancel = 8;
  client.send(FrameType::Reset, 0, stream, big_endian(kCancel));
  EXPECT_TRUE(connection.closed_within(10s));
}

TEST(fetching, the_relay_of_the_examples_hands_on_answers_and_failures) {
  ServerProcess other(other_config());
  OtherServer silent;
  std::uint16_t closed;
  { closed = OtherServer().port(); }
  ServerConfig config;
  config.workers = 1;
  config.files["relay.so"] = module_bytes("relay.so");
  ASSERT_TRUE(other.ready());
  config.routes = route("/relay", "relay.so", "url: \"" + url_of(other, "/trial/stream") + "\"") +
                  route("/file", "relay.so", "url: \"" + url_of(other, "/index.html") + "\"") +
                  route("/closed", "relay.so", "url: \"http://127.0.0.1:" + std::to_string(closed) + "/\"") +
                  route("/played", "relay.so", "url: \"" + silent.url("/?a=b") + "\"") +
                  route("/silent", "relay.so", "idle_timeout: 300ms, url: \"" + silent.url() + "\"");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("the other server has no answer");
  Client client(server.port());
  EXPECT_EQ(client.get("/relay?blocks=3").body.size(), 30'000u);
  const Response file = client.get("/file");
  EXPECT_EQ(file.status, 200);
  EXPECT_EQ(file.field("content-type"), get(other.port(), "/index.html").field("content-type"));
  ASSERT_NE(file.field("etag"), "");
  EXPECT_FALSE(file.chunked) << "the length is handed on";
  EXPECT_EQ(client.request("GET", "/file", "If-None-Match: " + file.field("etag") + "\r\n").status, 304);
  client.send(request_text("HEAD", "/file"));
  const Response head = client.receive(Expect::NoBody);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("content-length"), file.field("content-length"));
  client.send(request_text("GET", "/played?c=d"));
  OtherConnection connection = silent.accept();
  EXPECT_THAT(connection.receive_request(), StartsWith("GET /?a=b&c=d HTTP/1.1\r\n"));
  connection.send("HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-End: 2\r\nContent-Length: 0\r\n\r\n");
  const Response played = client.receive();
  EXPECT_EQ(played.status, 200);
  EXPECT_FALSE(played.has("x-hop"));
  EXPECT_EQ(played.field("x-end"), "2");
  connection.end();
  EXPECT_EQ(client.get("/closed").status, 502);
  EXPECT_EQ(client.get("/silent").status, 504);
}

}  // namespace
}  // namespace holdfast::support
