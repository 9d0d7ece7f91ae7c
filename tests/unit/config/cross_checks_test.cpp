#include "config/cross_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(CrossChecks, find_two_listeners_on_one_address) {
  EXPECT_THAT(
      problems_with_site("listeners:\n  a: {bind: \"127.0.0.1:80\"}\n  b: {bind: \"localhost:80\"}\n"),
      ElementsAre(
          "x.yaml:3:3: listener `b`: another one is bound to 127.0.0.1:80 (the other one: x.yaml:2:3)"));
  EXPECT_THAT(problems_with_site("listeners:\n  a: {bind: \"127.0.0.1:0\"}\n  b: {bind: \"127.0.0.1:0\"}\n"),
              IsEmpty())
      << "the kernel chooses two ports";
}

TEST(CrossChecks, find_a_listener_on_the_admin_address) {
  EXPECT_THAT(problems_with_site("listeners: {a: {bind: \"127.0.0.1:9180\"}}\n"),
              ElementsAre(HasSubstr("is the address of admin.bind")));
  EXPECT_THAT(problems_with_site("admin: off\nlisteners: {a: {bind: \"127.0.0.1:9180\"}}\n"), IsEmpty());
}

TEST(CrossChecks, find_sites_that_cannot_be_told_apart) {
  const std::string routes = "routes: [{path: /, hello: {}}]}\n";
  EXPECT_THAT(problems_of("sites:\n  - {name: a, " + routes + "  - {name: a, hosts: [x], " + routes),
              ElementsAre(HasSubstr("x.yaml:3:5: another site is named `a`")));
  EXPECT_THAT(
      problems_of("sites:\n  - {name: a, hosts: [x], " + routes + "  - {name: b, hosts: [y, X], " + routes),
      ElementsAre(HasSubstr("x.yaml:3:5: the host `x` is served twice on listener `http`")));
  EXPECT_THAT(
      problems_of("sites:\n  - {name: a, " + routes + "  - {name: b, " + routes),
      ElementsAre(HasSubstr("another site without `hosts` is served on listener `http`: give one of them its "
                            "`hosts`, or take it out")));
  EXPECT_THAT(problems_of("sites:\n  - {" + routes + "  - {" + routes),
              ElementsAre(HasSubstr("another site without `hosts`")))
      << "nor is a name asked for, with which it would be refused all the same";
  EXPECT_THAT(problems_of("sites:\n  - {hosts: [x], " + routes + "  - {hosts: [x], " + routes),
              ElementsAre(HasSubstr("the host `x` is served twice")));
  EXPECT_THAT(
      problems_of("listeners: {p: {bind: \":1\"}, q: {bind: \":2\"}}\nsites:\n  - {name: a, listeners: [p], " +
                  routes + "  - {name: b, listeners: [q], " + routes),
      IsEmpty());
}

TEST(CrossChecks, find_routes_that_cannot_be_told_apart) {
  const auto routes = [](const std::string& first, const std::string& second) {
    return problems_of("sites:\n  - routes:\n    - {path: " + first + ", hello: {}}\n    - {path: " + second +
                       ", hello: {}}\n");
  };
  EXPECT_THAT(routes("/a", "/a"),
              ElementsAre(HasSubstr("x.yaml:4:7: another route of this site has the path `/a`")));
  EXPECT_THAT(routes("\"/{x}\"", "\"/{y}\"").size(), 1u);
  EXPECT_THAT(routes("/a, methods: [GET, PUT]", "/a, methods: [PUT, GET]").size(), 1u);
  EXPECT_THAT(routes("/a, methods: [GET]", "/a, methods: [PUT]"), IsEmpty());
  EXPECT_THAT(routes("/a", "/a, match: {headers: {X: 1}}"), IsEmpty());
  EXPECT_THAT(routes("/a, match: {headers: {x: 1}}", "/a, match: {headers: {X: 1}}").size(), 1u);
}

TEST(CrossChecks, find_delays_in_the_wrong_order) {
  EXPECT_THAT(problems_with_site("process: {respawn: {max_delay: 10ms}}\n"),
              ElementsAre("x.yaml:1:32: `initial_delay` must not be longer than `max_delay`"));
}

std::vector<std::string> warnings_with(const std::string& routes) {
  std::vector<std::string> texts;
  const Loaded loaded = load_text("sites:\n  - routes:\n" + routes, "x.yaml");
  EXPECT_NE(loaded.config, nullptr);
  for (const Problem& warning : loaded.warnings) texts.push_back(warning.text());
  return texts;
}

TEST(CrossChecks, warn_of_guards_that_leave_a_folder_open) {
  const std::string all = "      - {path: /*, files: {root: /srv}}\n";
  EXPECT_THAT(
      warnings_with(all + "      - {path: /private/, deny: [10.0.0.1], files: {root: /srv}}\n"),
      ElementsAre(
          "x.yaml:4:9: who may ask is said for `/private/` alone: what is below it is served to everybody "
          "by the route `/*`; write `/private/*`"));
  EXPECT_THAT(warnings_with(all + "      - {path: /private, allow: [10.0.0.1], files: {root: /srv}}\n"),
              ElementsAre(HasSubstr("write `/private/*`")));
}

TEST(CrossChecks, warn_of_no_guard_that_is_whole) {
  const std::string all = "      - {path: /*, files: {root: /srv}}\n";
  const std::string guarded = "deny: [10.0.0.1], files: {root: /srv}}\n";
  EXPECT_THAT(warnings_with(all + "      - {path: /private/*, " + guarded), IsEmpty());
  EXPECT_THAT(warnings_with(all + "      - {path: /private/list.txt, " + guarded), IsEmpty()) << "a file";
  EXPECT_THAT(warnings_with("      - {path: /private, " + guarded), IsEmpty()) << "nothing below is served";
  EXPECT_THAT(warnings_with("      - {path: /*, " + guarded + "      - {path: /private, " + guarded),
              IsEmpty());
  EXPECT_THAT(
      warnings_with(all + "      - {path: /private/*, " + guarded + "      - {path: /private, " + guarded),
      IsEmpty())
      << "it is guarded by the other one";
}

}  // namespace
}  // namespace holdfast::config
