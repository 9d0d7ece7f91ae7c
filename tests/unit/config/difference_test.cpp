#include "config/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// "PATH: BEFORE -> AFTER", "+ ..." and "- ...", each with its effect when that is not the common one.
std::vector<std::string> told(const Loaded& before, const Loaded& after) {
  if (!before.config || !after.config) {
    ADD_FAILURE() << "does not load";
    return {};
  }
  const auto found = differences(comparable_text(*before.config, before.sources),
                                 comparable_text(*after.config, after.sources));
  std::vector<std::string> lines;
  if (!found) ADD_FAILURE() << found.error().message();
  for (const Difference& one : found ? *found : std::vector<Difference>()) {
    const std::string sign = one.before.empty() ? "+ " : one.after.empty() ? "- " : "";
    lines.push_back(sign + one.path + ": " + one.before + (sign.empty() ? " -> " : "") + one.after +
                    (one.effect == Effect::Restart  ? " (restart)"
                     : one.effect == Effect::AtOnce ? " (at once)"
                                                    : ""));
  }
  return lines;
}

Loaded with_sites(const std::string& sites) {
  return load_text("sites:\n" + sites, "x.yaml");
}

TEST(Differences, nothing_differs_from_itself) {
  const Loaded one =
      load_with_site("process: {workers: 2}\nlog: {access: {to: stdout, format: \"$${x} {status}\"}}\n");
  EXPECT_THAT(told(one, one), IsEmpty());
}

TEST(Differences, settings_are_named_with_both_values_and_their_effect) {
  const Loaded before = load_with_site("process: {workers: 2, pid_file: /a.pid, hang_timeout: 5s}\n");
  const Loaded after = load_with_site("process: {workers: 3, pid_file: /b.pid, hang_timeout: 6s}\n");
  EXPECT_THAT(told(before, after),
              ElementsAre("process.workers: 2 -> 3", "process.pid_file: /a.pid -> /b.pid (restart)",
                          "process.hang_timeout: 5s -> 6s (at once)"));
}

TEST(Differences, a_section_that_is_switched_off_is_one_difference) {
  const Loaded before = load_with_site("session_tickets: {rotate: 2h}\n");
  const Loaded after = load_with_site("session_tickets: off\n");
  EXPECT_THAT(told(before, after), ElementsAre("session_tickets: {rotate: 2h, keys: off} -> off"));
}

TEST(Differences, listeners_come_and_go_by_name) {
  const Loaded before = load_with_site("listeners: {a: {bind: \":1\"}, b: {bind: \":2\"}}\n");
  const Loaded after = load_with_site("listeners: {c: {bind: \":3\"}, a: {bind: \":4\"}}\n");
  EXPECT_THAT(told(before, after), testing::Contains("listeners.a.bind: \"[::]:1\" -> \"[::]:4\""));
  EXPECT_THAT(told(before, after), testing::Contains(HasSubstr("- listeners.b: {bind: ")));
  EXPECT_THAT(told(before, after), testing::Contains(HasSubstr("+ listeners.c: {bind: ")));
}

TEST(Differences, sites_and_routes_are_recognised_by_name_wherever_they_stand) {
  const Loaded before = with_sites(
      "  - {name: shop, hosts: [a], routes: [{path: /x, hello: {}}, {path: /y, echo: {}}]}\n"
      "  - {name: blog, hosts: [b], routes: [{path: /x, hello: {}}]}\n");
  const Loaded after = with_sites(
      "  - {name: shop, hosts: [a], routes: [{path: /z, hello: {}}, {path: /y, hello: {}}]}\n"
      "  - {name: blog, hosts: [b, c], routes: [{path: /x, hello: {}}]}\n");
  EXPECT_THAT(told(before, after),
              ElementsAre("- sites[shop].routes[/x]: {path: /x, name: /x, hello: {}}",
                          "- sites[shop].routes[/y].echo: {}", "+ sites[shop].routes[/y].hello: {}",
                          "+ sites[shop].routes[/z]: {path: /z, name: /z, hello: {}}",
                          "sites[blog].hosts: [b] -> [b, c]"));
}

TEST(Differences, another_order_is_told_as_such) {
  const Loaded before = with_sites("  - {routes: [{path: /x, hello: {}}, {path: /y, echo: {}}]}\n");
  const Loaded after = with_sites("  - {routes: [{path: /y, echo: {}}, {path: /x, hello: {}}]}\n");
  EXPECT_THAT(told(before, after), ElementsAre("order of sites[default].routes: [/x, /y] -> [/y, /x]"));
}

TEST(Differences, values_that_sound_secret_are_not_shown) {
  const auto with = [](const std::string& settings) {
    return with_sites("  - {routes: [{path: /x, module: {file: /x.so, settings: " + settings + "}}]}\n");
  };
  const auto lines = told(with("{db_password: first, size: 1}"), with("{db_password: second, size: 1}"));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], Not(HasSubstr("first")));
  EXPECT_THAT(lines[0], Not(HasSubstr("second")));
  EXPECT_THAT(lines[0], HasSubstr("size: 1"));
}

TEST(Differences, files_that_hold_something_else_are_told) {
  const Loaded one = load_with_site("");
  Sources before;
  before.texts = {{"x.yaml", "1"}, {"/users", "anna:hash"}, {"/same", "x"}};
  Sources after = before;
  after.texts["/users"] = "anna:other";
  const auto found = differences(comparable_text(*one.config, before), comparable_text(*one.config, after));
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().path, "content of /users");
  EXPECT_THAT(comparable_text(*one.config, before), Not(HasSubstr("anna")));
}

TEST(Differences, renewed_certificates_are_none_since_they_need_no_reload) {
  Config config = *load_with_site("").config;
  Certificate& certificate = config.listeners[0].tls.certificates.emplace_back();
  certificate.certificate.path = "/a.pem";
  certificate.key.path = "/a.key";
  Sources before;
  before.texts = {{"/a.pem", "1"}, {"/a.key", "1"}};
  Sources after;
  after.texts = {{"/a.pem", "2"}, {"/a.key", "2"}};
  EXPECT_EQ(comparable_text(config, before), comparable_text(config, after));
}

TEST(Differences, what_is_no_configuration_is_refused) {
  EXPECT_FALSE(differences("[", "a: 1"));
  EXPECT_FALSE(differences("a: 1", "word"));
}

}  // namespace
}  // namespace holdfast::config
