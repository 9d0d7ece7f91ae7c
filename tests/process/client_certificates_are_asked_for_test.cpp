// Clients that show who they are: whose certificates are taken, what the log says of them, and that no way
// leads around it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

using testing::HasSubstr;

class client_certificates : public ::testing::Test {
 protected:
  ServerConfig config_for(const std::string& mode) {
    ServerConfig config;
    config.listeners =
        listener("http", ", client_certificates: {authorities: clients.pem, mode: " + mode + "}") +
        listener("open", "");
    config.files = {
        {"site.pem", site.certificate}, {"site.key", site.key}, {"clients.pem", authority.certificate}};
    config.log = "error: {to: stderr, level: info}, access: {to: \"" + (logs / "access.log") +
                 "\", format: \"{target} <{client_subject}> {tls_version}\"}";
    return config;
  }
  static std::string listener(const std::string& name, const std::string& more) {
    return "  " + name + ":\n    bind: \"127.0.0.1:0\"\n" +
           "    tls: {certificates: [{certificate: site.pem, key: site.key}]" + more + "}\n";
  }

  TlsOptions showing(const TestCertificate& certificate) {
    TlsOptions options;
    options.certificate = certificate.certificate;
    options.key = certificate.key;
    return options;
  }
  /// The status of an answer on a new connection, 0 when there is none. Of TLS 1.3 a client learns only with
  /// the first answer that its certificate was refused.
  int status(const ServerProcess& server, TlsOptions& tls, const std::string& target = "/fixed",
             const std::string& at = "http") {
    ClientOptions options;
    options.tls = &tls;
    Client client(server.port(at), options);
    if (client.connected() != Outcome::Ok) return 0;
    const int answer = client.get(target).status;
    if (answer != 0) tls.session = client.tls()->session();
    resumed = client.tls()->resumed();
    return answer;
  }
  bool logged(const std::string& line) {
    return eventually(5s, [&] { return logs.read("access.log").find(line + "\n") != std::string::npos; });
  }

  const TempDir logs;
  const TestCertificate site = make_certificate({"a.test"});
  const TestCertificate authority = make_certificate({}, {.common_name = "clients", .authority = true});
  const TestCertificate known =
      make_certificate({}, {.common_name = "Zoë, \"the\" client", .issuer = &authority});
  const TestCertificate stranger = make_certificate({}, {.common_name = "stranger"});
  bool resumed = false;
};

TEST_F(client_certificates, when_required_let_in_only_whom_the_authority_knows) {
  ServerProcess server(config_for("required"));
  ASSERT_TRUE(server.ready());
  for (const int version : {0x0303, 0x0304}) {  // TLS 1.2, 1.3
    TlsOptions good = showing(known), bad = showing(stranger), none;
    good.most = bad.most = none.most = version;
    const std::string text = version == 0x0303 ? "TLSv1.2" : "TLSv1.3";
    EXPECT_EQ(status(server, good, "/fixed?" + text), 200);
    EXPECT_TRUE(logged("/fixed?" + text + " <CN=Zoë\\x5C, \\x5C\\x22the\\x5C\\x22 client> " + text))
        << logs.read("access.log");
    EXPECT_EQ(status(server, bad), 0);
    EXPECT_EQ(status(server, none), 0);
    EXPECT_EQ(status(server, good, "/fixed?again" + text), 200);
    EXPECT_TRUE(resumed);
    EXPECT_TRUE(logged("/fixed?again" + text + " <CN=Zoë\\x5C, \\x5C\\x22the\\x5C\\x22 client> " + text));
  }
  EXPECT_TRUE(eventually(5s, [&] {
    return scrape(server.admin_port()).sum("holdfast_tls_handshake_failures_total", {"client_certificate"}) ==
           4;
  }));
}

TEST_F(client_certificates, when_optional_let_in_those_without_but_not_strangers) {
  ServerProcess server(config_for("optional"));
  ASSERT_TRUE(server.ready());
  TlsOptions good = showing(known), bad = showing(stranger), none;
  EXPECT_EQ(status(server, none, "/fixed?none"), 200);
  EXPECT_TRUE(logged("/fixed?none <-> TLSv1.3"));
  EXPECT_EQ(status(server, good), 200);
  EXPECT_EQ(status(server, bad), 0);
}

TEST_F(client_certificates, cannot_be_avoided_by_a_session_of_another_listener) {
  ServerProcess server(config_for("required"));
  ASSERT_TRUE(server.ready());
  for (const int version : {0x0303, 0x0304}) {
    TlsOptions none;
    none.most = version;
    ASSERT_EQ(status(server, none, "/fixed", "open"), 200);
    ASSERT_EQ(status(server, none, "/fixed", "open"), 200);
    ASSERT_TRUE(resumed);
    EXPECT_EQ(status(server, none), 0);
  }
}

TEST_F(client_certificates, follow_their_authorities_on_disk) {
  ServerProcess server(config_for("required"));
  ASSERT_TRUE(server.ready());
  TlsOptions once = showing(known);
  ASSERT_EQ(status(server, once), 200);
  server.dir().write("clients.pem", authority.certificate + revocation_list(authority, {known}));
  EXPECT_TRUE(eventually(10s, [&] {
    TlsOptions again = showing(known);
    return status(server, again) == 0;
  })) << "revoked";
  EXPECT_EQ(status(server, once), 0) << "nor by its old session";
  const TestCertificate another = make_certificate({}, {.common_name = "another", .issuer = &authority});
  TlsOptions other = showing(another);
  EXPECT_EQ(status(server, other), 200);
}

TEST_F(client_certificates, without_authorities_are_refused_by_check_with_the_place) {
  ServerConfig config = config_for("required");
  config.files["clients.pem"] = "nothing";
  ServerProcess server(config);
  EXPECT_FALSE(server.ready());
  server.allow("");
  EXPECT_TRUE(server.log().wait(
      [](const LogLine& line) {
        return line.raw.find("clients.pem: authorities: the file holds no certificate") != std::string::npos;
      },
      0, 5s));
}

}  // namespace
}  // namespace holdfast::support
