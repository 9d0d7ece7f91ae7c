// The same server behind TLS: content of all sizes both ways, keep-alive, reload, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

using testing::HasSubstr;

/// A server with a certificate for a.test and localhost on its one listener.
class https : public ::testing::Test {
 protected:
  https() {
    options.name = "a.test";
    options.trust = made.certificate;
    client_options.tls = &options;
    config.listeners =
        "  http:\n"
        "    bind: \"127.0.0.1:0\"\n"
        "    tls: {certificates: [{certificate: site.pem, key: site.key}]}\n";
    config.files = {{"site.pem", made.certificate}, {"site.key", made.key}};
  }

  const TestCertificate made = make_certificate({"a.test"});
  TlsOptions options;
  ClientOptions client_options;
  ServerConfig config;
};

TEST_F(https, serves_files_of_all_sizes_on_one_connection) {
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Client client(server.port(), client_options);
  ASSERT_EQ(client.connected(), Outcome::Ok) << client.tls_problem();
  EXPECT_EQ(client.tls()->version(), "TLSv1.3");
  EXPECT_EQ(client.tls()->protocol(), "http/1.1");
  for (const std::size_t size : {0u, 1u, 5'000u, 16'384u, 70'000u, 3'000'000u}) {
    const std::string content = varied_bytes(size);
    server.dir().write("www/" + std::to_string(size), content);
    const Response response = client.get("/" + std::to_string(size));
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.body == content) << size;
  }
  const Response part = client.request("GET", "/3000000", "Range: bytes=2999990-\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body.size(), 10u);
}

TEST_F(https, echoes_uploads_and_answers_pipelined_requests_in_order) {
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Client client(server.port(), client_options);
  const std::string body = varied_bytes(700'000);
  ASSERT_EQ(client.send(request_text("POST", "/api/echo", {}, body)), Outcome::Ok);
  EXPECT_TRUE(client.receive().body == body);
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += request_text("GET", "/fixed");
  client.send(requests + request_text("GET", "/fixed", "Connection: close\r\n"));
  for (int i = 0; i < 51; ++i) ASSERT_EQ(client.receive().body, "fixed answer") << i;
  EXPECT_EQ(client.closes_within(5s), Outcome::Ok) << "with close_notify";
}

TEST_F(https, takes_https_targets_and_refuses_plain_http_with_a_clear_answer) {
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Client client(server.port(), client_options);
  EXPECT_EQ(client.get("https://a.test/fixed").status, 200);
  const Response plain = get(server.port(), "/fixed");
  EXPECT_EQ(plain.status, 400);
  EXPECT_THAT(plain.body, HasSubstr("HTTPS"));
  TlsOptions old = options;
  old.most = 0x0302;  // TLS 1.1
  client_options.tls = &old;
  EXPECT_EQ(Client(server.port(), client_options).connected(), Outcome::TlsFailed);
}

TEST_F(https, shows_a_new_certificate_after_a_reload_while_old_connections_go_on) {
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Client before(server.port(), client_options);
  ASSERT_EQ(before.get("/fixed").status, 200);
  const TestCertificate next = make_certificate({"a.test"});
  server.dir().write("site.pem", next.certificate);
  server.dir().write("site.key", next.key);
  ASSERT_EQ(server.reload().event, "reload complete");
  TlsOptions to_next = options;
  to_next.trust = next.certificate;
  client_options.tls = &to_next;
  EXPECT_EQ(get(server.port(), "/fixed", client_options).status, 200);
  EXPECT_EQ(before.get("/fixed").status, 200) << "what stood goes on";
}

TEST_F(https, resumes_sessions_on_every_worker_after_reloads_and_crashes) {
  config.workers = 4;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker held back");
  for (const int version : {0x0303, 0x0304}) {  // TLS 1.2, 1.3
    TlsOptions again = options;
    again.most = version;
    client_options.tls = &again;
    const auto resumed = [&] {
      int count = 0;
      for (int i = 0; i < 40; ++i) {
        Client client(server.port(), client_options);
        if (client.get("/fixed").status == 200 && client.tls()->resumed()) ++count;
        again.session = client.tls() != nullptr ? client.tls()->session() : std::string();
      }
      return count;
    };
    EXPECT_EQ(resumed(), 39) << "all but the first";
    ASSERT_EQ(server.reload().event, "reload complete");
    EXPECT_EQ(resumed(), 40);
    const std::vector<pid_t> workers = server.workers();
    ASSERT_EQ(workers.size(), 4u);
    for (const pid_t worker : workers) {
      ::kill(worker, SIGKILL);
      ASSERT_TRUE(wait_until_gone(worker, 5s));
    }
    ASSERT_TRUE(eventually(10s, [&] { return server.workers().size() == 4; }));
    EXPECT_EQ(resumed(), 40);
    const std::string label = version == 0x0303 ? "1.2" : "1.3";
    EXPECT_TRUE(eventually(5s, [&] {
      return scrape(server.admin_port()).sum("holdfast_tls_handshakes_total", {label, "true"}) == 119;
    }));
  }
}

/// How many of so many connections, one after the other, resumed the session of the one before.
int resumed_of(int count, const ServerProcess& server, TlsOptions& tls) {
  ClientOptions options;
  options.tls = &tls;
  int resumed = 0;
  for (int i = 0; i < count; ++i) {
    Client client(server.port(), options);
    if (client.get("/fixed").status == 200 && client.tls()->resumed()) ++resumed;
    tls.session = client.tls() != nullptr ? client.tls()->session() : std::string();
  }
  return resumed;
}

TEST_F(https, sessions_go_from_machine_to_machine_with_keys_from_a_file) {
  const std::string old_key = varied_bytes(80), new_key = varied_bytes(160).substr(80);
  config.files["tickets.key"] = old_key;
  config.more = "session_tickets: {keys: tickets.key}\n";
  ServerProcess one(config), other(config);
  ASSERT_TRUE(one.ready() && other.ready());
  ServerConfig alone = config;
  alone.more.clear();
  ServerProcess stranger(alone);
  EXPECT_EQ(resumed_of(2, one, options), 1);
  EXPECT_EQ(resumed_of(2, other, options), 2);
  other.dir().write("tickets.key", new_key + old_key);
  ASSERT_EQ(other.reload().event, "reload complete");
  EXPECT_EQ(resumed_of(2, other, options), 2) << "by the old key, then by the new one";
  EXPECT_EQ(resumed_of(1, one, options), 0) << "which is not known here yet";
  one.write_config(alone);
  ASSERT_EQ(one.reload().event, "reload complete");
  EXPECT_EQ(resumed_of(2, one, options), 2) << "the file's key is the last one for a while";
  EXPECT_EQ(resumed_of(1, stranger, options), 0);
}

TEST_F(https, without_tickets_every_handshake_is_a_full_one) {
  config.more = "session_tickets: off\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(resumed_of(3, server, options), 0);
}

TEST_F(https, keeps_serving_when_a_reload_finds_a_key_of_another_certificate) {
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("reload refused");
  server.allow("reload problem");
  server.allow("worker");
  server.dir().write("site.key", make_certificate({"a.test"}).key);
  const std::size_t mark = server.log().mark();
  EXPECT_EQ(server.reload().event, "reload refused");
  EXPECT_TRUE(server.log().wait(
      [](const LogLine& line) {
        return line.raw.find("does not belong to the certificate") != std::string::npos;
      },
      mark, 5s));
  EXPECT_EQ(get(server.port(), "/fixed", client_options).status, 200);
}

}  // namespace
}  // namespace holdfast::support
