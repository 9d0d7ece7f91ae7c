#include <gtest/gtest.h>

#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

ServerConfig behind_balancer(const std::string& proxy_protocol) {
  ServerConfig config;
  config.workers = 1;
  config.timeouts = "request_header: 300ms";
  config.listeners = "  http: {bind: \"127.0.0.1:0\", proxy_protocol: " + proxy_protocol + "}\n";
  return config;
}

std::string v2(std::uint8_t command, std::uint8_t family, std::string block) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header += static_cast<char>(command);
  header += static_cast<char>(family);
  header += static_cast<char>(block.size() >> 8);
  header += static_cast<char>(block.size() & 0xFF);
  return header + block;
}

// 192.0.2.7:12345 to 192.0.2.2:443
const std::string kInet("\xC0\0\x02\x07\xC0\0\x02\x02\x30\x39\x01\xBB", 12);

double refused(ServerProcess& server, const std::string& reason) {
  return scrape(server.admin_port()).sum("holdfast_connections_refused_total", {"reason=\"" + reason + "\""});
}

/// Keeps an access log of addresses and targets.
class AccessLog {
 public:
  void keep_for(ServerConfig& config) const {
    config.log = "error: {to: stderr, level: info}, access: {to: \"" + (dir_ / "access.log") +
                 "\", format: \"{client_ip} {target}\"}";
  }
  bool has(const std::string& line) const {
    return eventually(10s, [&] { return dir_.read("access.log").find(line + "\n") != std::string::npos; });
  }

 private:
  TempDir dir_;
};

TEST(proxy_protocol, of_curl_reaches_the_access_log) {
  AccessLog log;
  ServerConfig config = behind_balancer("on");
  log.keep_for(config);
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port()) + "/fixed";
  const CommandResult result =
      run_command({"curl", "-sS", "--haproxy-protocol", "--haproxy-clientip", "2001:db8::7", url});
  // Older ones do not know the second option; their header says their own address.
  const CommandResult plain = run_command({"curl", "-sS", "--haproxy-protocol", url});
  EXPECT_EQ(plain.out, "fixed answer") << plain.err;
  EXPECT_TRUE(result.code() != 0 || log.has("2001:db8::7 /fixed"));
  EXPECT_TRUE(log.has("127.0.0.1 /fixed"));
}

TEST(proxy_protocol, of_version_2_reaches_the_access_log) {
  AccessLog log;
  ServerConfig config = behind_balancer("{from: [127.0.0.0/8]}");
  log.keep_for(config);
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  client.send(v2(0x21, 0x11, kInet));
  EXPECT_EQ(client.get("/fixed?one").status, 200);
  EXPECT_EQ(client.get("/fixed?two").status, 200) << "it comes once a connection";
  EXPECT_TRUE(log.has("192.0.2.7 /fixed?one"));
  EXPECT_TRUE(log.has("192.0.2.7 /fixed?two"));
  Client local(server.port());
  local.send(v2(0x20, 0x00, ""));
  EXPECT_EQ(local.get("/fixed?local").status, 200);
  EXPECT_TRUE(log.has("127.0.0.1 /fixed?local"));
}

TEST(proxy_protocol, is_never_guessed) {
  ServerProcess server(behind_balancer("on"));
  ASSERT_TRUE(server.ready());
  Client plain(server.port());
  EXPECT_FALSE(plain.get("/fixed").ok());
  Client silent(server.port());
  EXPECT_NE(silent.closes_within(5s), Outcome::Timeout);
  EXPECT_TRUE(eventually(5s, [&] { return refused(server, "proxy_header") == 2; }));
  EXPECT_EQ(get(server.admin_port(), "/healthz").status, 200) << "the admin listener takes none";
}

TEST(proxy_protocol, is_taken_from_those_named_only) {
  ServerProcess server(behind_balancer("{from: [192.0.2.0/24, 127.0.0.2]}"));
  ASSERT_TRUE(server.ready());
  Client stranger(server.port());
  EXPECT_NE(stranger.closes_within(5s), Outcome::Timeout);
  EXPECT_TRUE(eventually(5s, [&] { return refused(server, "proxy_source") == 1; }));
  Client balancer(server.port(), {.source = 0x7F000002});
  balancer.send("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
  EXPECT_EQ(balancer.get("/fixed").status, 200);
}

TEST(proxy_protocol, lets_each_client_have_its_own_count_of_connections) {
  ServerConfig config = behind_balancer("on");
  config.limits = "connections_per_ip: 1";
  config.timeouts = {};
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const auto header = [](int client) {
    return "PROXY TCP4 192.0.2." + std::to_string(client) + " 192.0.2.200 1 2\r\n";
  };
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 1; i <= 5; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(header(i));
    EXPECT_EQ(clients.back()->get("/fixed").status, 200) << i;
  }
  Client second(server.port());
  second.send(header(1));
  EXPECT_FALSE(second.get("/fixed").ok());
  EXPECT_TRUE(eventually(5s, [&] { return refused(server, "address_limit") == 1; }));
}

}  // namespace
}  // namespace holdfast::support
