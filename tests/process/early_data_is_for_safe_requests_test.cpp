// Requests that come with the first packet of a resumed session (0-RTT): answered when they are safe, marked
// for handlers, refused with 425 when a replay could do harm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deadline.h"
#include "tests/support/http2_client.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

class early_data : public ::testing::Test {
 protected:
  explicit early_data(const char* setting = "true") : server(config(setting)) {}

  ServerConfig config(const std::string& setting) const {
    ServerConfig config;
    config.listeners =
        "  http:\n    bind: \"127.0.0.1:0\"\n"
        "    tls: {certificates: [{certificate: site.pem, key: site.key}], early_data: " +
        setting + "}\n";
    config.files = {{"site.pem", made.certificate}, {"site.key", made.key}};
    config.routes =
        "      - {path: /which, match: {headers: {Early-Data: \"1\"}}, respond: {body: early}}\n"
        "      - {path: /which, respond: {body: late}}\n";
    return config;
  }
  /// A session that may be resumed.
  std::string session() {
    const TlsOptions any;
    ClientOptions options;
    options.tls = &any;
    Client client(server.port(), options);
    EXPECT_EQ(client.get("/which").body, "late");
    return client.tls()->session();
  }
  double finished(const std::string& resumed) {
    return scrape(server.admin_port()).sum("holdfast_tls_handshakes_total", {"1.3", resumed});
  }

  const TestCertificate made = make_certificate({"a.test"});
  ServerProcess server;
};

TEST_F(early_data, of_safe_requests_is_answered_and_marked) {
  ASSERT_TRUE(server.ready());
  TlsOptions tls;
  tls.session = session();
  tls.early = request_text("GET", "/which") + request_text("GET", "/which");
  ClientOptions options;
  options.tls = &tls;
  Client client(server.port(), options);
  ASSERT_EQ(client.connected(), Outcome::Ok) << client.tls_problem();
  EXPECT_TRUE(client.tls()->early_taken());
  EXPECT_EQ(client.receive().body, "early");
  EXPECT_EQ(client.receive().body, "early");
  EXPECT_EQ(client.get("/which").body, "late") << "the client has shown that it is there";
  EXPECT_TRUE(eventually(5s, [&] { return finished("true") == 1; }));
}

TEST_F(early_data, of_others_gets_425_and_they_are_answered_afterwards) {
  ASSERT_TRUE(server.ready());
  TlsOptions tls;
  ClientOptions options;
  options.tls = &tls;
  for (const std::string& early :
       {request_text("POST", "/api/echo", "", "body"), request_text("DELETE", "/which"),
        request_text("GET", "/which", "", "content")}) {
    tls.session = session();
    tls.early = early;
    Client client(server.port(), options);
    ASSERT_EQ(client.connected(), Outcome::Ok) << client.tls_problem();
    EXPECT_TRUE(client.tls()->early_taken());
    EXPECT_EQ(client.receive().status, 425) << early;
  }
  tls.early.clear();
  Client late(server.port(), options);
  ASSERT_EQ(late.send(request_text("POST", "/api/echo", "", "body")), Outcome::Ok);
  EXPECT_EQ(late.receive().body, "body");
}

TEST_F(early_data, that_is_large_and_answers_that_are_arrive_whole) {
  ASSERT_TRUE(server.ready());
  server.dir().write("www/large", varied_bytes(300'000));
  TlsOptions tls;
  tls.session = session();
  for (int i = 0; i < 60; ++i)
    tls.early += request_text("GET", "/which", "X-Padding: " + std::string(150, 'p') + "\r\n");
  tls.early += request_text("GET", "/large");
  ASSERT_LT(tls.early.size(), 16'384u);
  ClientOptions options;
  options.tls = &tls;
  Client client(server.port(), options);
  ASSERT_TRUE(client.tls() != nullptr && client.tls()->early_taken()) << client.tls_problem();
  for (int i = 0; i < 60; ++i) ASSERT_EQ(client.receive().body, "early") << i;
  EXPECT_TRUE(client.receive().body == varied_bytes(300'000));
  EXPECT_EQ(client.get("/which").body, "late");
}

TEST_F(early_data, goes_for_http2_as_well) {
  ASSERT_TRUE(server.ready());
  TlsOptions tls;
  tls.protocols = {"h2"};
  ClientOptions options;
  options.tls = &tls;
  {
    Http2Client client(server.port(), options);
    ASSERT_EQ(client.fetch("GET", "/which").body, "late");
    tls.session = client.client().tls()->session();
  }
  const auto headers = [](const std::string& method, std::uint8_t stream) {
    const std::string fields = field_section(request_fields(method, "/which"));
    return big_endian(static_cast<std::uint32_t>(fields.size())).substr(1) + "\x01\x05" + big_endian(stream) +
           fields;
  };
  tls.early = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9) + headers("GET", 1) +
              headers("DELETE", 3);
  Http2Client client(server.port(), Http2Client::Silent{}, options);
  ASSERT_TRUE(client.client().tls() != nullptr && client.client().tls()->early_taken());
  EXPECT_EQ(client.receive(1).body, "early");
  EXPECT_EQ(client.receive(3).status, 425);
  client.send_fields(5, request_fields("GET", "/which"), true);
  EXPECT_EQ(client.receive(5).body, "late");
}

TEST_F(early_data, does_not_hinder_clients_that_have_none) {
  ASSERT_TRUE(server.ready());
  for (const int version : {0x0303, 0x0304}) {
    TlsOptions tls;
    tls.most = version;
    ClientOptions options;
    options.tls = &tls;
    for (int i = 0; i < 3; ++i) {
      Client client(server.port(), options);
      EXPECT_EQ(client.get("/which").body, "late");
      EXPECT_EQ(client.tls()->resumed(), i > 0);
      tls.session = client.tls()->session();
    }
  }
  EXPECT_EQ(get(server.port(), "/which").status, 400) << "in clear";
}

class early_data_off : public early_data {
 protected:
  early_data_off() : early_data("false") {}
};

TEST_F(early_data_off, the_session_does_not_allow_it) {
  ASSERT_TRUE(server.ready());
  TlsOptions tls;
  tls.session = session();
  tls.early = request_text("GET", "/which");
  ClientOptions options;
  options.tls = &tls;
  Client client(server.port(), options);
  ASSERT_EQ(client.connected(), Outcome::Ok) << client.tls_problem();
  EXPECT_FALSE(client.tls()->early_taken());
  EXPECT_EQ(client.get("/which").body, "late");
}

}  // namespace
}  // namespace holdfast::support
