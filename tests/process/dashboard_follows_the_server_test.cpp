// The dashboard of the admin listener: in a real browser, and its stream of events as any client sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/process/calling_server.h"
#include "tests/support/child_process.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Nothing that holds a leaving process would be overlooked within a test's patience.
constexpr const char* kPatientDrain = "shutdown_timeout: 60s, respawn: {initial_delay: 1ms, max_delay: 20ms}";

TEST(Dashboard, ShowsWhatHappensInABrowser) {
  if (tested_is_sanitized()) GTEST_SKIP() << "the page is the same; what it is told is tried below";
  if (run_command({"chromium", "--version"}).code() != 0) GTEST_SKIP() << "chromium is not installed";
  if (run_command({"/usr/bin/python3", "-c", "import websockets"}).code() != 0)
    GTEST_SKIP() << "python3-websockets is not installed";
  ServerConfig config;
  config.process = kPatientDrain;
  config.files["faulty.so"] = module_bytes("faulty.so");
  config.routes = route("/faulty/{what}", "faulty.so", "");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  for (const char* event : {"worker ended", "reload problem", "reload refused"}) server.allow(event);
  const TempDir profile;
  const CommandResult result = run_command(
      {"/usr/bin/python3", "-B", HOLDFAST_CLIENTS "/dashboard_page.py", "chromium", profile / "profile",
       std::to_string(server.admin_port()), std::to_string(server.port()), server.config_file()},
      {}, 120s);
  EXPECT_EQ(result.code(), 0) << result.out << result.err;
}

/// The stream's head and its first event.
Response begin_events(Client& client) {
  client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  return client.receive_head();
}

TEST(Dashboard, EndsItsStreamsAtOnceWhenTheAdminProcessIsReplaced) {
  ServerConfig config;
  config.process = kPatientDrain;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const auto former = static_cast<pid_t>(server.status()["admin"]["pid"].number());
  auto page = std::make_unique<Client>(server.admin_port());
  const Response head = begin_events(*page);
  ASSERT_EQ(head.status, 200);
  EXPECT_EQ(head.field("content-type"), "text/event-stream");
  EXPECT_EQ(server.reload().event, "reload complete");
  // The last chunk: the end is no accident, and a browser's console stays clean.
  std::string stream;
  const Deadline deadline(20s);
  while (!stream.ends_with("\r\n0\r\n\r\n")) {
    std::string byte;
    ASSERT_FALSE(deadline.passed()) << stream;
    ASSERT_EQ(page->receive_raw(1, byte), Outcome::Ok) << stream;
    stream += byte;
  }
  EXPECT_THAT(stream, HasSubstr("event: facts\n"));
  EXPECT_THAT(stream, HasSubstr("retry: 100\n\n"));
  page.reset();
  EXPECT_TRUE(eventually(10s, [&] { return ::kill(former, 0) != 0; })) << "it waits for nobody";
}

TEST(Dashboard, ServesNoMorePagesThanItCanAfford) {
  constexpr std::size_t kPages = 32;
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  std::vector<std::unique_ptr<Client>> pages;
  for (std::size_t i = 0; i < kPages; ++i) {
    pages.push_back(std::make_unique<Client>(server.admin_port()));
    ASSERT_EQ(begin_events(*pages.back()).status, 200) << i;
  }
  Client refused(server.admin_port());
  EXPECT_EQ(begin_events(refused).status, 503);
  EXPECT_EQ(get(server.admin_port(), "/healthz").status, 200) << "others are served";
  pages.pop_back();
  EXPECT_TRUE(eventually(10s, [&] {
    Client page(server.admin_port());
    return begin_events(page).status == 200;
  })) << "a page that was closed has given its place back";
}

}  // namespace
}  // namespace holdfast::support
