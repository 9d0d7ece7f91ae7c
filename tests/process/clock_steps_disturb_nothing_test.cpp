// The wall clock is set while the server runs: what shows the time follows, and what measures time does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>

#include "tests/support/deadline.h"
#include "tests/support/injected_faults.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

constexpr std::int64_t kDay = 24 * 60 * 60;

class clock_steps : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override {
    if (!InjectedFaults::possible()) GTEST_SKIP() << "sanitizers leave no room for a preloaded library";
  }
  InjectedFaults faults_;
};

ServerConfig with_both_listeners(const TempDir& logs) {
  const TestCertificate made = make_certificate({"a.test"});
  ServerConfig config;
  config.log =
      "error: {to: stderr, level: info}, access: {to: \"" + (logs / "access.log") + "\", format: json}";
  config.listeners +=
      "  https:\n"
      "    bind: \"127.0.0.1:0\"\n"
      "    tls: {certificates: [{certificate: site.pem, key: site.key}]}\n";
  config.files = {{"site.pem", made.certificate}, {"site.key", made.key}};
  config.more = "session_tickets: {rotate: 1h}\n";
  return config;
}

/// How far the time that a response shows is from ours, in seconds.
std::int64_t ahead(const Response& response) {
  const std::string date = response.field("date");
  tm parts{};
  if (::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return 0;
  return ::timegm(&parts) - std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
}

bool is_about(std::int64_t seconds, std::int64_t wanted) {
  return seconds > wanted - 60 && seconds < wanted + 60;
}

void expect_sane_figures(const Scrape& now) {
  for (const auto& [series, value] : now.series) EXPECT_GE(value, 0) << series;
  for (const char* sum : {"holdfast_http_request_duration_seconds_sum", "holdfast_event_loop_lag_seconds_sum",
                          "holdfast_event_loop_busy_seconds_total"})
    EXPECT_LT(now.sum(sum), 120) << sum;
}

TEST_P(clock_steps, are_followed_by_dates_and_by_nothing_else) {
  const TempDir logs;
  ServerProcess server(with_both_listeners(logs), faults_.spawn_options());
  ASSERT_TRUE(server.ready());
  server.allow("certificate");  // is not valid yet, or no more, or not for long, by the new time
  ASSERT_TRUE(eventually(5s, [&] {
    return scrape(server.admin_port()).sum("holdfast_tls_certificate_expiry_timestamp_seconds") > 0;
  }));
  std::vector<pid_t> processes;
  const auto is_at_rest = [&] { return (processes = server.processes()).size() == 3; };
  ASSERT_TRUE(eventually(5s, is_at_rest)) << "the process that examines certificates is gone";
  Client old(server.port());
  EXPECT_TRUE(is_about(ahead(old.get("/fixed")), 0));
  const Scrape before = scrape(server.admin_port());

  faults_.set_wall_clock(GetParam());
  EXPECT_TRUE(eventually(5s, [&] { return is_about(ahead(old.get("/fixed")), GetParam()); }))
      << "the Date of a connection from before";
  EXPECT_TRUE(eventually(5s, [&] { return is_about(ahead(get(server.port(), "/index.html")), GetParam()); }))
      << "of the other worker";
  TlsOptions any;
  ClientOptions secure;
  secure.tls = &any;
  Client encrypted(server.port("https"), secure);
  EXPECT_EQ(encrypted.get("/fixed").status, 200) << encrypted.tls_problem();

  // Nothing has come due by it: no timer runs wild, no certificate is examined again and again.
  const int forks = faults_.calls(FaultyCall::Fork);
  std::vector<Milliseconds> cpu;
  for (const pid_t pid : processes) cpu.push_back(cpu_time_of(pid));
  const Milliseconds master_cpu = cpu_time_of(server.pid());
  const TimePoint begin = Clock::now();
  while (Clock::now() - begin < 2s) {
    EXPECT_EQ(old.get("/fixed").status, 200);
    ASSERT_TRUE(eventually(1s, [&, seen = Clock::now()] { return Clock::now() - seen > 50ms; }));
  }
  EXPECT_LT(cpu_time_of(server.pid()) - master_cpu, 400ms);
  for (std::size_t i = 0; i < processes.size(); ++i)
    EXPECT_LT(cpu_time_of(processes[i]) - cpu[i], 400ms) << processes[i];
  EXPECT_LE(faults_.calls(FaultyCall::Fork) - forks, 1);
  EXPECT_TRUE(eventually(5s, [&] { return server.processes() == processes; }))
      << "nobody was taken for hung, and nobody left";

  const Scrape after = scrape(server.admin_port());
  expect_sane_figures(after);
  EXPECT_THAT(fallen(before, after), ::testing::IsEmpty());
  EXPECT_EQ(get(server.admin_port(), "/readyz").status, 200);
  EXPECT_EQ(run_command({holdfast_binary(), "status", "-c", server.config_file()}).code(), 0);

  // What is done from now on bears the new time.
  EXPECT_EQ(server.reload().event, "reload complete");
  const auto told = server.log().wait_event("reload complete", 0, 5s);
  const auto shown =
      std::chrono::duration_cast<std::chrono::seconds>(*told->time - std::chrono::system_clock::now());
  EXPECT_TRUE(is_about(shown.count(), GetParam())) << told->raw;
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
  expect_sane_figures(scrape(server.admin_port()));
}

INSTANTIATE_TEST_SUITE_P(by, clock_steps, testing::Values(-kDay, -30 * 365 * kDay, kDay, 20 * 365 * kDay),
                         [](const testing::TestParamInfo<std::int64_t>& info) {
                           return std::to_string(std::abs(info.param) / kDay) + "_days_" +
                                  (info.param < 0 ? "backwards" : "forwards");
                         });

}  // namespace
}  // namespace holdfast::support
