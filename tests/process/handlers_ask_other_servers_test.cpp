#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/http2_client.h"
#include "tests/support/other_server.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string module_bytes(const std::string& name) {
  std::ifstream file(HOLDFAST_MODULES "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string route(const std::string& path, const std::string& module, const std::string& settings) {
  return "      - path: " + path + "\n        module: {file: " + module + ", settings: {" + settings + "}}\n";
}

/// A server whose handler asks what the test tells it to ask.
ServerConfig with_caller(const std::string& settings = "") {
  ServerConfig config;
  config.workers = 1;
  config.files["caller.so"] = module_bytes("caller.so");
  config.routes = route("/call/{what}", "caller.so", settings);
  return config;
}

/// The other server, with everything the trial module does.
ServerConfig other_config() {
  ServerConfig config;
  config.workers = 1;
  config.files["trial.so"] = module_bytes("trial.so");
  config.routes = route("/trial/{what}", "trial.so", "");
  return config;
}

std::string query_escaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::string asking(const std::string& what, const std::string& url, const std::string& more = "") {
  return "/call/" + what + "?url=" + query_escaped(url) + more;
}

std::string url_of(const ServerProcess& server, const std::string& target) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + target;
}

bool alive_becomes(const ServerProcess& server, const std::string& count) {
  return eventually(10s, [&] { return get(server.port(), "/call/alive").body == count; });
}

TEST(fetching, gets_posts_and_streams_from_another_holdfast) {
  ServerProcess other(other_config());
  ServerProcess server(with_caller());
  ASSERT_TRUE(other.ready() && server.ready());
  EXPECT_EQ(get(server.port(), asking("whole", url_of(other, "/fixed"))).body, "200 fixed answer");
  EXPECT_THAT(get(server.port(), asking("whole", url_of(other, "/nothing"))).body, StartsWith("404 "));
  Client client(server.port());
  EXPECT_EQ(client.request("GET", asking("whole", url_of(other, "/fixed"), "&method=HEAD")).body, "200 ");
  client.send(request_text("POST", asking("whole", url_of(other, "/api/echo"), "&method=POST"), "",
                           std::string(90'000, 'p')));
  EXPECT_EQ(client.receive().body, "200 " + std::string(90'000, 'p'));
  const Response streamed = client.get(asking("stream", url_of(other, "/trial/stream")));
  EXPECT_TRUE(streamed.ok());
  EXPECT_EQ(streamed.body.size(), 1'000'000u);
  EXPECT_EQ(client.get(asking("both", url_of(other, "/fixed"))).body, "fixed answerfixed answer");
  const std::string by_name = "http://localhost:" + std::to_string(other.port()) + "/fixed";
  EXPECT_EQ(client.get(asking("whole", by_name)).body, "200 fixed answer");
  EXPECT_TRUE(alive_becomes(server, "0"));
}

}  // namespace
}  // namespace holdfast::support
