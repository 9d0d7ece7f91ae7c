#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/describe.h"
#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A site with these lines before its routes, and one route with these members.
Loaded load_policies(const std::string& site, const std::string& route) {
  return load_text("sites:\n  - routes: [{path: /x, hello: {}" + route + "}]\n" + site, "x.yaml", "/");
}
std::vector<std::string> problems_of_policies(const std::string& site, const std::string& route = "") {
  return lines(load_policies(site, route).problems);
}

TEST(Policies, of_a_site_are_those_of_its_routes) {
  const Loaded loaded = load_policies("    allow: [10.1.2.3/8]\n    rate_limit: {rate: 300/m}\n", "");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const Policies& policies = loaded.config->sites[0].routes[0].policies;
  EXPECT_THAT(policies.allow, ElementsAre("10.0.0.0/8"));
  EXPECT_EQ(policies.rate_limit.requests, 300U);
  EXPECT_EQ(policies.rate_limit.period, Milliseconds(60'000));
  EXPECT_EQ(policies.rate_limit.burst, 300U);
}

TEST(Policies, of_a_route_win_one_by_one) {
  const Loaded loaded =
      load_policies("    allow: [10.0.0.0/8]\n    rate_limit: {rate: 5/s}\n    cors: {origins: [\"*\"]}\n",
                    ", allow: [], rate_limit: off");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const Policies& policies = loaded.config->sites[0].routes[0].policies;
  EXPECT_THAT(policies.allow, IsEmpty());
  EXPECT_EQ(policies.rate_limit.requests, 0U);
  EXPECT_TRUE(policies.cors.enabled);
}

TEST(Policies, are_printed_so_that_they_load_again) {
  const Loaded loaded =
      load_policies("    allow: [10.0.0.0/8]\n    cors: {origins: [https://a.example]}\n", ", allow: []");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const std::string printed = effective_yaml(*loaded.config);
  const Loaded again = load_text(printed, "x.yaml", "/");
  ASSERT_THAT(lines(again.problems), IsEmpty());
  EXPECT_EQ(effective_yaml(*again.config), printed);
  EXPECT_THAT(again.config->sites[0].routes[0].policies.allow, IsEmpty());
  EXPECT_THAT(again.config->sites[0].routes[0].policies.cors.origins, ElementsAre("https://a.example"));
}

TEST(Policies, mistakes_have_their_place) {
  EXPECT_THAT(problems_of_policies("    allow: [10.0.0.0/99]\n"),
              ElementsAre(HasSubstr("x.yaml:3:13: `allow` must be addresses")));
  EXPECT_THAT(problems_of_policies("    cors: {origins: [\"*\"], credentials: true}\n"),
              ElementsAre(HasSubstr("cannot allow credentials to every origin")));
  for (const char* origin :
       {"example.org", "https://", "https://a.example/path", "https://a.*.example", "*.example"})
    EXPECT_EQ(problems_of_policies("    cors: {origins: [\"" + std::string(origin) + "\"]}\n").size(), 1U)
        << origin;
  EXPECT_THAT(problems_of_policies("    error_pages: {200: {file: /x}}\n"),
              testing::Contains(HasSubstr("`200` is no status")));
  EXPECT_THAT(problems_of_policies("    error_pages: {404: /x}\n"),
              ElementsAre(HasSubstr("must be {file: PATH}")));
  EXPECT_THAT(problems_of_policies("    error_pages: {404: {file: /nowhere.html}}\n"),
              ElementsAre(HasSubstr("/nowhere.html cannot be read: No such file or directory")));
  EXPECT_THAT(problems_of_policies("    basic_auth: {file: /nowhere}\n"),
              ElementsAre(HasSubstr("/nowhere cannot be read")));
  EXPECT_THAT(problems_of_policies("    basic_auth: {}\n"), ElementsAre(HasSubstr("`file` is missing")));
}

TEST(Policies, passwords_and_pages_are_read_and_never_printed) {
  const TempFolder folder;
  folder.write("users", "alice:$2y$05$secrethash\n");
  folder.write("404.html", "<p>my very own page</p>");
  const Loaded loaded = load_policies("    basic_auth: {file: " + folder.file("users") +
                                          "}\n    error_pages: {4xx: {file: " + folder.file("404.html") +
                                          "}, 404: {file: " + folder.file("404.html") + "}}\n",
                                      "");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const Policies& policies = loaded.config->sites[0].routes[0].policies;
  ASSERT_EQ(policies.basic_auth.users.size(), 1U);
  EXPECT_EQ(policies.basic_auth.users[0].second, "$2y$05$secrethash");
  EXPECT_EQ(policies.error_pages[0].status, 404);  // the exact one first
  EXPECT_EQ(policies.error_pages[1].status, 4);
  EXPECT_EQ(policies.error_pages[0].body, "<p>my very own page</p>");
  const std::string printed = effective_yaml(*loaded.config);
  EXPECT_EQ(printed.find("secrethash"), std::string::npos);
  EXPECT_EQ(printed.find("very own"), std::string::npos);
}

TEST(Policies, a_password_file_with_a_bad_line_is_refused_with_the_line) {
  const TempFolder folder;
  folder.write("users", "alice:$2y$05$x\nbob:secret\n");
  EXPECT_THAT(problems_of_policies("    basic_auth: {file: " + folder.file("users") + "}\n"),
              ElementsAre(HasSubstr("users: line 2 has plain text")));
  folder.write("empty", "# nobody\n");
  EXPECT_THAT(problems_of_policies("    basic_auth: {file: " + folder.file("empty") + "}\n"),
              ElementsAre(HasSubstr("names no user")));
}

TEST(ProxyProtocol, is_on_off_or_for_some) {
  const auto loaded = [](const std::string& value) {
    return load_with_site("listeners: {http: {bind: \":80\", proxy_protocol: " + value + "}}\n");
  };
  EXPECT_FALSE(loaded("off").config->listeners[0].proxy_protocol.enabled);
  EXPECT_TRUE(loaded("on").config->listeners[0].proxy_protocol.enabled);
  const Loaded some = loaded("{from: [192.0.2.9/24]}");
  ASSERT_THAT(lines(some.problems), IsEmpty());
  EXPECT_TRUE(some.config->listeners[0].proxy_protocol.enabled);
  EXPECT_THAT(some.config->listeners[0].proxy_protocol.from, ElementsAre("192.0.2.0/24"));
  EXPECT_THAT(lines(loaded("maybe").problems), ElementsAre(HasSubstr("must be on, off or {from:")));
}

}  // namespace
}  // namespace holdfast::config
