#include "worker/upstream/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::upstream {
namespace {

using ::testing::HasSubstr;

std::string problem_of(std::string_view text) {
  const Result<Url> url = parse_url(text);
  return url ? "" : url.error().message();
}

struct Good {
  const char* text;
  const char* host;
  std::uint16_t port;
  const char* authority;
  const char* target;
};

TEST(Url, takes_what_a_request_needs) {
  for (const Good& good : {
           Good{"http://example.org", "example.org", 80, "example.org", "/"},
           Good{"https://example.org/", "example.org", 443, "example.org", "/"},
           Good{"HTTPS://Example.ORG:443/A?b=C", "example.org", 443, "example.org", "/A?b=C"},
           Good{"http://example.org:8080/a/../b", "example.org", 8080, "example.org:8080", "/a/../b"},
           Good{"http://example.org:?q", "example.org", 80, "example.org", "/?q"},
           Good{"https://example.org:80/x#part", "example.org", 80, "example.org:80", "/x"},
           Good{"http://example.org#part", "example.org", 80, "example.org", "/"},
           Good{"http://example.org/?q#f?g", "example.org", 80, "example.org", "/?q"},
           Good{"http://127.0.0.1:1/", "127.0.0.1", 1, "127.0.0.1:1", "/"},
           Good{"http://[::1]/", "::1", 80, "[::1]", "/"},
           Good{"http://[2001:DB8::1]:65535/", "2001:db8::1", 65535, "[2001:db8::1]:65535", "/"},
           Good{"http://a_b.c-d.xn--bcher-kva.example./", "a_b.c-d.xn--bcher-kva.example.", 80,
                "a_b.c-d.xn--bcher-kva.example.", "/"},
           Good{"http://localhost/a@b:c", "localhost", 80, "localhost", "/a@b:c"},
       }) {
    const Result<Url> url = parse_url(good.text);
    ASSERT_TRUE(url) << good.text << ": " << url.error().message();
    EXPECT_EQ(url->host, good.host) << good.text;
    EXPECT_EQ(url->port, good.port) << good.text;
    EXPECT_EQ(url->authority, good.authority) << good.text;
    EXPECT_EQ(url->target, good.target) << good.text;
  }
}

TEST(Url, knows_addresses_and_schemes) {
  EXPECT_TRUE(parse_url("http://127.0.0.1/")->literal);
  EXPECT_TRUE(parse_url("http://[::ffff:10.0.0.1]/")->literal);
  EXPECT_FALSE(parse_url("http://127.0.0.1.example.org/")->literal);
  EXPECT_TRUE(parse_url("https://a/")->secure);
  EXPECT_FALSE(parse_url("http://a/")->secure);
  EXPECT_EQ(parse_url("https://[::1]:8443/secret?token")->origin(), "https://[::1]:8443");
}

struct Bad {
  std::string text;
  const char* reason;
};

TEST(Url, refuses_what_is_wrong_and_says_why) {
  for (const Bad& bad : {
           Bad{"", "must begin with http://"},
           Bad{"example.org/", "must begin with http://"},
           Bad{"ftp://example.org/", "must begin with http://"},
           Bad{"httpx://example.org/", "must begin with http://"},
           Bad{"http:/example.org/", "must begin with http://"},
           Bad{"http:///x", "must name a host"},
           Bad{"http://:80/", "must name a host"},
           Bad{"http://./", "must name a host"},
           Bad{"http://user@example.org/", "user name"},
           Bad{"http://user:pass@example.org/", "user name"},
           Bad{"http://example.org\\@evil.example/", "separate its path"},
           Bad{"http://a..b/", "must name its host"},
           Bad{"http://exa%6Dple.org/", "must name its host"},
           Bad{"http://" + std::string(64, 'a') + "/", "must name its host"},
           Bad{"http://example.org:0/", "port from 1"},
           Bad{"http://example.org:65536/", "port from 1"},
           Bad{"http://example.org:8x/", "port from 1"},
           Bad{"http://example.org:80:80/", "port from 1"},
           Bad{"http://[::1/", "close the bracket"},
           Bad{"http://[::1%25eth0]/", "IPv6 address"},
           Bad{"http://[127.0.0.1]/", "IPv6 address"},
           Bad{"http://[]/", "IPv6 address"},
           Bad{"http://[::1]x/", "nothing but a port"},
           Bad{"http://2130706433/", "four decimal numbers"},
           Bad{"http://0x7f.0.0.0x1/", "four decimal numbers"},
           Bad{"http://127.1/", "four decimal numbers"},
           Bad{"http://256.0.0.1/", "four decimal numbers"},
           Bad{"http://127.0.0.1./", "four decimal numbers"},
           Bad{"http://a/ HTTP/1.1\r\nHost: b", "percent-encode"},
           Bad{"http://a/\n", "percent-encode"},
           Bad{std::string("http://a/\0", 10), "percent-encode"},
           Bad{"http://a/\x7f", "percent-encode"},
           Bad{"http://b\xc3\xbc"
               "cher/",
               "percent-encode"},
           Bad{"http://a/" + std::string(20'000, 'a'), "longer than 16 KiB"},
       })
    EXPECT_THAT(problem_of(bad.text), HasSubstr(bad.reason)) << bad.text.substr(0, 80);
}

}  // namespace
}  // namespace holdfast::upstream
