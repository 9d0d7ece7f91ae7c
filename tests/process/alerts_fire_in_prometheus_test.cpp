// The shipped alert rules in a real Prometheus that reads a real server: what goes wrong there raises its
// alert, what is mended ends it. Only the waiting times of the rules are shortened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <sstream>

#include "tests/support/deadline.h"
#include "tests/support/prometheus_server.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

using ::testing::IsEmpty;

/// The shipped rules; an alert waits for a second, whatever it is for.
std::string impatient_rules() {
  std::ifstream file(HOLDFAST_ALERT_RULES);
  std::ostringstream text;
  text << file.rdbuf();
  return std::regex_replace(text.str(), std::regex("( for:) \\S+"), "$1 1s");
}

TestCertificate certificate_of_days(int days) {
  CertificateOptions options;
  options.until_days = days;
  return make_certificate({"a.test"}, options);
}

ServerConfig secure_config() {
  const TestCertificate made = certificate_of_days(90);
  ServerConfig config;
  config.listeners =
      "  http: {bind: \"127.0.0.1:0\"}\n"
      "  https:\n"
      "    bind: \"127.0.0.1:0\"\n"
      "    tls: {certificates: [{certificate: site.pem, key: site.key}]}\n";
  config.files = {{"site.pem", made.certificate}, {"site.key", made.key}};
  return config;
}

class alerts : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PrometheusServer::installed()) GTEST_SKIP() << "prometheus is not installed";
    ASSERT_TRUE(server.ready());
    prometheus.emplace(server.admin_port(), impatient_rules());
    ASSERT_TRUE(prometheus->ready()) << prometheus->said();
    ASSERT_TRUE(eventually(30s, [&] { return evaluations() >= 3; })) << prometheus->said();
    ASSERT_THAT(prometheus->firing(), IsEmpty()) << "nothing is wrong yet";
  }

  /// How often the rules have looked at a server that was there.
  double evaluations() const {
    const auto counts = prometheus->query("count_over_time((min(up) == 1)[1h:1s])", "job");
    return counts.empty() ? 0 : counts.begin()->second;
  }
  bool fires(const std::string& alert) const {
    return eventually(60s, [&] { return prometheus->firing().contains(alert); });
  }
  bool ends(const std::string& alert) const {
    return eventually(60s, [&] { return !prometheus->firing().contains(alert); });
  }
  /// In one step each, the key first.
  void put(const TestCertificate& made) {
    for (const auto& [name, text] : {std::pair{"site.key", made.key}, std::pair{"site.pem", made.certificate}})
      std::filesystem::rename(server.dir().write("new", text), server.dir() / name);
  }

  ServerProcess server{secure_config()};
  std::optional<PrometheusServer> prometheus;
};

TEST_F(alerts, tell_of_workers_that_die_again_and_again) {
  server.allow("worker ended");
  server.allow("worker held back");
  for (int death = 0; death < 5; ++death) {
    const std::size_t mark = server.log().mark();
    ASSERT_TRUE(eventually(20s, [&] { return server.workers().size() == 2; }));
    ::kill(server.workers().front(), SIGKILL);
    ASSERT_TRUE(server.log().wait_event("worker ended", mark, 10s));
  }
  EXPECT_TRUE(fires("HoldfastWorkerCrashLoop critical"));
}

TEST_F(alerts, tell_of_a_refused_reload_until_one_is_taken) {
  server.allow("reload refused");
  server.allow("reload problem");
  const std::string good = server.dir().read("holdfast.yaml");
  server.write_config(good + "no_such_key: 1\n");
  EXPECT_EQ(server.reload().event, "reload refused");
  EXPECT_TRUE(fires("HoldfastReloadFailed warning"));
  server.write_config(good);
  EXPECT_EQ(server.reload().event, "reload complete");
  EXPECT_TRUE(ends("HoldfastReloadFailed warning"));
}

TEST_F(alerts, tell_of_certificates_that_end_soon_and_of_servers_that_are_gone) {
  server.allow("certificate");
  put(certificate_of_days(10));
  EXPECT_TRUE(fires("HoldfastCertificateExpiresSoon warning"));
  put(certificate_of_days(2));
  EXPECT_TRUE(fires("HoldfastCertificateExpiresSoon critical"));
  EXPECT_TRUE(ends("HoldfastCertificateExpiresSoon warning"));
  put(certificate_of_days(90));
  EXPECT_TRUE(ends("HoldfastCertificateExpiresSoon critical"));
  server.stop();
  EXPECT_TRUE(fires("HoldfastDown critical"));
}

}  // namespace
}  // namespace holdfast::support
