#include "worker/upstream/request_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::upstream {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Result<std::string> text_of(const api::OutgoingRequest& request) {
  return request_text(request, *parse_url("http://example.org:81/a?b"));
}

std::string problem_of(const api::Field& field) {
  const Result<std::string> text = text_of({.fields = {&field, 1}});
  return text ? "" : text.error().message();
}

TEST(RequestText, has_all_that_a_request_needs) {
  EXPECT_EQ(*text_of({}),
            "GET /a?b HTTP/1.1\r\nHost: example.org:81\r\nUser-Agent: holdfast/" HOLDFAST_VERSION "\r\n\r\n");
  EXPECT_THAT(*text_of({.method = "POST", .body = "12345"}), HasSubstr("\r\nContent-Length: 5\r\n"));
  EXPECT_THAT(*text_of({.method = "POST"}), HasSubstr("\r\nContent-Length: 0\r\n"));
  EXPECT_THAT(*text_of({.method = "DELETE"}), Not(HasSubstr("Content-Length")));
}

TEST(RequestText, takes_the_callers_fields_for_its_own) {
  const api::Field fields[] = {
      {"Accept", "text/html"}, {"host", "other.example"}, {"USER-AGENT", "me"}, {"X", ""}};
  EXPECT_EQ(*text_of({.fields = fields}),
            "GET /a?b HTTP/1.1\r\nAccept: text/html\r\nhost: other.example\r\nUSER-AGENT: me\r\nX: \r\n\r\n");
}

TEST(RequestText, cannot_be_split) {
  EXPECT_THAT(problem_of({"X", "a\r\nY: b"}), HasSubstr("`X` must not hold control bytes"));
  EXPECT_THAT(problem_of({"X", "a\nb"}), HasSubstr("control bytes"));
  EXPECT_THAT(problem_of({"X", std::string_view("a\0b", 3)}), HasSubstr("control bytes"));
  EXPECT_THAT(problem_of({"X: y\r\nZ", "a"}), HasSubstr("`X: y??Z` must be a token"));
  EXPECT_THAT(problem_of({"", "a"}), HasSubstr("must be a token"));
  EXPECT_THAT(text_of({.method = "GET / HTTP/1.1\r\nX:"}).error().message(), HasSubstr("must be a token"));
  EXPECT_THAT(text_of({.method = ""}).error().message(), HasSubstr("must be a token"));
}

TEST(RequestText, leaves_the_connection_to_the_client) {
  for (const char* name : {"Connection", "content-length", "Transfer-Encoding", "Upgrade", "TE", "Expect"})
    EXPECT_THAT(problem_of({name, "x"}), HasSubstr("belongs to the connection")) << name;
  EXPECT_THAT(text_of({.method = "CONNECT"}).error().message(), HasSubstr("no tunnels"));
  const api::Field hosts[] = {{"Host", "a"}, {"Host", "b"}};
  EXPECT_THAT(text_of({.fields = hosts}).error().message(), HasSubstr("given once"));
}

TEST(RequestText, only_some_methods_may_be_repeated) {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
    EXPECT_TRUE(is_idempotent(method));
  for (const char* method : {"POST", "PATCH", "get", "LOCK", ""}) EXPECT_FALSE(is_idempotent(method));
}

}  // namespace
}  // namespace holdfast::upstream
