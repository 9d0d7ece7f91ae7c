// WebSockets of a real server, over HTTP/1.1 and HTTP/2, seen by a client of frames.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/websocket_client.h"

namespace holdfast::support {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

ServerConfig with_echo(const std::string& settings = "") {
  ServerConfig config;
  config.workers = 1;
  config.routes = "      - {path: /echo, websocket_echo: {}" +
                  (settings.empty() ? "" : ", websocket: {" + settings + "}") + "}\n";
  return config;
}

class Websockets : public ::testing::TestWithParam<bool> {
 protected:
  WebSocketClient::Options options() const { return {.http2 = GetParam()}; }
  WebSocketClient connect(const ServerProcess& server) const { return {server.port(), "/echo", options()}; }
};

INSTANTIATE_TEST_SUITE_P(over, Websockets, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "http2" : "http1"; });

TEST_P(Websockets, echo_messages_of_all_sizes) {
  ServerProcess server(with_echo());
  ASSERT_TRUE(server.ready());
  WebSocketClient client = connect(server);
  ASSERT_TRUE(client.open()) << client.handshake();
  for (const std::size_t size : {0, 1, 125, 126, 127, 4096, 65535, 65536, 65537, 300000, 1048576}) {
    const std::string text(size, 'a');
    ASSERT_EQ(client.send_text(text), Outcome::Ok);
    const std::optional<WsFrame> echo = client.next();
    ASSERT_TRUE(echo.has_value()) << size;
    EXPECT_EQ(echo->opcode, WsOpcode::Text);
    EXPECT_TRUE(echo->final);
    EXPECT_TRUE(echo->payload == text) << size;
  }
  EXPECT_EQ(client.send_close(4001), Outcome::Ok);
  EXPECT_EQ(client.next_close(), 4001);
  EXPECT_TRUE(client.ends());
  EXPECT_EQ(scrape(server.admin_port()).sum("holdfast_websocket_messages_total", {"received"}), 11);
  EXPECT_EQ(scrape(server.admin_port()).sum("holdfast_websocket_messages_total", {"sent"}), 11);
  EXPECT_TRUE(server.stop().has_value());
}

TEST_P(Websockets, answer_in_order_what_comes_in_one_packet) {
  ServerProcess server(with_echo());
  ASSERT_TRUE(server.ready());
  WebSocketClient client = connect(server);
  ASSERT_TRUE(client.open());
  std::string all;
  for (int i = 0; i < 500; ++i) all += ws_frame(WsOpcode::Text, std::to_string(i));
  all += ws_frame(WsOpcode::Text, "frag", false) + ws_frame(WsOpcode::Ping, "between") +
         ws_frame(WsOpcode::Continuation, "mented");
  ASSERT_EQ(client.send(all), Outcome::Ok);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(client.next_text(), std::to_string(i));
  const std::optional<WsFrame> pong = client.next();
  ASSERT_TRUE(pong.has_value());
  EXPECT_EQ(pong->opcode, WsOpcode::Pong);
  EXPECT_EQ(pong->payload, "between");
  EXPECT_EQ(client.next_text(), "fragmented");
}

TEST_P(Websockets, that_break_a_rule_are_closed_with_its_code) {
  ServerProcess server(with_echo("max_message: 1000"));
  ASSERT_TRUE(server.ready());
  const std::string bad_text = "\xc3\x28";
  const std::pair<std::string, int> cases[] = {
      {ws_frame(WsOpcode::Text, bad_text), 1007},
      {ws_frame(WsOpcode::Text, std::string(1001, 'x')), 1009},
      {ws_frame(WsOpcode::Continuation, "x"), 1002},
      {ws_frame(WsOpcode::Text, "x", true, /*compressed=*/true), 1002},
      {ws_frame(WsOpcode::Ping, std::string(126, 'x')), 1002},
      {std::string("\x81\x01x", 3), 1002},  // not masked
      {ws_frame(WsOpcode::Close, ws_close(1005)), 1002},
  };
  for (const auto& [bytes, code] : cases) {
    WebSocketClient client = connect(server);
    ASSERT_TRUE(client.open());
    ASSERT_EQ(client.send(bytes), Outcome::Ok);
    EXPECT_EQ(client.next_close(), code);
    EXPECT_TRUE(client.ends()) << code;
  }
}

TEST_P(Websockets, are_pinged_and_let_go_when_they_are_silent) {
  ServerProcess server(with_echo("ping_interval: 1s, pong_timeout: 1s"));
  ASSERT_TRUE(server.ready());
  WebSocketClient client = connect(server);
  ASSERT_TRUE(client.open());
  std::optional<WsFrame> ping = client.next();
  ASSERT_TRUE(ping.has_value());
  EXPECT_EQ(ping->opcode, WsOpcode::Ping);
  ASSERT_EQ(client.send(ws_frame(WsOpcode::Pong, ping->payload)), Outcome::Ok);
  ping = client.next();
  ASSERT_TRUE(ping.has_value()) << "an answer buys another interval";
  EXPECT_EQ(ping->opcode, WsOpcode::Ping);
  EXPECT_FALSE(client.next().has_value()) << "the second ping was not answered";
}

TEST_P(Websockets, are_sent_away_before_the_drain_deadline) {
  ServerConfig config = with_echo();
  config.process = "shutdown_timeout: 4s";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  auto client = std::make_unique<WebSocketClient>(server.port(), "/echo", options());
  ASSERT_TRUE(client->open());
  ASSERT_EQ(server.reload().event, "reload complete");
  client->send_text("still here");
  EXPECT_EQ(client->next_text(), "still here") << "a leaving worker keeps its conversations for a while";
  EXPECT_EQ(client->next_close(), 1001);
  EXPECT_EQ(client->send_close(1001), Outcome::Ok);
  EXPECT_TRUE(client->ends());
  client.reset();
  EXPECT_TRUE(server.stop().has_value());
}

