#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/process/calling_server.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/other_server.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(fetching, an_answer_that_is_cut_short_is_never_taken_for_whole) {
  OtherServer other;
  ServerConfig config = with_caller();
  config.files["relay.so"] = module_bytes("relay.so");
  config.routes += route("/relay", "relay.so", "url: \"" + other.url("/data") + "\"");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("handler failed");
  const std::string beginning(10'000, 'b');
  struct Cut {
    const char* head;
    bool reset;
  };
  for (const Cut& cut :
       {Cut{"Content-Length: 20000\r\n\r\n", false}, Cut{"Content-Length: 20000\r\n\r\n", true},
        Cut{"Transfer-Encoding: chunked\r\n\r\n4e20\r\n", false}}) {
    for (const std::string& path : {asking("stream", other.url()), std::string("/relay?a=b")}) {
      Client client(server.port());
      client.send(request_text("GET", path));
      OtherConnection connection = other.accept();
      connection.receive_request();
      connection.send("HTTP/1.1 200 OK\r\n" + std::string(cut.head) + beginning);
      if (cut.reset) {
        // What has come by then was read: a reset throws away what is on its way.
        ASSERT_EQ(client.receive_head().status, 200);
        connection.reset();
        while (!client.receive_some(100'000).empty()) continue;
        continue;
      }
      connection.end();
      EXPECT_FALSE(client.receive().ok()) << path << " " << cut.head;
    }
  }
  Client client(server.port());
  client.send(request_text("GET", asking("whole", other.url())));
  OtherConnection connection = other.accept();
  connection.receive_request();
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + beginning);
  connection.end();
  EXPECT_THAT(client.receive().body, StartsWith("cut short: http://127.0.0.1:"));
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(fetching, failures_have_their_reasons) {
  OtherServer other;
  ServerProcess server(with_caller("timeout: 2s, connect_timeout: 1s"));
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const auto problem = [&client](const std::string& url, const std::string& more = "") {
    const Response response = client.get(asking("whole", url, more));
    EXPECT_EQ(response.status, 502) << url;
    return response.body;
  };
  std::uint16_t closed;
  { closed = OtherServer().port(); }
  EXPECT_THAT(problem("http://127.0.0.1:" + std::to_string(closed) + "/x?secret"),
              ::testing::AllOf(StartsWith("refused: http://127.0.0.1:"), HasSubstr("Connection refused"),
                               Not(HasSubstr("secret"))));
  EXPECT_THAT(problem("ftp://127.0.0.1/"), StartsWith("invalid: the URL must begin with http:// or https://"));
  EXPECT_THAT(problem("http://u:p@127.0.0.1/"), HasSubstr("user name"));
  EXPECT_THAT(problem("http://127.0.0.1/a\r\nX: y"), HasSubstr("must not hold spaces"));
  EXPECT_THAT(problem(other.url(), "&method=A%20B"), StartsWith("invalid: " + other.url("") + ": the method"));
  EXPECT_TRUE(other.idle()) << "nothing is sent of what cannot be sent";

  const TimePoint begun = Clock::now();
  EXPECT_THAT(problem(other.url()), StartsWith("timed out: ")) << "connected, and never answered";
  EXPECT_GE(Clock::now() - begun, 2s);
  EXPECT_TRUE(alive_becomes(server, "0"));
}

TEST(fetching, a_name_that_does_not_exist_is_told) {
  ServerProcess server(with_caller("connect_timeout: 20s, timeout: 40s"));
  ASSERT_TRUE(server.ready());
  ClientOptions patient;
  patient.timeout = 60s;
  const Response response = get(server.port(), asking("whole", "http://no-such-host.invalid/"), patient);
  EXPECT_EQ(response.status, 502);
  EXPECT_THAT(response.body, StartsWith("name not found: http://no-such-host.invalid: the name "));
}

TEST(fetching, malformed_and_oversized_answers_are_refused) {
  OtherServer other;
  ServerProcess server(with_caller());
  ASSERT_TRUE(server.ready());
  struct Bad {
    std::string answer;
    const char* reason;
  };
  for (const Bad& bad :
       {Bad{"SSH-2.0-OpenSSH\r\n", "malformed: "},
        Bad{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "malformed: "},
        Bad{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "malformed: "},
        Bad{"HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'), "too large: "},
        Bad{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed: "},
        Bad{"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + std::string(200'000, 'x'), "too large: "}}) {
    Client client(server.port());
    client.send(request_text("GET", asking("whole", other.url())));
    OtherConnection connection = other.accept();
    connection.receive_request();
    connection.send_until_stuck(bad.answer, 300ms);
    EXPECT_THAT(client.receive().body, StartsWith(bad.reason)) << bad.answer.substr(0, 80);
    EXPECT_TRUE(connection.closed_within(10s));
  }
}

// ---- TLS

struct SecureCase {
  const char* name;
  const char* authorities;  // a file in the test's folder
  const char* host;
  std::string_view begins;
};
void PrintTo(const SecureCase& test, std::ostream* out) {
  *out << test.name;
}

class FetchingOverTls : public ::testing::TestWithParam<SecureCase> {};

TEST_P(FetchingOverTls, believes_what_it_should) {
  const TestCertificate authority = make_certificate({}, {.common_name = "the authority", .authority = true});
  const TestCertificate stranger = make_certificate({}, {.common_name = "a stranger", .authority = true});
  const TestCertificate leaf = make_certificate({"localhost"}, {.issuer = &authority});
  ServerConfig secure = other_config();
  secure.files["leaf.pem"] = leaf.certificate;
  secure.files["leaf.key"] = leaf.key;
  secure.listeners =
      "  http: {bind: \"127.0.0.1:0\"}\n"
      "  https: {bind: \"127.0.0.1:0\", tls: {certificates: [{certificate: leaf.pem, key: leaf.key}]}}\n";
  ServerProcess other(secure);
  ServerConfig config = with_caller();
  TempDir dir;
  dir.write("authority.pem", authority.certificate);
  dir.write("stranger.pem", stranger.certificate);
  std::string authorities;
  if (*GetParam().authorities != '\0') authorities = dir / GetParam().authorities;
  config.routes = route("/call/{what}", "caller.so", "authorities: \"" + authorities + "\"") +
                  "        sandbox: {read: [" + dir.path().string() + "]}\n";
  ServerProcess server(config);
  ASSERT_TRUE(other.ready() && server.ready());
  const std::string base =
      "https://" + std::string(GetParam().host) + ":" + std::to_string(other.port("https"));
  Client client(server.port());
  EXPECT_THAT(client.get(asking("whole", base + "/fixed")).body, StartsWith(GetParam().begins));
  if (!GetParam().begins.starts_with("200")) return;
  EXPECT_EQ(client.get(asking("stream", base + "/trial/stream")).body.size(), 1'000'000u);
  client.send(
      request_text("POST", asking("whole", base + "/api/echo", "&method=POST"), "", std::string(90'000, 'p')));
  EXPECT_EQ(client.receive().body, "200 " + std::string(90'000, 'p'));
  // However it was: one connection, kept for all of them.
  EXPECT_TRUE(
      eventually(10s, [&] { return scrape(other.admin_port()).sum("holdfast_tls_handshakes_total") == 1; }));
}

INSTANTIATE_TEST_SUITE_P(
    and_nothing_else, FetchingOverTls,
    ::testing::Values(
        SecureCase{"the_authority", "authority.pem", "localhost", "200 fixed answer"},
        SecureCase{"another_authority", "stranger.pem", "localhost", "tls refused: https://localhost:"},
        SecureCase{"the_system", "", "localhost", "tls refused: https://localhost:"},
        SecureCase{"another_name", "authority.pem", "127.0.0.1", "tls refused: https://127.0.0.1:"},
        SecureCase{"no_file", "nothing.pem", "localhost", "invalid: https://localhost:"}),
    [](const auto& info) { return info.param.name; });

TEST(fetching, a_server_that_speaks_no_tls_is_told) {
  ServerProcess other(other_config());
  ServerProcess server(with_caller());
  ASSERT_TRUE(other.ready() && server.ready());
  const std::string url = "https://127.0.0.1:" + std::to_string(other.port()) + "/";
  EXPECT_THAT(get(server.port(), asking("whole", url)).body, StartsWith("tls refused: "));
}

}  // namespace
}  // namespace holdfast::support
