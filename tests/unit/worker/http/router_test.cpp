#include "worker/http/router.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "worker/http/scoped_table.h"

namespace holdfast::http {
namespace {

using Outcome = RouteMatch::Outcome;

config::Route route(std::string path, std::vector<std::string> methods = {},
                    config::Action action = config::RespondAction{200, "", {}}) {
  config::Route made;
  made.path = std::move(path);
  made.methods = std::move(methods);
  made.action = std::move(action);
  return made;
}

config::Config one_site(std::vector<config::Route> routes) {
  config::Config config;
  config.listeners.resize(1);
  config.sites.resize(1);
  config.sites[0].listeners = {0};
  config.sites[0].routes = std::move(routes);
  return config;
}

api::Request get(std::string_view path, std::string_view query = {}) {
  api::Request request;
  request.method_name = "GET";
  request.path = path;
  request.query = query;
  return request;
}

api::Request with_method(std::string_view path, std::string_view method) {
  api::Request request = get(path);
  request.method_name = method;
  request.method = api::method_from(method);
  return request;
}

/// The number of the route that serves GET `path`, or -1.
int served_by(const Router& router, std::string_view path) {
  const RouteMatch match = router.find(0, "any", get(path));
  return match.outcome == Outcome::Found ? static_cast<int>(match.route) : -1;
}

TEST(Router, ExactBeatsParameterBeatsLongestPrefixWhateverTheOrderInTheFile) {
  const Router router(one_site({route("/*"), route("/a/*"), route("/a/{x}"), route("/a/b")}));
  EXPECT_EQ(served_by(router, "/a/b"), 3);
  EXPECT_EQ(served_by(router, "/a/c"), 2);
  EXPECT_EQ(served_by(router, "/a/c/d"), 1);
  EXPECT_EQ(served_by(router, "/b"), 0);
}

TEST(Router, APrefixTakesWhatIsBelowItsSlashAndNotTheBareName) {
  const Router router(one_site({route("/a/*")}));
  EXPECT_EQ(served_by(router, "/a/"), 0);
  EXPECT_EQ(served_by(router, "/a/b/c"), 0);
  EXPECT_EQ(served_by(router, "/a"), -1);
  EXPECT_EQ(served_by(router, "/ab"), -1);
  EXPECT_EQ(served_by(router, "/"), -1);
}

TEST(Router, TheWidestPrefixTakesEverything) {
  const Router router(one_site({route("/*")}));
  for (const char* path : {"/", "/x", "/x/", "//", "/a/b/c"}) EXPECT_EQ(served_by(router, path), 0) << path;
  EXPECT_EQ(served_by(router, "*"), -1);
  EXPECT_EQ(served_by(router, ""), -1);
}

TEST(Router, ParametersCarryTheNamesOfTheirOwnRoute) {
  const Router router(one_site({route("/u/{id}"), route("/u/{user}/posts/{post}"), route("/u/{who}/files/*")}));
  RouteMatch match = router.find(0, "", get("/u/7/posts/abc"));
  ASSERT_EQ(match.route, 1U);
  ASSERT_EQ(match.parameter_count, 2U);
  EXPECT_EQ(match.parameters[0].name, "user");
  EXPECT_EQ(match.parameters[0].value, "7");
  EXPECT_EQ(match.parameters[1].name, "post");
  EXPECT_EQ(match.parameters[1].value, "abc");
  match = router.find(0, "", get("/u/7"));
  EXPECT_EQ(match.parameters[0].name, "id");
  match = router.find(0, "", get("/u/9/files/a/b"));
  ASSERT_EQ(match.route, 2U);
  EXPECT_EQ(match.parameters[0].value, "9");
}

TEST(Router, AParameterDoesNotMatchAnEmptySegment) {
  const Router router(one_site({route("/greet/{name}")}));
  EXPECT_EQ(served_by(router, "/greet/"), -1);
  EXPECT_EQ(served_by(router, "/greet/x"), 0);
  EXPECT_EQ(served_by(router, "/greet/x/"), -1);
}

TEST(Router, ALiteralSegmentIsTriedFirstAndLeftAgainWhenItLeadsNowhere) {
  const Router router(one_site({route("/{a}/y/{z}"), route("/x/{b}/q")}));
  EXPECT_EQ(served_by(router, "/x/y/q"), 1);
  const RouteMatch match = router.find(0, "", get("/x/y/other"));
  ASSERT_EQ(match.route, 0U);
  EXPECT_EQ(match.parameters[0].value, "x");
  EXPECT_EQ(match.parameters[1].value, "other");
}

TEST(Router, AKnownPathWithAnotherMethodAnswersNoMethodWithAllow) {
  const Router router(one_site({route("/form", {"POST"}), route("/form", {"GET"})}));
  const RouteMatch match = router.find(0, "", with_method("/form", "DELETE"));
  EXPECT_EQ(match.outcome, Outcome::NoMethod);
  EXPECT_EQ(match.allow, "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(router.find(0, "", with_method("/form", "POST")).route, 0U);
  EXPECT_EQ(router.find(0, "", with_method("/form", "HEAD")).route, 1U);
  EXPECT_EQ(router.allow(0, "", "/form"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(router.allow(0, "", "/none"), "");
}

TEST(Router, AnUnknownPathAnswersNoRoute) {
  const Router router(one_site({route("/a")}));
  EXPECT_EQ(router.find(0, "", get("/b")).outcome, Outcome::NoRoute);
}

TEST(Router, AMethodThatTheExactPathLacksIsNotLookedForInWiderPaths) {
  const Router router(
      one_site({route("/*", {}, config::FilesAction{}), route("/api", {"POST"}), route("/api", {"PUT"})}));
  for (const char* method : {"GET", "DELETE"}) {
    const RouteMatch match = router.find(0, "", with_method("/api", method));
    EXPECT_EQ(match.outcome, Outcome::NoMethod);
    EXPECT_EQ(match.allow, "POST, PUT, OPTIONS");
  }
  EXPECT_EQ(router.find(0, "", with_method("/api", "PUT")).route, 2U);
  EXPECT_EQ(router.allow(0, "", "/api"), "POST, PUT, OPTIONS");
}

TEST(Router, WithoutMethodsTheActionSaysWhatItServes) {
  const Router router(
      one_site({route("/files", {}, config::FilesAction{}), route("/echo", {}, config::EchoAction{}),
                route("/go", {}, config::RedirectAction{"/x", 301})}));
  EXPECT_EQ(router.find(0, "", with_method("/files", "POST")).allow, "GET, HEAD, OPTIONS");
  EXPECT_EQ(router.find(0, "", get("/echo")).allow, "POST, PUT, OPTIONS");
  EXPECT_EQ(router.find(0, "", with_method("/go", "PATCH")).outcome, Outcome::Found);
  EXPECT_EQ(router.find(0, "", with_method("/go", "PROPFIND")).outcome, Outcome::Found);
  EXPECT_EQ(router.find(0, "", with_method("/go", "TRACE")).outcome, Outcome::NoMethod);
}

TEST(Router, AMethodOfOnesOwnIsServedAndAllowed) {
  const Router router(one_site({route("/dav", {"PROPFIND", "GET"})}));
  EXPECT_EQ(router.find(0, "", with_method("/dav", "PROPFIND")).outcome, Outcome::Found);
  const RouteMatch match = router.find(0, "", with_method("/dav", "MKCOL"));
  EXPECT_EQ(match.outcome, Outcome::NoMethod);
  EXPECT_EQ(match.allow, "GET, HEAD, OPTIONS, PROPFIND");
  EXPECT_TRUE(router.knows_method(with_method("/other", "PROPFIND")));
  EXPECT_TRUE(router.knows_method(with_method("/dav", "TRACE")));
  EXPECT_FALSE(router.knows_method(with_method("/dav", "MKCOL")));
}

TEST(Router, RoutesOfOnePathAreTriedInOrderWithTheirConditions) {
  config::Route beta = route("/p");
  beta.match_headers = {{"X-Beta", "yes"}};
  config::Route page = route("/p");
  page.match_query = {{"page", "a b"}};
  const Router router(one_site({beta, page, route("/p")}));
  api::Request request = get("/p", "x=1&page=a+b");
  EXPECT_EQ(router.find(0, "", request).route, 1U);
  request.query = "page=a%20b";
  EXPECT_EQ(router.find(0, "", request).route, 1U);
  const api::Field field{"x-beta", "yes"};
  request.fields = std::span(&field, 1);
  EXPECT_EQ(router.find(0, "", request).route, 0U);
  EXPECT_EQ(router.find(0, "", get("/p", "page=a+bc")).route, 2U);
}

TEST(Router, UnmetConditionsAloneAnswerNoRouteAndNotNoMethod) {
  config::Route beta = route("/p", {"GET"});
  beta.match_query = {{"v", "2"}};
  const Router router(one_site({beta}));
  EXPECT_EQ(router.find(0, "", get("/p")).outcome, Outcome::NoRoute);
  EXPECT_EQ(router.find(0, "", with_method("/p", "POST")).outcome, Outcome::NoRoute);
  EXPECT_EQ(router.find(0, "", get("/p", "v=2")).outcome, Outcome::Found);
}

config::Config hosts_config() {
  config::Config config;
  config.listeners.resize(2);
  config.sites.resize(5);
  config.sites[0].hosts = {"*.example.org"};
  config.sites[1].hosts = {"a.example.org", "[::1]"};
  config.sites[2].hosts = {"*.deep.example.org"};
  config.sites[3].hosts = {};
  config.sites[4].hosts = {"a.example.org"};
  for (config::Site& site : config.sites) {
    site.listeners = {0};
    site.routes = {route("/*")};
  }
  config.sites[1].listeners = {0, 1};
  return config;
}

TEST(Router, AnExactHostBeatsTheLongestWildcardBeatsTheSiteWithoutHosts) {
  const Router router(hosts_config());
  EXPECT_EQ(router.find(0, "a.example.org", get("/")).site, 1U);
  EXPECT_EQ(router.find(0, "A.Example.ORG", get("/")).site, 1U);
  EXPECT_EQ(router.find(0, "a.example.org.", get("/")).site, 1U);
  EXPECT_EQ(router.find(0, "b.example.org", get("/")).site, 0U);
  EXPECT_EQ(router.find(0, "c.b.example.org", get("/")).site, 0U);
  EXPECT_EQ(router.find(0, "x.deep.example.org", get("/")).site, 2U);
  EXPECT_EQ(router.find(0, "deep.example.org", get("/")).site, 0U);
  EXPECT_EQ(router.find(0, "example.org", get("/")).site, 3U);
  EXPECT_EQ(router.find(0, "[::1]", get("/")).site, 1U);
  EXPECT_EQ(router.find(0, "", get("/")).site, 3U);
  EXPECT_EQ(router.find(0, std::string(4000, 'a'), get("/")).site, 3U);
}

TEST(Router, AHostThatNoSiteOfTheListenerTakesAnswersNoSite) {
  const Router router(hosts_config());
  EXPECT_EQ(router.find(1, "a.example.org", get("/")).outcome, Outcome::Found);
  EXPECT_EQ(router.find(1, "b.example.org", get("/")).outcome, Outcome::NoSite);
  EXPECT_EQ(router.find(1, "", get("/")).outcome, Outcome::NoSite);
  EXPECT_EQ(router.find(7, "a.example.org", get("/")).outcome, Outcome::NoSite);
}

TEST(Router, TenThousandRoutesOfEachKindAreToldApart) {
  std::vector<config::Route> routes;
  for (int i = 0; i < 10000; ++i) routes.push_back(route("/exact/" + std::to_string(i)));
  for (int i = 0; i < 10000; ++i) routes.push_back(route("/p/" + std::to_string(i) + "/{x}"));
  for (int i = 0; i < 10000; ++i) routes.push_back(route("/prefix/" + std::to_string(i) + "/*"));
  const Router router(one_site(std::move(routes)));
  for (int i = 0; i < 10000; ++i) {
    ASSERT_EQ(served_by(router, "/exact/" + std::to_string(i)), i);
    ASSERT_EQ(served_by(router, "/p/" + std::to_string(i) + "/v"), 10000 + i);
    ASSERT_EQ(served_by(router, "/prefix/" + std::to_string(i) + "/a/b"), 20000 + i);
  }
  EXPECT_EQ(served_by(router, "/exact/10000"), -1);
}

TEST(Router, TenThousandSitesAreToldApart) {
  config::Config config;
  config.listeners.resize(1);
  for (int i = 0; i < 10000; ++i) {
    config::Site site;
    site.hosts = {"host" + std::to_string(i) + ".example", "*.wild" + std::to_string(i) + ".example"};
    site.listeners = {0};
    site.routes = {route("/*")};
    config.sites.push_back(site);
  }
  const Router router(config);
  for (std::uint32_t i = 0; i < 10000; ++i) {
    ASSERT_EQ(router.find(0, "host" + std::to_string(i) + ".example", get("/")).site, i);
    ASSERT_EQ(router.find(0, "x.wild" + std::to_string(i) + ".example", get("/")).site, i);
  }
}

TEST(ScopedTable, ALookUpTakesFewStepsHoweverManyTextsThereAre) {
  ScopedTable table;
  for (std::uint32_t i = 0; i < 20000; ++i) table.insert(i % 7, "/route/number/" + std::to_string(i), i);
  EXPECT_EQ(table.size(), 20000U);
  EXPECT_LE(table.longest_probe(), 40U);
  EXPECT_EQ(table.find(13 % 7, "/route/number/13"), 13U);
  EXPECT_EQ(table.find(0, "/route/number/13"), std::nullopt);
}

TEST(ScopedTable, TheFirstNumberOfATextStays) {
  ScopedTable table;
  EXPECT_EQ(table.insert(1, "a", 10), 10U);
  EXPECT_EQ(table.insert(1, "a", 11), 10U);
  EXPECT_EQ(table.insert(2, "a", 12), 12U);
  EXPECT_EQ(table.find(1, ""), std::nullopt);
}

}  // namespace
}  // namespace holdfast::http
