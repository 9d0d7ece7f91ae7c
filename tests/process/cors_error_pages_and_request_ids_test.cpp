#include <gtest/gtest.h>

#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

TEST(cors, scripts_of_allowed_origins_may_read_and_others_may_not) {
  ServerConfig config;
  config.routes =
      "      - path: /data\n        methods: [GET, PUT]\n"
      "        cors: {origins: [\"https://app.example\", \"https://*.team.example\"], methods: [GET, PUT], "
      "credentials: true, expose: [ETag]}\n"
      "        echo: {}\n"
      "      - {path: /plain, methods: [GET], respond: {status: 200, body: x}}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const auto ask = [&](const char* method, const char* path, const std::string& fields) {
    return client.request(method, path, fields);
  };
  const std::string app = "Origin: https://app.example\r\n";
  const Response preflight =
      ask("OPTIONS", "/data",
          app + "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-key\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.field("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(preflight.field("access-control-allow-methods"), "GET, PUT");
  EXPECT_EQ(preflight.field("access-control-allow-headers"), "x-key");
  EXPECT_EQ(preflight.field("access-control-allow-credentials"), "true");
  EXPECT_EQ(preflight.field("access-control-max-age"), "600");

  const Response stranger =
      ask("OPTIONS", "/data", "Origin: https://evil.example\r\nAccess-Control-Request-Method: PUT\r\n");
  EXPECT_EQ(stranger.status, 204);
  EXPECT_FALSE(stranger.has("access-control-allow-origin"));
  EXPECT_FALSE(stranger.has("access-control-allow-methods"));

  const Response answer = ask("GET", "/data", "Origin: https://a.team.example\r\n");
  EXPECT_EQ(answer.field("access-control-allow-origin"), "https://a.team.example");
  EXPECT_EQ(answer.field("access-control-expose-headers"), "ETag");
  EXPECT_FALSE(ask("GET", "/data", "").has("access-control-allow-origin"));
  const Response plain = ask("OPTIONS", "/plain", app + "Access-Control-Request-Method: GET\r\n");
  EXPECT_EQ(plain.status, 204);
  EXPECT_FALSE(plain.has("access-control-allow-origin"));
  EXPECT_EQ(plain.field("allow"), "GET, HEAD, OPTIONS");
}

TEST(error_pages, of_a_route_win_over_those_of_its_site) {
  const TempDir pages;
  pages.write("404.html", "<p>site: not found</p>");
  pages.write("4xx.html", "<p>site: your mistake</p>");
  pages.write("405.json", "{\"own\": true}\n");
  ServerConfig config;
  config.routes = "      - {path: /strict, methods: [POST], error_pages: {405: {file: " + (pages / "405.json") +
                  "}}, echo: {}}\n";
  config.more = "    error_pages:\n      404: {file: " + (pages / "404.html") +
                "}\n      4xx: {file: " + (pages / "4xx.html") + "}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const Response missing = client.get("/nowhere");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, "<p>site: not found</p>");
  EXPECT_EQ(missing.field("content-type"), "text/html; charset=utf-8");
  const Response wrong = client.request("GET", "/api/echo");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.body, "<p>site: your mistake</p>");
  EXPECT_FALSE(wrong.field("allow").empty());
  const Response json = client.request("GET", "/nowhere", "Accept: application/json\r\n");
  EXPECT_EQ(json.field("content-type"), "application/json");
  EXPECT_NE(json.body.find("\"status\":404"), std::string::npos);
  client.send(request_text("HEAD", "/nowhere"));
  const Response head = client.receive(Expect::NoBody);
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.field("content-length"), "22");
}

TEST(request_id, is_made_or_taken_over_and_shown_everywhere) {
  const TempDir logs;
  ServerConfig config;
  config.log =
      "error: {to: stderr, level: info}, access: {to: \"" + (logs / "access.log") + "\", format: json}";
  config.more = "request_id: {mode: accept}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  std::string made;
  {
    Client client(server.port());
    made = client.get("/fixed").field("x-request-id");
    EXPECT_EQ(made.size(), 32U);
    EXPECT_NE(client.get("/fixed").field("x-request-id"), made);
    EXPECT_EQ(client.request("GET", "/fixed", "X-Request-Id: from-the-balancer.7\r\n").field("x-request-id"),
              "from-the-balancer.7");
    EXPECT_EQ(client.request("GET", "/fixed", "X-Request-Id: not one\r\n").field("x-request-id").size(), 32U);
    const Response missing = client.get("/nowhere");
    EXPECT_NE(missing.body.find(missing.field("x-request-id")), std::string::npos) << missing.body;
    client.request("GET", "/fixed", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n");
  }
  Client broken(server.port());
  broken.send("GET /\r\n\r\n");
  EXPECT_EQ(broken.receive().field("x-request-id").size(), 32U);
  server.stop();
  const std::string log = logs.read("access.log");
  EXPECT_NE(log.find("\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\""), std::string::npos) << log;
  EXPECT_NE(log.find("\"request_id\":\"" + made + "\""), std::string::npos) << log;
}

TEST(site_headers, are_in_every_answer_of_the_site_and_routes_have_the_last_word) {
  ServerConfig config;
  config.routes =
      "      - {path: /own, respond: {body: own}, headers: {set: {X-Frame-Options: SAMEORIGIN, Cache-Control: "
      "no-store}}}\n";
  config.more =
      "    headers: {set: {Strict-Transport-Security: max-age=31536000, X-Frame-Options: DENY}, remove: "
      "[Server]}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  for (const char* target : {"/fixed", "/own", "/nowhere", "/api/echo"}) {
    const Response answer = get(server.port(), target);
    EXPECT_EQ(answer.field("strict-transport-security"), "max-age=31536000") << target;
    EXPECT_EQ(answer.field("x-frame-options"), target == std::string("/own") ? "SAMEORIGIN" : "DENY") << target;
    EXPECT_FALSE(answer.has("server")) << target;
  }
  EXPECT_EQ(get(server.port(), "/own").field("cache-control"), "no-store");
}

}  // namespace
}  // namespace holdfast::support
