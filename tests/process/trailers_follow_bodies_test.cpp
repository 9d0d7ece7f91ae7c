#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/process/test_modules.h"
#include "tests/support/client.h"
#include "tests/support/http2_client.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::EndsWith;

ServerConfig with_digest() {
  ServerConfig config;
  config.workers = 1;
  config.limits = "header_count: 20, request_headers: 4KiB";
  config.files["digest.so"] = module_bytes("digest.so");
  config.routes = "      - path: /digest\n        module: {file: digest.so}\n";
  return config;
}

/// A request with a body and trailers, on stream 1.
Response ask(Http2Client& client, std::uint32_t stream, std::string_view body, const FieldList& trailers) {
  client.send_fields(stream, request_fields("POST", "/digest"), false);
  client.send(FrameType::Data, 0, stream, body);
  client.send_fields(stream, trailers, true);
  return client.receive(stream);
}

TEST(trailers, go_both_ways_over_http1) {
  ServerProcess server(with_digest());
  ASSERT_TRUE(server.ready());
  server.allow("handler set a trailer");
  Client client(server.port());
  const std::string body = "4\r\nabcd\r\n0\r\nX-Sum: 7\r\nHost: other\r\n\r\n";
  client.send(
      "POST /digest HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: "
      "chunked\r\n\r\n" +
      body + "GET /fixed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const Response head = client.receive_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("trailer"), "X-Length, X-Echo");
  std::string rest;
  const std::string expected = "00000004\r\nabcd\r\n0\r\nX-Length: 4\r\nX-Echo: X-Sum=7;\r\n\r\n";
  EXPECT_EQ(client.receive_raw(expected.size(), rest), Outcome::Ok);
  EXPECT_EQ(rest, expected);
  EXPECT_EQ(client.receive().status, 200) << "of the next request";
  EXPECT_TRUE(server.log().wait_event("handler set a trailer that may not follow a body", 0, 5s))
      << "Content-Type is refused";
}

TEST(trailers, are_not_for_clients_that_did_not_ask) {
  ServerProcess server(with_digest());
  ASSERT_TRUE(server.ready());
  server.allow("handler set a trailer");
  for (const char* fields : {"", "TE: gzip\r\nConnection: TE\r\n"}) {
    Client client(server.port());
    client.send(request_text("POST", "/digest", std::string(fields) + "Transfer-Encoding: chunked\r\n") +
                "4\r\nabcd\r\n0\r\n\r\n");
    EXPECT_EQ(client.receive_head().status, 200);
    const std::string expected = "00000004\r\nabcd\r\n0\r\n\r\n";
    std::string rest;
    EXPECT_EQ(client.receive_raw(expected.size(), rest), Outcome::Ok);
    EXPECT_EQ(rest, expected);
    EXPECT_FALSE(client.readable());
  }
}

TEST(trailers, go_both_ways_over_http2) {
  ServerProcess server(with_digest());
  ASSERT_TRUE(server.ready());
  server.allow("handler set a trailer");
  Http2Client client(server.port());
  const Response answer = ask(client, 1, "abcd", {{"x-sum", "7"}, {"x-more", "8"}, {"host", "other"}});
  EXPECT_TRUE(answer.ok());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "abcd");
  EXPECT_EQ(answer.field("x-length"), "4");
  EXPECT_EQ(answer.field("x-echo"), "x-sum=7;x-more=8;");
  EXPECT_FALSE(answer.has("content-type"));
  const Response empty = ask(client, 3, "", {{"x-sum", "0"}});
  EXPECT_TRUE(empty.ok());
  EXPECT_EQ(empty.field("x-length"), "0");
  const Response plain = client.receive([&] {
    client.send_fields(5, request_fields("GET", "/digest"), true);
    return 5U;
  }());
  EXPECT_TRUE(plain.ok());
  EXPECT_EQ(plain.field("x-echo"), "");
}

TEST(trailers, that_are_too_many_are_refused_over_http2) {
  ServerProcess server(with_digest());
  ASSERT_TRUE(server.ready());
  server.allow("handler set a trailer");
  Http2Client client(server.port());
  const FieldList many(21, {"x-sum", "7"});
  EXPECT_EQ(ask(client, 1, "abcd", many).status, 431);
  EXPECT_EQ(ask(client, 3, "abcd", {{"x-sum", std::string(5000, 'x')}}).status, 431);
  EXPECT_EQ(ask(client, 5, "abcd", {{"x-sum", "7"}}).status, 200) << "the connection lives";
}

}  // namespace
}  // namespace holdfast::support
