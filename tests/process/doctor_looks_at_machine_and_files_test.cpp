#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/json_value.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

struct Diagnosis {
  int code = -1;
  JsonValue json;
  std::string text;

  /// "problem: WHAT" of each finding of a check.
  std::vector<std::string> of(const std::string& check) const {
    std::vector<std::string> found;
    for (const JsonValue& one : json["findings"].items())
      if (one["check"].text() == check) found.push_back(one["severity"].text() + ": " + one["what"].text());
    return found;
  }
};

Diagnosis doctor(const std::string& file) {
  const CommandResult result = run_command({holdfast_binary(), "doctor", "--json", "-c", file});
  EXPECT_EQ(result.err, "");
  const auto json = JsonValue::parse(result.out);
  EXPECT_TRUE(json) << result.out;
  return {result.code(), json.value_or(JsonValue()), result.out};
}

std::string https(const std::string& certificate, const std::string& key) {
  return "  http: {bind: \"127.0.0.1:0\", tls: {certificates: [{certificate: " + certificate + ", key: " + key +
         "}]}}\n";
}

TEST(doctor, has_no_problem_with_a_good_configuration) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  const Diagnosis found = doctor(dir.write("holdfast.yaml", ServerConfig{}.yaml(dir)));
  // What kind of machine this is nobody knows.
  EXPECT_THAT(found.code, AnyOf(0, 71)) << found.text;
  EXPECT_THAT(found.of("configuration"), testing::ElementsAre(HasSubstr("ok: "))) << found.text;
  EXPECT_THAT(found.of("server"), testing::ElementsAre("ok: none runs with this configuration"));
  EXPECT_FALSE(found.of("descriptors").empty());
  EXPECT_FALSE(found.of("kernel").empty());
}

TEST(doctor, tells_what_the_check_tells_and_ends_with_78) {
  const TempDir dir;
  ServerConfig config;
  config.process = "wrokers: 1";
  const Diagnosis found = doctor(dir.write("holdfast.yaml", config.yaml(dir)));
  EXPECT_EQ(found.code, 78);
  EXPECT_THAT(found.of("configuration"), testing::Contains(HasSubstr("unknown key `wrokers`")));
  EXPECT_FALSE(found.of("kernel").empty()) << "the machine is looked at all the same";
}

TEST(doctor, names_who_has_taken_a_port) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  const TakenPort taken;
  ServerConfig config;
  config.listeners = "  http: {bind: \"127.0.0.1:" + std::to_string(taken.port()) + "\"}\n";
  const Diagnosis found = doctor(dir.write("holdfast.yaml", config.yaml(dir)));
  EXPECT_EQ(found.code, 71) << found.text;
  EXPECT_THAT(found.of("ports"),
              testing::Contains("problem: 127.0.0.1:" + std::to_string(taken.port()) +
                                " (http) is taken by process_tests (pid " + std::to_string(::getpid()) + ")"));
}

TEST(doctor, knows_the_ports_of_the_running_server) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::uint16_t port = server.port();
  config.listeners = "  http: {bind: \"127.0.0.1:" + std::to_string(port) + "\"}\n";
  server.write_config(config);
  const Diagnosis found = doctor(server.config_file());
  EXPECT_THAT(found.of("server"),
              testing::ElementsAre("ok: it runs with the pid " + std::to_string(server.pid())));
  EXPECT_THAT(found.of("ports"), testing::Contains("ok: 127.0.0.1:" + std::to_string(port) +
                                                   " (http) is held by the running server"))
      << found.text;
}

TEST(doctor, judges_certificates_and_who_can_read_their_keys) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  ServerConfig config;
  const TestCertificate soon = make_certificate({"a.example"}, {.until_days = 5});
  dir.write("a.pem", soon.certificate);
  const std::string key = dir.write("a.key", soon.key);
  config.listeners = https("a.pem", "a.key");
  const std::string file = dir.write("holdfast.yaml", config.yaml(dir));
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(key, std::filesystem::perms(0644));
  const Diagnosis open = doctor(file);
  EXPECT_THAT(open.of("secrets"),
              testing::Contains("warning: " + key + " can be read by everybody (mode 0644)"));
  EXPECT_THAT(open.of("certificates"),
              testing::ElementsAre(HasSubstr("warning: " + (dir / "a.pem") + " expires in ")));
  EXPECT_THAT(open.code, AnyOf(0, 71)) << open.text;
  std::filesystem::permissions(key, std::filesystem::perms(0600));
  EXPECT_THAT(doctor(file).of("secrets"), testing::ElementsAre("ok: 1 file is kept from others"));

  const TestCertificate over = make_certificate({"a.example"}, {.from_days = -9, .until_days = -1});
  dir.write("a.pem", over.certificate);
  dir.write("a.key", over.key);
  const Diagnosis late = doctor(file);
  EXPECT_EQ(late.code, 78);
  EXPECT_THAT(late.of("certificates"),
              testing::ElementsAre(HasSubstr("problem: " + (dir / "a.pem") + " has expired")));
  dir.write("a.key", soon.key);
  EXPECT_THAT(doctor(file).of("configuration"),
              testing::Contains(HasSubstr("does not belong to the certificate")));
}

TEST(doctor, is_quiet_about_what_is_in_order) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  const std::string file = dir.write("holdfast.yaml", ServerConfig{}.yaml(dir));
  const CommandResult loud = run_command({holdfast_binary(), "doctor", "-c", file});
  EXPECT_THAT(loud.out, HasSubstr("\nok       kernel          "));
  EXPECT_THAT(loud.out, HasSubstr(" problems, "));
  const CommandResult quiet = run_command({holdfast_binary(), "doctor", "-q", "-c", file});
  EXPECT_EQ(quiet.out.find("ok "), std::string::npos) << quiet.out;
  EXPECT_EQ(quiet.code(), loud.code());
}

}  // namespace
}  // namespace holdfast::support
