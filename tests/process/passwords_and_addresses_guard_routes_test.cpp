#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>
#include <vector>

#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

// "alice:open sesame" in bcrypt, "bob:open sesame" in Apache's MD5.
constexpr const char* kUsers =
    "alice:$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"
    "bob:$apr1$hfhf1234$ljaEABDAef1DJd6uwj4vv.\n";
constexpr const char* kAlice = "Authorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\n";
constexpr const char* kBob = "Authorization: Basic Ym9iOm9wZW4gc2VzYW1l\r\n";
constexpr const char* kWrong = "Authorization: Basic YWxpY2U6b3BlbiBzZXNhbQ==\r\n";
constexpr const char* kStranger = "Authorization: Basic bWFsbG9yeTpvcGVuIHNlc2FtZQ==\r\n";

std::string log_to(const std::string& file) {
  return "error: {to: stderr, level: info}, access: {to: \"" + file + "\", format: combined}";
}

class basic_auth : public testing::Test {
 protected:
  basic_auth() {
    users_.write("users", kUsers);
    ServerConfig config;
    config.log = log_to(users_ / "access.log");
    config.routes = "      - {path: /private/*, basic_auth: {file: " + (users_ / "users") +
                    ", realm: Team}, respond: {status: 200, body: secret}}\n"
                    "      - {path: /private/echo, methods: [POST], basic_auth: {file: " +
                    (users_ / "users") + "}, echo: {}}\n";
    server_.emplace(config);
    server_->allow("login failed");
  }
  Response ask(std::string_view fields) {
    Client client(server_->port());
    return client.request("GET", "/private/x", fields);
  }

  TempDir users_;
  std::optional<ServerProcess> server_;
};

TEST_F(basic_auth, lets_in_who_knows_the_password) {
  ASSERT_TRUE(server_->ready());
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(ask(kAlice).body, "secret");
    EXPECT_EQ(ask(kBob).body, "secret");
  }
  Client client(server_->port());
  for (int i = 0; i < 50; ++i) {
    const Response response = client.request("GET", "/private/x", kAlice);
    ASSERT_EQ(response.status, 200) << i << response;
  }
}

TEST_F(basic_auth, asks_everybody_else) {
  ASSERT_TRUE(server_->ready());
  for (const char* fields :
       {"", kWrong, kStranger, "Authorization: Bearer x\r\n", "Authorization: Basic ?\r\n"}) {
    const Response response = ask(fields);
    EXPECT_EQ(response.status, 401) << fields;
    EXPECT_EQ(response.field("www-authenticate"), "Basic realm=\"Team\", charset=\"UTF-8\"");
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
  }
  EXPECT_EQ(ask(std::string(kAlice) + kAlice).status, 401) << "two of them are nobody's to choose";
  const auto line = server_->log().wait_event("login failed", 0, 5s);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->field("user"), "alice");
  EXPECT_EQ(line->field("client"), "127.0.0.1");
  EXPECT_EQ(server_->log().text().find("sesam"), std::string::npos);
}

TEST_F(basic_auth, a_body_is_kept_until_the_password_is_checked) {
  ASSERT_TRUE(server_->ready());
  Client client(server_->port());
  const std::string body(200'000, 'b');
  for (const char* who : {kAlice, kBob, kAlice}) {
    ASSERT_EQ(client.send(request_text("POST", "/private/echo", who, body)), Outcome::Ok);
    const Response response = client.receive();
    EXPECT_EQ(response.status, 200) << response;
    EXPECT_EQ(response.body, body);
  }
}

TEST_F(basic_auth, clients_that_leave_while_they_are_checked_do_no_harm) {
  ASSERT_TRUE(server_->ready());
  for (int i = 0; i < 100; ++i) {
    Client client(server_->port());
    client.send(request_text("GET", "/private/x", i % 2 != 0 ? kWrong : kStranger));
    const linger hard{1, 0};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  EXPECT_EQ(ask(kAlice).body, "secret");
}

TEST_F(basic_auth, the_name_is_in_the_access_log) {
  ASSERT_TRUE(server_->ready());
  EXPECT_EQ(ask(kAlice).status, 200);
  EXPECT_EQ(ask("").status, 401);
  server_->stop();
  const std::string log = users_.read("access.log");
  EXPECT_NE(log.find("127.0.0.1 - alice ["), std::string::npos) << log;
  EXPECT_NE(log.find("127.0.0.1 - - ["), std::string::npos) << log;
}

TEST(address_rules, refuse_who_is_not_meant) {
  ServerConfig config;
  config.routes =
      "      - {path: /some, allow: [127.0.0.0/29], deny: [127.0.0.3], respond: {status: 200, body: ok}}\n"
      "      - {path: /most, deny: [127.0.0.3], respond: {status: 200, body: ok}}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const auto status = [&](const char* path, std::uint32_t source) {
    ClientOptions options;
    options.source = source;
    return get(server.port(), path, options).status;
  };
  EXPECT_EQ(status("/some", 0x7f000002), 200);
  EXPECT_EQ(status("/some", 0x7f000003), 403);
  EXPECT_EQ(status("/some", 0x7f000009), 403);
  EXPECT_EQ(status("/most", 0x7f000009), 200);
  EXPECT_EQ(status("/most", 0x7f000003), 403);
}

TEST(proxy_protocol, tells_the_address_that_rules_and_logs_see) {
  const TempDir logs;
  ServerConfig config;
  config.log = log_to(logs / "access.log");
  config.listeners =
      "  http: {bind: \"127.0.0.1:0\"}\n  behind: {bind: \"127.0.0.1:0\", proxy_protocol: {from: "
      "[127.0.0.1]}}\n";
  config.routes = "      - {path: /some, allow: [198.51.100.0/24], respond: {status: 200, body: ok}}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("connection refused");
  const auto ask = [&](const std::string& prefix, std::uint32_t source = 0) {
    ClientOptions options;
    options.source = source;
    Client client(server.port("behind"), options);
    client.send(prefix + request_text("GET", "/some"));
    return client.receive();
  };
  EXPECT_EQ(ask("PROXY TCP4 198.51.100.7 192.0.2.1 1234 80\r\n").status, 200);
  EXPECT_EQ(ask("PROXY TCP4 203.0.113.7 192.0.2.1 1234 80\r\n").status, 403);
  constexpr char kVersion2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x09\xc0\0\x02\x01\x04\xd2\0\x50";
  EXPECT_EQ(ask({kVersion2, sizeof kVersion2 - 1}).status, 200);
  EXPECT_EQ(ask("PROXY UNKNOWN\r\n").status, 403) << "the socket's own address counts";
  EXPECT_FALSE(ask("").ok()) << "every connection must begin so";
  EXPECT_FALSE(ask("PROXY TCP4 198.51.100.7 192.0.2.1 1234 80\r\n", 0x7f000009).ok()) << "a stranger";
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  server.stop();
  EXPECT_NE(logs.read("access.log").find("198.51.100.7 - - ["), std::string::npos);
}

}  // namespace
}  // namespace holdfast::support
