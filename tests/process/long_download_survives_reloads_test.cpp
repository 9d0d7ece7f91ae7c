#include <gtest/gtest.h>

#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

TEST(long_download, completes_across_three_reloads_with_every_byte_right) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const std::string bytes = varied_bytes(48 << 20);
  server.dir().write("www/large.bin", bytes);
  Client client(server.port(), {.receive_buffer = 65536});
  ASSERT_EQ(client.send(request_text("GET", "/large.bin")), Outcome::Ok);
  const Response head = client.receive_head();
  ASSERT_TRUE(head.ok() && head.status == 200) << head;
  std::string received;
  for (int part = 1; part <= 4; ++part) {
    while (received.size() < bytes.size() * static_cast<std::size_t>(part) / 5) {
      const std::string piece = client.receive_some(100'000);
      ASSERT_FALSE(piece.empty()) << "cut after " << received.size();
      received += piece;
    }
    if (part <= 3) {
      ASSERT_EQ(server.reload().event, "reload complete");
    }
  }
  for (std::string piece; !(piece = client.receive_some(1 << 20)).empty();) received += piece;
  EXPECT_EQ(received.size(), bytes.size());
  EXPECT_TRUE(received == bytes);
}

TEST(long_download, of_an_upload_completes_across_a_reload) {
  ServerConfig config;
  config.limits = "request_body: 64MiB";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::string body = varied_bytes(200'000);
  Client client(server.port());
  client.send("POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  client.send(std::string_view(body).substr(0, 1000));
  ASSERT_EQ(server.reload().event, "reload complete");
  client.send(std::string_view(body).substr(1000));
  const Response response = client.receive();
  EXPECT_TRUE(response.ok()) << response;
  EXPECT_TRUE(response.body == body);
}

}  // namespace
}  // namespace holdfast::support
