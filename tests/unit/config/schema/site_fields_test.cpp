#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> with_host(const std::string& host) {
  return problems_of("sites: [{hosts: [\"" + host + "\"], routes: [{path: /, hello: {}}]}]\n");
}

TEST(Hosts, are_names_wildcards_or_addresses) {
  for (const char* host :
       {"example.com", "EXAMPLE.com", "*.example.org", "localhost", "127.0.0.1", "[::1]", "a_b.c"})
    EXPECT_THAT(with_host(host), IsEmpty()) << host;
  for (const char* host :
       {"", "*", "a.*", "*a.b", "*.*.b", "a..b", "a.", ".a", "a b", "a/b", "a:80", "[::x]", "caf\xC3\xA9.fr"})
    EXPECT_THAT(with_host(host), ElementsAre(HasSubstr("x.yaml:1:18: `hosts` "))) << host;
}

TEST(Sites, are_named_after_their_first_host_and_served_everywhere) {
  const Loaded loaded = load_text(
      "listeners: {a: {bind: \":1\"}, b: {bind: \":2\"}}\n"
      "sites:\n  - {routes: [{path: /, hello: {}}]}\n  - {hosts: [x.y, z], routes: [{path: /, hello: {}}]}\n",
      "x.yaml");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  EXPECT_EQ(loaded.config->sites[0].name, "default");
  EXPECT_EQ(loaded.config->sites[1].name, "x.y");
  EXPECT_THAT(loaded.config->sites[0].listeners, ElementsAre(0u, 1u));
}

TEST(Sites, need_routes_and_known_listeners) {
  EXPECT_THAT(problems_of("sites: [{hosts: [a]}]\n"), ElementsAre("x.yaml:1:9: `routes` is missing"));
  EXPECT_THAT(problems_of("sites: [{listeners: [], routes: []}]\n"),
              ElementsAre(HasSubstr("must not be empty")));
  EXPECT_THAT(problems_of("sites: [{listeners: [zzz], routes: []}]\n"),
              ElementsAre("x.yaml:1:22: `listeners` must name a listener (http), not `zzz`"));
}

TEST(Listeners, have_names_and_an_address) {
  EXPECT_THAT(problems_with_site("listeners: {}\n"), ElementsAre(HasSubstr("at least one listener")));
  EXPECT_THAT(problems_with_site("listeners: {a: {}}\n"), ElementsAre("x.yaml:1:16: `bind` is missing"));
  EXPECT_THAT(problems_with_site("listeners: {\"a b\": {bind: \":1\"}}\n"),
              ElementsAre(HasSubstr("no name for a listener")));
}

TEST(AllowedAddresses, are_put_into_their_usual_form) {
  const Loaded loaded =
      load_with_site("admin: {allow: [\"0:0:0:0:0:0:0:1\", 10.0.0.1, \"::ffff:10.0.0.2\"]}\n");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  EXPECT_THAT(loaded.config->admin.allow, ElementsAre("::1", "10.0.0.1", "10.0.0.2"));
  for (const char* address : {"10.0.0.0/33", "example.com", "1.2.3", "", "10.0.0.1:80", "::1]:80", "unix:/x"})
    EXPECT_EQ(problems_with_site("admin: {allow: [\"" + std::string(address) + "\"]}\n").size(), 1u) << address;
}

TEST(AccessLogFormats, are_known_words_or_templates) {
  const auto with_format = [](const std::string& format) {
    return problems_with_site("log: {access: {format: \"" + format + "\"}}\n");
  };
  for (const char* format : {"combined", "common", "json", "terse", "{status} {target}", "{{{status}}}"})
    EXPECT_THAT(with_format(format), IsEmpty()) << format;
  for (const char* format : {"", "combind", "{status", "status}", "{}", "{Status}", "{{status}}"})
    EXPECT_EQ(with_format(format).size(), 1u) << format;
}

}  // namespace
}  // namespace holdfast::config
