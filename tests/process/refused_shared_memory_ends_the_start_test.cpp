// Without the memory that its processes share there is no server: the start says what is missing and ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/injected_faults.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;

class shared_memory : public testing::Test {
 protected:
  void SetUp() override {
    if (!InjectedFaults::possible()) GTEST_SKIP() << "sanitizers leave no room for a preloaded library";
  }
  InjectedFaults faults_;
};

TEST_F(shared_memory, that_is_refused_ends_the_start_with_71_and_the_limit_behind_it) {
  struct Case {
    FaultyCall call;
    int code;
    int spared;
    const char* purpose;
    const char* hint;
  };
  for (const Case& c : {Case{FaultyCall::MemoryFile, EMFILE, 0, "the statistics", "LimitNOFILE="},
                        Case{FaultyCall::MemoryFile, ENFILE, 0, "the statistics", "fs.file-max"},
                        Case{FaultyCall::MemoryFile, ENOMEM, 1, "the limits of clients", "MemoryMax="},
                        Case{FaultyCall::Truncate, ENOSPC, 0, "the statistics", "MemoryMax="},
                        Case{FaultyCall::MemoryFile, EMFILE, 2, "session ticket keys", "ulimit -n"},
                        Case{FaultyCall::Truncate, EFBIG, 3, "messages between workers", "ulimit -f"}}) {
    const TempDir dir;
    dir.write("www/index.html", "x");
    dir.write("holdfast.yaml", ServerConfig().yaml(dir));
    faults_.fail(c.call, c.code, c.spared);
    const CommandResult result =
        run_command({holdfast_binary(), "-c", dir / "holdfast.yaml"}, faults_.spawn_options());
    faults_.fail(c.call, 0);
    EXPECT_EQ(result.code(), 71) << result.err;
    EXPECT_THAT(result.err, HasSubstr(c.purpose));
    EXPECT_THAT(result.err, HasSubstr(c.hint));
    EXPECT_FALSE(std::filesystem::exists(dir / "holdfast.pid"));
  }
}

TEST_F(shared_memory, is_not_needed_anew_by_a_reload) {
  ServerProcess server({}, faults_.spawn_options());
  ASSERT_TRUE(server.ready());
  faults_.fail(FaultyCall::MemoryFile, ENOMEM);
  EXPECT_EQ(server.reload().event, "reload complete");
  EXPECT_EQ(faults_.failures(FaultyCall::MemoryFile), 0);
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

// The way by which renewed certificates come to the workers.
TEST_F(shared_memory, that_is_refused_leaves_the_certificates_in_use) {
  const TestCertificate first = make_certificate({"a.test"});
  const TestCertificate second = make_certificate({"a.test"});
  ServerConfig config;
  config.listeners =
      "  http:\n    bind: \"127.0.0.1:0\"\n"
      "    tls: {certificates: [{certificate: site.pem, key: site.key}]}\n";
  config.files = {{"site.pem", first.certificate}, {"site.key", first.key}};
  ServerProcess server(config, faults_.spawn_options());
  ASSERT_TRUE(server.ready());
  for (const char* event : {"workers not told of new certificates", "certificates not renewed"})
    server.allow(event);
  const auto shown = [&] {
    const TlsOptions any;
    ClientOptions options;
    options.tls = &any;
    const Client client(server.port(), options);
    return client.connected() == Outcome::Ok ? client.tls()->certificate() : "";
  };
  faults_.fail(FaultyCall::MemoryFile, ENOMEM);
  server.dir().write("site.key", second.key);
  server.dir().write("site.pem", second.certificate);
  const auto told = server.log().wait_event("workers not told of new certificates", 0, 20s);
  ASSERT_TRUE(told) << server.log().text();
  EXPECT_THAT(told->field("problem"), HasSubstr("shared memory"));
  EXPECT_EQ(shown(), first.certificate);
  faults_.fail(FaultyCall::MemoryFile, 0);
  EXPECT_EQ(server.reload().event, "reload complete");
  EXPECT_EQ(shown(), second.certificate);
}

}  // namespace
}  // namespace holdfast::support
