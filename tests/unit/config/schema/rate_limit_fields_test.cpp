#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/describe.h"
#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

std::vector<std::string> with_limit(const std::string& limit) {
  return problems_of_route("{path: /x, hello: {}, rate_limit: " + limit + "}");
}

RateLimit limit_of(const std::string& limit) {
  const Loaded loaded =
      load_text("sites: [{routes: [{path: /x, hello: {}, rate_limit: " + limit + "}]}]\n", "x.yaml");
  EXPECT_THAT(lines(loaded.problems), IsEmpty()) << limit;
  return loaded.config ? loaded.config->sites[0].routes[0].policies.rate_limit : RateLimit{};
}

TEST(RateLimits, have_a_rate_a_burst_and_a_key) {
  const RateLimit limit = limit_of("{rate: 300/m, burst: 20, key: {header: X-Api-Key}}");
  EXPECT_EQ(limit.requests, 300u);
  EXPECT_EQ(limit.period, 1min);
  EXPECT_EQ(limit.burst, 20u);
  EXPECT_EQ(limit.key, RateKey::Header);
  EXPECT_EQ(limit.header, "X-Api-Key");
  EXPECT_EQ(limit_of("{rate: 5/h, key: all}").key, RateKey::All);
  EXPECT_EQ(limit_of("{rate: 5/h}").key, RateKey::Address);
  EXPECT_EQ(limit_of("{rate: 5/h}").burst, 5u) << "as many at once as the rate names";
}

TEST(RateLimits, that_cannot_be_meant_are_refused_where_they_stand) {
  for (const char* rate : {"10", "0/s", "/s", "10/d", "10/", "-1/s", "1.5/s", "010/s", "\"10 / s\"", "[1]"})
    EXPECT_THAT(with_limit("{rate: " + std::string(rate) + "}"),
                ElementsAre(HasSubstr("x.yaml:3:48: `rate` must be requests in a second, minute or hour")))
        << rate;
  EXPECT_THAT(with_limit("{rate: 10}"), ElementsAre(HasSubstr("not `10`; write `10/s`")));
  EXPECT_THAT(with_limit("{rate: 100001/s}"), ElementsAre(HasSubstr("must be at most 100000 requests")));
  EXPECT_THAT(with_limit("{burst: 3}"), ElementsAre(HasSubstr("`rate` is missing")));
  EXPECT_THAT(with_limit("on"), ElementsAre(HasSubstr("x.yaml:3:41:")));
  EXPECT_THAT(with_limit("{rate: 1/s, burst: 0}"), ElementsAre(HasSubstr("`burst`")));
  EXPECT_THAT(with_limit("{rate: 1/h, burst: 169}"),
              ElementsAre(HasSubstr("x.yaml:3:60: `burst` must be earned back within 7 days: at most 168")));
  EXPECT_THAT(with_limit("{rate: 1/s, key: cookie}"), ElementsAre(HasSubstr("`key` must be address, all, or")));
  EXPECT_THAT(with_limit("{rate: 1/s, key: {cookie: a}}"), ElementsAre(HasSubstr("the one key `header`")));
  EXPECT_THAT(with_limit("{rate: 1/s, key: {header: \"a b\"}}"),
              ElementsAre(HasSubstr("`header` must be the name of a header field")));
}

constexpr std::string_view kInherited =
    "sites:\n"
    "  - rate_limit: {rate: 10/s, key: all}\n"
    "    routes:\n"
    "      - {path: /own, hello: {}, rate_limit: {rate: 1/m, burst: 2, key: {header: X-Key}}}\n"
    "      - {path: /none, hello: {}, rate_limit: off}\n"
    "      - {path: /site, hello: {}}\n"
    "  - {hosts: [b], rate_limit: off, routes: [{path: /, hello: {}}]}\n";

TEST(RateLimits, of_a_site_are_those_of_its_routes_that_have_none) {
  const Loaded loaded = load_text(std::string(kInherited), "x.yaml");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const std::vector<Route>& routes = loaded.config->sites[0].routes;
  EXPECT_EQ(routes[0].policies.rate_limit.requests, 1u);
  EXPECT_EQ(routes[1].policies.rate_limit.requests, 0u);
  EXPECT_EQ(routes[2].policies.rate_limit.requests, 10u);
  EXPECT_EQ(routes[2].policies.rate_limit.key, RateKey::All);
  EXPECT_EQ(loaded.config->sites[1].policies.rate_limit.requests, 0u);
  EXPECT_EQ(loaded.config->sites[1].routes[0].policies.rate_limit.requests, 0u);
}

TEST(RateLimits, are_printed_so_that_they_load_again) {
  const Loaded first = load_text(std::string(kInherited), "x.yaml");
  ASSERT_THAT(lines(first.problems), IsEmpty());
  const std::string printed = effective_yaml(*first.config);
  const Loaded again = load_text(printed, "x.yaml");
  ASSERT_THAT(lines(again.problems), IsEmpty()) << printed;
  EXPECT_EQ(effective_yaml(*again.config), printed);
  EXPECT_EQ(again.config->sites[0].routes[1].policies.rate_limit.requests, 0u) << printed;
  EXPECT_EQ(again.config->sites[0].routes[0].policies.rate_limit.header, "X-Key") << printed;
  EXPECT_EQ(again.config->sites[0].routes[2].policies.rate_limit.burst, 10u) << printed;
}

}  // namespace
}  // namespace holdfast::config