TEST_P(Websockets, are_sent_away_at_once_when_the_server_stops) {
  ServerConfig config = with_echo();
  config.process = "shutdown_timeout: 60s";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  std::vector<std::unique_ptr<WebSocketClient>> clients;
  for (int i = 0; i < 20; ++i) {
    if (i == 10) {
      ASSERT_EQ(server.reload().event, "reload complete");
    }
    clients.push_back(std::make_unique<WebSocketClient>(server.port(), "/echo", options()));
    ASSERT_TRUE(clients.back()->open());
  }
  server.signal(SIGTERM);
  for (const auto& client : clients) {
    EXPECT_EQ(client->next_close(), 1001) << "those of the generation before, too";
    EXPECT_EQ(client->send_close(1001), Outcome::Ok);
    EXPECT_TRUE(client->ends());
  }
  clients.clear();
  EXPECT_EQ(server.wait_exit(), (Exit{0, 0}));
}

TEST_P(Websockets, that_do_not_answer_a_close_are_not_waited_for) {
  ServerConfig config = with_echo("close_timeout: 200ms");
  config.process = "shutdown_timeout: 60s";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  WebSocketClient client = connect(server);
  ASSERT_TRUE(client.open());
  server.signal(SIGTERM);
  EXPECT_EQ(client.next_close(), 1001);
  EXPECT_TRUE(client.ends());
  EXPECT_EQ(server.wait_exit(), (Exit{0, 0}));
}

TEST_P(Websockets, that_do_not_read_are_not_read_from) {
  ServerProcess server(with_echo());
  ASSERT_TRUE(server.ready());
  WebSocketClient::Options options = this->options();
  options.connection.receive_buffer = 4096;
  WebSocketClient client(server.port(), "/echo", options);
  ASSERT_TRUE(client.open());
  const std::string message = ws_frame(WsOpcode::Binary, std::string(100'000, 'x'));
  std::string many;
  for (int i = 0; i < 200; ++i) many += message;
  if (GetParam()) {
    // Over HTTP/2 the window of the stream says so; a client that keeps to it is stopped there.
    EXPECT_LE(client.http2().settings()[4], 1'048'576U);
    return;
  }
  const std::size_t sent = client.client().send_until_stuck(many, 300ms);
  EXPECT_LT(sent, many.size()) << "20 MB would have to wait somewhere";
}

TEST_P(Websockets, choose_the_dearest_subprotocol_and_know_their_origins) {
  ServerProcess server(with_echo("subprotocols: [v2, v1], origins: [\"https://app.test\"]"));
  ASSERT_TRUE(server.ready());
  WebSocketClient::Options options = this->options();
  options.fields = "Sec-WebSocket-Protocol: v1, v2\r\nOrigin: https://app.test\r\n";
  options.h2_fields = {{"sec-websocket-protocol", "v1, v2"}, {"origin", "https://app.test"}};
  WebSocketClient client(server.port(), "/echo", options);
  ASSERT_TRUE(client.open());
  EXPECT_EQ(client.handshake().field("sec-websocket-protocol"), "v2");
  options.fields = "Origin: https://other.test\r\n";
  options.h2_fields = {{"origin", "https://other.test"}};
  EXPECT_EQ(WebSocketClient(server.port(), "/echo", options).handshake().status, 403);
  EXPECT_EQ(connect(server).handshake().status, 403) << "nor anybody without an origin";
}

TEST(WebsocketHandshake, proves_that_it_was_understood) {
  ServerProcess server(with_echo());
  ASSERT_TRUE(server.ready());
  const WebSocketClient client(server.port(), "/echo");
  EXPECT_EQ(client.handshake().field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(client.handshake().field("connection"), "Upgrade");
  EXPECT_EQ(client.handshake().field("upgrade"), "websocket");
  EXPECT_FALSE(client.handshake().has("content-length"));
  EXPECT_FALSE(client.handshake().has("transfer-encoding"));
}

TEST(WebsocketHandshake, is_refused_with_what_is_missing) {
  ServerProcess server(with_echo());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const Response plain = client.get("/echo");
  EXPECT_EQ(plain.status, 426);
  EXPECT_EQ(plain.field("upgrade"), "websocket");
  EXPECT_EQ(plain.field("connection"), "Upgrade");
  const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  EXPECT_EQ(client.request("GET", "/echo", upgrade + key + "Sec-WebSocket-Version: 8\r\n").status, 426);
  EXPECT_EQ(client.request("GET", "/echo", upgrade + "Sec-WebSocket-Version: 13\r\n").status, 400);
  EXPECT_EQ(client.request("POST", "/echo").status, 405);
  EXPECT_EQ(client.get("/echo").status, 426) << "the connection lives";
}

TEST(WebsocketHandshake, over_http2_is_only_for_websocket_routes) {
  ServerConfig config = with_echo();
  config.routes += "      - {path: /hello, hello: {}}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  WebSocketClient client(server.port(), "/hello", {.http2 = true});
  EXPECT_EQ(client.handshake().status, 501);
  Http2Client plain(server.port());
  EXPECT_EQ(plain.fetch("GET", "/echo").status, 426);
  EXPECT_EQ(plain.settings()[8], 1U) << "ENABLE_CONNECT_PROTOCOL";
}

}  // namespace
}  // namespace holdfast::support
