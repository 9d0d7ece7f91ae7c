// WebSockets as other people's clients see them: python3-websockets and npm's ws, with and without compression,
// and the chat's page in a browser.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_dir.h"

namespace holdfast::support {
namespace {

using namespace std::chrono_literals;

struct KnownClient {
  const char* name;
  std::vector<std::string> is_there;
  std::vector<std::string> command;
};

class KnownClients : public ::testing::TestWithParam<KnownClient> {};

const KnownClient kClients[] = {
    {"python3_websockets",
     {"/usr/bin/python3", "-c", "import websockets"},
     {"/usr/bin/python3", HOLDFAST_CLIENTS "/converse.py"}},
    {"ws", {"node", "-e", "require('ws')"}, {"node", HOLDFAST_CLIENTS "/converse.js"}},
};
INSTANTIATE_TEST_SUITE_P(of, KnownClients, ::testing::ValuesIn(kClients),
                         [](const auto& info) { return info.param.name; });

TEST_P(KnownClients, converse_with_the_echo) {
  const SpawnOptions options{.environment = {"NODE_PATH=/usr/share/nodejs:/usr/local/lib/node_modules"}};
  if (run_command(GetParam().is_there, options).code() != 0)
    GTEST_SKIP() << GetParam().name << " is not installed";
  ServerConfig config;
  config.routes = "      - {path: /echo, websocket_echo: {}}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  std::vector<std::string> command = GetParam().command;
  command.push_back("ws://127.0.0.1:" + std::to_string(server.port()) + "/echo");
  const CommandResult result = run_command(command, options, 60s);
  EXPECT_EQ(result.code(), 0) << result.out << result.err;
}

TEST(KnownBrowser, chats_in_two_pages) {
  if (run_command({"chromium", "--version"}).code() != 0) GTEST_SKIP() << "chromium is not installed";
  if (run_command({"/usr/bin/python3", "-c", "import websockets"}).code() != 0)
    GTEST_SKIP() << "python3-websockets is not installed";
  ServerConfig config;
  config.routes = "      - {path: /chat, chat: {}}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const TempDir profile;
  const CommandResult result =
      run_command({"/usr/bin/python3", "-B", HOLDFAST_CLIENTS "/chat_pages.py", "chromium", profile / "profile",
                   "http://127.0.0.1:" + std::to_string(server.port()) + "/chat"},
                  {}, 60s);
  EXPECT_EQ(result.code(), 0) << result.out << result.err;
}

}  // namespace
}  // namespace holdfast::support
