#include "master/doctor_checks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/loader.h"
#include "master/exit_status.h"

namespace holdfast::master {
namespace {

using std::chrono::hours;

constexpr WallTime kNow{hours(24 * 20'000)};

/// A machine on which nothing is to be said against a server with two workers.
Facts good_machine() {
  Facts facts;
  facts.is_root = true;
  facts.descriptors = 524288;
  facts.cpus = {2, "2 CPUs may be used"};
  facts.kernel = "6.1.0";
  facts.somaxconn = 4096;
  facts.syn_backlog = 4096;
  facts.first_free_port = 1024;
  facts.outgoing_ports = {32768, 60999};
  facts.overcommit = 0;
  facts.now = kNow;
  facts.built = kNow - hours(24 * 30);
  facts.clock_is_synchronised = true;
  return facts;
}

config::Config configuration(const std::string& process = "") {
  const config::Loaded loaded = config::load_text("process: {workers: 2" + process +
                                                      "}\nlimits: {connections: 1000}\n"
                                                      "sites: [{routes: [{path: /, hello: {}}]}]\n",
                                                  "x.yaml");
  return *loaded.config;
}

/// The worst that a row says of the machine, with its words.
struct Verdict {
  Severity severity = Severity::Ok;
  std::string what;
  std::string advice;
};
Verdict verdict(std::string_view check, const Facts& facts, const config::Config& config = configuration()) {
  const std::vector<Finding> found = examine(config, facts);
  Verdict worst;
  for (const Finding& one : found)
    if (one.check == check && (worst.what.empty() || one.severity > worst.severity))
      worst = {one.severity, one.what, one.advice};
  return worst;
}
Severity severity(std::string_view check, const Facts& facts, const config::Config& config = configuration()) {
  return verdict(check, facts, config).severity;
}

TEST(Doctor, HasNothingAgainstAGoodMachine) {
  for (const Finding& one : examine(configuration(), good_machine()))
    EXPECT_EQ(one.severity, Severity::Ok) << one.check << ": " << one.what;
  EXPECT_EQ(exit_code_of(examine(configuration(), good_machine())), kExitOk);
}

TEST(Doctor, EveryWarningAndProblemSaysWhatToDo) {
  Facts facts;  // nothing could be seen
  facts.check = {78, {"x.yaml:1:1: no"}, {"old"}};
  facts.missing_calls = {"openat2"};
  facts.secrets = {
      {"/a", true, true, false, 0644}, {"/b", true, false, true, 0602}, {"/c", false, false, false, 0}};
  facts.disks = {{"/logs", 0, 0, false}, {"/other", std::nullopt, 0, false}};
  facts.certificates = {{"/c", kNow, false, "has expired"}, {"/d", kNow, true, "expires soon"}};
  facts.ports = {{"a", "x:80", 80, Facts::Port::Held::ByOther, "nginx (pid 1)"},
                 {"b", "x:81", 81, Facts::Port::Held::BySomebody, ""}};
  facts.memory = 1;
  facts.processes = 1;
  facts.file_size = 1;
  facts.somaxconn = 1;
  facts.descriptors = 1;
  facts.built = kNow;
  facts.first_free_port = 1024;
  facts.outgoing_ports = {1, 65535};
  for (const Finding& one : examine(configuration(), facts)) {
    const bool is_bad = one.severity >= Severity::Warning;
    EXPECT_FALSE(is_bad && one.advice.empty()) << one.check << ": " << one.what;
  }
}

TEST(Doctor, ExitCodeTellsWhoseProblemItIs) {
  const auto code = [](std::vector<Finding> findings) { return exit_code_of(findings); };
  const Finding machine{Severity::Problem, Subject::Machine, "x", "", ""};
  const Finding file{Severity::Problem, Subject::Configuration, "x", "", ""};
  const Finding warning{Severity::Warning, Subject::Configuration, "x", "", ""};
  EXPECT_EQ(code({}), kExitOk);
  EXPECT_EQ(code({warning}), kExitOk);
  EXPECT_EQ(code({warning, machine}), kExitSystem);
  EXPECT_EQ(code({machine, file}), kExitConfiguration);
}

TEST(Doctor, TellsWhatTheCheckTells) {
  Facts facts = good_machine();
  facts.check = {78, {"x.yaml:3:1: unknown key"}, {}};
  EXPECT_EQ(severity("configuration", facts), Severity::Problem);
  facts.check = {78, {"x.yaml: /key: Permission denied"}, {}};
  EXPECT_EQ(severity("configuration", facts), Severity::Problem)
      << "root may do all, so it is told to the server, too";
  facts.is_root = false;
  EXPECT_EQ(severity("configuration", facts), Severity::Note);
  facts.check = {71, {"cannot make the shared memory"}, {}};
  EXPECT_EQ(severity("configuration", facts), Severity::Note);
  EXPECT_EQ(severity("memory", facts), Severity::Problem);
}

TEST(Doctor, DescriptorsAreComparedWithAWorkersShareOfConnections) {
  Facts facts = good_machine();
  facts.descriptors = 564;
  EXPECT_EQ(severity("descriptors", facts), Severity::Ok) << "1000 connections, 2 workers, 64 of its own";
  facts.descriptors = 563;
  EXPECT_EQ(severity("descriptors", facts), Severity::Warning);
  facts.descriptors.reset();
  EXPECT_EQ(severity("descriptors", facts), Severity::Note);
}

TEST(Doctor, PortsAreFreeOrHeldByTheServerItself) {
  using Held = Facts::Port::Held;
  Facts facts = good_machine();
  facts.ports = {{"http", "0.0.0.0:80", 80, Held::No, ""}};
  EXPECT_EQ(severity("ports", facts), Severity::Ok);
  facts.ports[0].held = Held::ByServer;
  EXPECT_EQ(severity("ports", facts), Severity::Ok);
  facts.ports[0].held = Held::ByOther;
  facts.ports[0].holder = "nginx (pid 12)";
  EXPECT_EQ(verdict("ports", facts).what, "0.0.0.0:80 (http) is taken by nginx (pid 12)");
  EXPECT_EQ(severity("ports", facts), Severity::Problem);
  facts.ports[0].held = Held::BySomebody;
  EXPECT_EQ(severity("ports", facts), Severity::Problem);
  facts.server = 4711;
  EXPECT_EQ(severity("ports", facts), Severity::Note);
}

TEST(Doctor, LowPortsTakeARight) {
  Facts facts = good_machine();
  facts.ports = {{"http", "0.0.0.0:80", 80, Facts::Port::Held::No, ""}};
  EXPECT_EQ(severity("low ports", facts), Severity::Ok);
  facts.is_root = false;
  EXPECT_EQ(severity("low ports", facts), Severity::Problem);
  facts.may_bind_low_ports = true;
  EXPECT_EQ(severity("low ports", facts), Severity::Ok);
  facts.may_bind_low_ports = false;
  facts.unit = "\n[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n";
  EXPECT_EQ(severity("low ports", facts), Severity::Note);
  facts.unit.reset();
  facts.first_free_port = 80;
  EXPECT_EQ(severity("low ports", facts), Severity::Ok);
}

TEST(Doctor, PortsOfOutgoingConnectionsMayBeReserved) {
  Facts facts = good_machine();
  facts.ports = {{"http", "0.0.0.0:40000", 40000, Facts::Port::Held::No, ""}};
  EXPECT_EQ(severity("outgoing ports", facts), Severity::Warning);
  for (const char* reserved : {"40000\n", "80,39999-40001\n", "40000-40000,50000"}) {
    facts.reserved_ports = reserved;
    EXPECT_EQ(severity("outgoing ports", facts), Severity::Ok) << reserved;
  }
  facts.reserved_ports = "40001-40002,4000\n";
  EXPECT_EQ(severity("outgoing ports", facts), Severity::Warning);
}

TEST(Doctor, SecretsAreKeptFromOthers) {
  Facts facts = good_machine();
  facts.secrets = {{"/x.key", true, false, false, 0640}};
  EXPECT_EQ(severity("secrets", facts), Severity::Ok);
  facts.secrets = {{"/x.key", true, true, false, 0644}};
  EXPECT_EQ(severity("secrets", facts), Severity::Warning);
  EXPECT_EQ(verdict("secrets", facts).what, "/x.key can be read by everybody (mode 0644)");
  facts.secrets = {{"/x.key", true, true, true, 0666}};
  EXPECT_EQ(severity("secrets", facts), Severity::Problem);
  facts.secrets = {{"/x.key", false, false, false, 0}};
  EXPECT_EQ(severity("secrets", facts), Severity::Note);
}

TEST(Doctor, CertificatesAreGoodSoonOverOrOver) {
  Facts facts = good_machine();
  facts.certificates = {{"/x.pem", kNow + hours(24 * 40 + 1), true, ""}};
  EXPECT_EQ(verdict("certificates", facts).what, "/x.pem is good for 40 days");
  facts.certificates[0].remark = "expires in 4 days";
  EXPECT_EQ(severity("certificates", facts), Severity::Warning);
  facts.certificates[0].is_good = false;
  EXPECT_EQ(severity("certificates", facts), Severity::Problem);
}

TEST(Doctor, TheClockIsNotBeforeTheProgram) {
  Facts facts = good_machine();
  facts.built = kNow + hours(48);
  EXPECT_EQ(severity("clock", facts), Severity::Problem);
  facts.built = kNow - hours(24 * 365 * 21);
  EXPECT_EQ(severity("clock", facts), Severity::Warning);
  facts = good_machine();
  facts.clock_is_synchronised = false;
  EXPECT_EQ(severity("clock", facts), Severity::Note);
  facts.clock_is_synchronised.reset();
  EXPECT_EQ(severity("clock", facts), Severity::Ok) << "the kernel does not tell";
}

TEST(Doctor, TheSandboxIsJudgedByWhatIsAskedFor) {
  Facts facts = good_machine();
  facts.missing_of_sandbox = "landlock";
  EXPECT_EQ(severity("sandbox", facts), Severity::Note);
  EXPECT_EQ(severity("sandbox", facts, configuration(", sandbox: strict")), Severity::Problem);
  EXPECT_EQ(severity("sandbox", good_machine(), configuration(", sandbox: off")), Severity::Note);
}

TEST(Doctor, BalanceByLoadTakesARight) {
  Facts facts = good_machine();
  EXPECT_EQ(severity("balance", facts), Severity::Ok) << "it is not asked for";
  const config::Config config = configuration(", balance: least_connections");
  EXPECT_EQ(severity("balance", facts, config), Severity::Warning);
  facts.unit = "\n[Service]\nAmbientCapabilities=CAP_BPF\n";
  EXPECT_EQ(severity("balance", facts, config), Severity::Note);
  facts.may_use_bpf = true;
  EXPECT_EQ(severity("balance", facts, config), Severity::Ok);
}

TEST(Doctor, LimitsOfTheControlGroupLeaveRoomForAReload) {
  Facts facts = good_machine();
  facts.memory = 64 << 20;
  facts.processes = 32;
  EXPECT_EQ(severity("memory", facts), Severity::Ok);
  EXPECT_EQ(severity("processes", facts), Severity::Ok);
  facts.memory = (64 << 20) - 1;
  facts.processes = 31;
  EXPECT_EQ(severity("memory", facts), Severity::Warning);
  EXPECT_EQ(severity("processes", facts), Severity::Warning);
}

TEST(Doctor, LogsNeedRoomAndRotation) {
  Facts facts = good_machine();
  facts.has_logrotate = true;
  facts.disks = {{"/logs", std::uint64_t{1} << 30, 0, false}};
  EXPECT_EQ(severity("log space", facts), Severity::Ok);
  EXPECT_EQ(severity("log rotation", facts), Severity::Ok);
  facts.disks[0].free_bytes = 100 << 20;
  EXPECT_EQ(severity("log space", facts), Severity::Warning);
  facts.disks[0].free_bytes = 1 << 20;
  EXPECT_EQ(severity("log space", facts), Severity::Problem);
  facts.disks[0] = {"/logs", std::uint64_t{1} << 30, 10, true};
  EXPECT_EQ(severity("log space", facts), Severity::Warning);
  facts.logs_without_rotation = {"/logs/a.log"};
  EXPECT_EQ(severity("log rotation", facts), Severity::Note);
}

TEST(Doctor, TheUnitWaitsLongerThanWorkersDrain) {
  Facts facts = good_machine();
  facts.has_systemd = true;
  facts.unit = "\n[Service]\nFileDescriptorStoreMax=1\nTimeoutStopSec=40s\n";
  EXPECT_EQ(severity("service", facts), Severity::Ok);
  EXPECT_EQ(severity("service", facts, configuration(", shutdown_timeout: 40s")), Severity::Warning);
  facts.unit = *facts.unit + "TimeoutStopSec=2min\n";
  EXPECT_EQ(severity("service", facts, configuration(", shutdown_timeout: 40s")), Severity::Ok)
      << "the last counts";
  facts.unit = "\n[Service]\nTimeoutStopSec=infinity\n";
  EXPECT_EQ(verdict("service", facts).what, "the unit keeps no listening sockets over a restart");
}

}  // namespace
}  // namespace holdfast::master
