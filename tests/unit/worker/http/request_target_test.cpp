#include "worker/http/request_target.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holdfast::http {
namespace {

/// The parsed target with copies of its views, so that the buffers may go.
struct Parsed {
  TargetForm form;
  bool https;
  bool encoded_slash;
  std::string path;
  std::string query;
  std::string authority;
};

Parsed parse(std::string_view target, api::Method method = api::Method::Get) {
  std::vector<char> room(decoded_room(target));
  const RequestTarget parsed = parse_request_target(target, method, room);
  return {parsed.form,
          parsed.https,
          parsed.encoded_slash,
          std::string(parsed.path),
          std::string(parsed.query),
          std::string(parsed.authority)};
}

bool refused(std::string_view target, api::Method method = api::Method::Get) {
  return parse(target, method).form == TargetForm::Refused;
}

TEST(RequestTarget, AnOriginFormIsSplitAtTheFirstQuestionMark) {
  const Parsed parsed = parse("/a/b.html?x=1?y");
  EXPECT_EQ(parsed.form, TargetForm::Origin);
  EXPECT_EQ(parsed.path, "/a/b.html");
  EXPECT_EQ(parsed.query, "x=1?y");
}

TEST(RequestTarget, APlainPathIsAViewIntoTheTarget) {
  const std::string target = "/plain/file.css?v=2";
  std::vector<char> room(decoded_room(target));
  EXPECT_EQ(parse_request_target(target, api::Method::Get, room).path.data(), target.data());
}

TEST(RequestTarget, EscapesAreDecodedExactlyOnce) {
  EXPECT_EQ(parse("/%41%62c").path, "/Abc");
  EXPECT_EQ(parse("/100%25").path, "/100%");
  EXPECT_EQ(parse("/%2541").path, "/%41");
  EXPECT_EQ(parse("/%c3%a4").path, "/\xc3\xa4");
}

TEST(RequestTarget, DotSegmentsAreRemovedAlsoWhenEscaped) {
  EXPECT_EQ(parse("/a/./b/../c").path, "/a/c");
  EXPECT_EQ(parse("/a/%2e%2E/b").path, "/b");
  EXPECT_EQ(parse("/a/b/..").path, "/a/");
  EXPECT_EQ(parse("/a/.").path, "/a/");
  EXPECT_EQ(parse("/.").path, "/");
  EXPECT_EQ(parse("/a//../b").path, "/b");
  EXPECT_EQ(parse("/a/...").path, "/a/...");
  EXPECT_EQ(parse("/.well-known/x").path, "/.well-known/x");
}

TEST(RequestTarget, ClimbingAboveTheRootIsRefused) {
  for (const char* target : {"/..", "/../etc/passwd", "/a/../../b", "/%2e%2e/x", "/.%2e", "/./../x"})
    EXPECT_TRUE(refused(target)) << target;
}

TEST(RequestTarget, EscapedSeparatorsStayEscapedAndAreTold) {
  for (const char* target : {"/a%2Fb", "/a%2fb", "/a%5Cb", "/%5c..%5c"}) {
    const Parsed parsed = parse(target);
    EXPECT_EQ(parsed.form, TargetForm::Origin) << target;
    EXPECT_TRUE(parsed.encoded_slash) << target;
    EXPECT_EQ(parsed.path, target);
  }
  EXPECT_FALSE(parse("/a%252Fb").encoded_slash);
}

TEST(RequestTarget, BadEscapesControlBytesBackslashesAndFragmentsAreRefused) {
  for (const char* target : {"/%", "/%4", "/%zz", "/a%00b", "/a\\b", "/a#b", "/a b", "/a\tb", "/\x7f", "/a?b#c",
                             "/a?b c", "/a?\x01"})
    EXPECT_TRUE(refused(target)) << target;
  EXPECT_TRUE(refused(std::string_view("/a\0b", 4)));
}

TEST(RequestTarget, EmptySegmentsAreKept) {
  EXPECT_EQ(parse("//evil.example//x").path, "/evil.example/x");
  EXPECT_EQ(parse("//").path, "/");
  EXPECT_EQ(parse("/a///").path, "/a/");
  EXPECT_EQ(parse("/%2e//b").path, "/b");
}

TEST(RequestTarget, AnAbsoluteFormGivesAuthorityAndPath) {
  const Parsed parsed = parse("HTTP://Example.com:80/a/../b?q");
  EXPECT_EQ(parsed.form, TargetForm::Absolute);
  EXPECT_EQ(parsed.authority, "Example.com:80");
  EXPECT_EQ(parsed.path, "/b");
  EXPECT_EQ(parsed.query, "q");
  EXPECT_EQ(parse("http://example.com").path, "/");
  EXPECT_EQ(parse("https://example.com?q=1").query, "q=1");
  EXPECT_FALSE(parsed.https);
  EXPECT_TRUE(parse("HTTPS://example.com").https);
}

TEST(RequestTarget, AnAbsoluteFormWithUserInformationAnEmptyHostOrAnotherSchemeIsRefused) {
  for (const char* target :
       {"http://user@host/", "http:///path", "http://:80/", "ftp://host/", "file:///etc/passwd",
        "javascript:alert(1)", "http:/x", "example.com/", "", "http://[::1/", "http://host:99999/"})
    EXPECT_TRUE(refused(target)) << target;
}

TEST(RequestTarget, TheAsteriskIsForOptionsOnly) {
  EXPECT_EQ(parse("*", api::Method::Options).form, TargetForm::Asterisk);
  EXPECT_EQ(parse("*", api::Method::Options).path, "*");
  EXPECT_TRUE(refused("*"));
  EXPECT_TRUE(refused("*/x", api::Method::Options));
}

TEST(RequestTarget, ConnectTakesHostAndPortAndNothingElse) {
  EXPECT_EQ(parse("example.com:443", api::Method::Connect).form, TargetForm::Authority);
  EXPECT_EQ(parse("[::1]:443", api::Method::Connect).authority, "[::1]:443");
  for (const char* target : {"example.com", "example.com:", ":443", "/", "http://example.com/"})
    EXPECT_TRUE(refused(target, api::Method::Connect)) << target;
  EXPECT_TRUE(refused("example.com:443"));
}

TEST(HostOfAuthority, ThePortIsRemoved) {
  EXPECT_EQ(host_of_authority("example.com:8080"), "example.com");
  EXPECT_EQ(host_of_authority("example.com"), "example.com");
  EXPECT_EQ(host_of_authority("example.com:"), "example.com");
  EXPECT_EQ(host_of_authority("[2001:db8::1]:80"), "[2001:db8::1]");
  EXPECT_EQ(host_of_authority("xn--bcher-kva.example"), "xn--bcher-kva.example");
}

TEST(HostOfAuthority, AnEmptyHostIsValid) {
  EXPECT_EQ(host_of_authority(""), "");
  EXPECT_EQ(host_of_authority(":80"), "");
}

TEST(HostOfAuthority, MalformedOnesAreRefused) {
  for (const char* authority :
       {"a b", "a/b", "user@host", "host:port", "host:80:80", "host:-1", "host:65536", "[::1", "[::1]x", "[]",
        "[::g]", "::1", "a\\b", "ho%zzst", "host%", "a\"b", "<x>", "[fe80::1%eth0]"})
    EXPECT_EQ(host_of_authority(authority), std::nullopt) << authority;
}

}  // namespace
}  // namespace holdfast::http
