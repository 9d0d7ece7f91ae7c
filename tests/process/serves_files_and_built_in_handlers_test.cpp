#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(serves, the_index_file_of_a_folder) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const Response page = get(server.port(), "/");
  EXPECT_EQ(page.status, 200) << page;
  EXPECT_EQ(page.body, server.dir().read("www/index.html"));
  EXPECT_THAT(page.field("content-type"), StartsWith("text/html"));
  EXPECT_TRUE(page.has("etag"));
  EXPECT_TRUE(page.has("last-modified"));
  EXPECT_TRUE(page.has("date"));
}

TEST(serves, a_large_file_byte_for_byte) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const std::string bytes = varied_bytes(9'000'017);
  server.dir().write("www/large.bin", bytes);
  const Response file = get(server.port(), "/large.bin");
  EXPECT_EQ(file.status, 200);
  EXPECT_TRUE(file.body == bytes);
}

TEST(serves, head_as_get_without_the_body) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const Response page = client.get("/");
  const Response head = client.request("HEAD", "/");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("content-length"), page.field("content-length"));
  EXPECT_EQ(head.field("etag"), page.field("etag"));
  EXPECT_EQ(client.get("/").body, page.body) << "the connection is out of step after HEAD";
}

TEST(serves, not_modified_to_a_matching_etag) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const std::string etag = client.get("/").field("etag");
  const Response again = client.request("GET", "/", "If-None-Match: " + etag + "\r\n");
  EXPECT_EQ(again.status, 304) << again;
  EXPECT_EQ(client.get("/").status, 200);
}

TEST(serves, a_single_range) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  server.dir().write("www/digits.txt", "0123456789");
  Client client(server.port());
  const Response part = client.request("GET", "/digits.txt", "Range: bytes=2-5\r\n");
  EXPECT_EQ(part.status, 206) << part;
  EXPECT_EQ(part.body, "2345");
  EXPECT_EQ(part.field("content-range"), "bytes 2-5/10");
  EXPECT_EQ(client.request("GET", "/digits.txt", "Range: bytes=10-\r\n").status, 416);
}

TEST(serves, the_slash_form_of_a_folder_by_redirect_with_its_query) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  server.dir().write("www/docs/index.html", "docs");
  const Response moved = get(server.port(), "/docs?a=b");
  EXPECT_EQ(moved.status, 301) << moved;
  EXPECT_THAT(moved.field("location"), HasSubstr("/docs/?a=b"));
  EXPECT_EQ(get(server.port(), "/docs/").body, "docs");
}

TEST(serves, nothing_outside_the_document_root) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  server.dir().write("secret.txt", "outside");
  for (const char* target : {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/a/../../secret.txt",
                             "/..\\secret.txt", "/%00/secret.txt", "/.%2e/secret.txt"}) {
    const Response response = get(server.port(), target);
    EXPECT_TRUE(response.status == 400 || response.status == 403 || response.status == 404) << target << '\n'
                                                                                            << response;
    EXPECT_THAT(response.body, ::testing::Not(HasSubstr("outside"))) << target;
  }
}

TEST(serves, hello_status_fixed_answers_and_redirects) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  EXPECT_EQ(client.get("/api/hello").status, 200);
  const Response status = client.get("/api/status");
  EXPECT_EQ(status.status, 200);
  EXPECT_THAT(status.field("content-type"), StartsWith("application/json"));
  EXPECT_TRUE(JsonValue::parse(status.body).has_value()) << status;
  EXPECT_EQ(client.get("/fixed").body, "fixed answer");
  const Response moved = client.get("/old");
  EXPECT_EQ(moved.status, 308);
  EXPECT_EQ(moved.field("location"), "/new");
}

TEST(serves, method_not_allowed_with_the_methods_that_are) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const Response refused = Client(server.port()).request("DELETE", "/api/hello");
  EXPECT_EQ(refused.status, 405) << refused;
  EXPECT_THAT(refused.field("allow"), HasSubstr("GET"));
}

TEST(serves, errors_as_json_to_a_client_that_prefers_it) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const Response html = client.get("/missing");
  EXPECT_EQ(html.status, 404);
  EXPECT_THAT(html.field("content-type"), StartsWith("text/html"));
  const Response json = client.request("GET", "/missing", "Accept: application/json\r\n");
  EXPECT_EQ(json.status, 404);
  ASSERT_TRUE(JsonValue::parse(json.body)) << json;
  EXPECT_EQ((*JsonValue::parse(json.body))["status"].number(), 404);
}

TEST(serves, changed_content_within_a_second) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  server.dir().write("www/news.txt", "old");
  Client client(server.port());
  ASSERT_EQ(client.get("/news.txt").body, "old");
  server.dir().write("www/news.txt", "new and longer");
  const TimePoint changed = Clock::now();
  std::string seen;
  while (seen != "new and longer" && Clock::now() - changed < 3s) seen = client.get("/news.txt").body;
  EXPECT_EQ(seen, "new and longer");
  EXPECT_LT(Clock::now() - changed, 1200ms);
}

TEST(serves, no_file_past_the_route_that_guards_it) {
  ServerConfig config;
  config.routes = "      - {path: /private/*, respond: {status: 403, body: no}}\n";
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.dir().write("www/private/secret.txt", "secret");
  for (const char* target : {"/private/secret.txt", "//private/secret.txt", "/private//secret.txt",
                             "/./private/secret.txt", "/x/..//private/secret.txt", "/%70rivate/secret.txt"})
    EXPECT_EQ(get(server.port(), target).status, 403) << target;
}

TEST(serves, a_known_path_with_another_method_by_405) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  server.dir().write("www/api/echo", "a file of the same name");
  const Response response = get(server.port(), "/api/echo");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.field("allow"), "POST, OPTIONS");
}

}  // namespace
}  // namespace holdfast::support
