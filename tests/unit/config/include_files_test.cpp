#include "config/include_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kSite = "sites: [{name: NAME, hosts: [NAME], routes: [{path: /, hello: {}}]}]\n";

std::string site(const std::string& name) {
  std::string text = kSite;
  for (std::size_t at = text.find("NAME"); at != std::string::npos; at = text.find("NAME"))
    text.replace(at, 4, name);
  return text;
}

TEST(Includes, add_sites_and_listeners_in_sorted_order) {
  const TempFolder folder;
  folder.write("conf.d/b.yaml", site("b"));
  folder.write("conf.d/a.yaml", "listeners: {extra: {bind: \"127.0.0.1:81\"}}\n" + site("a"));
  folder.write("conf.d/empty.yaml", "# nothing yet\n");
  const Loaded loaded = load_file(folder.write(
      "c.yaml", "include: conf.d/*.yaml\nlisteners: {main: {bind: \"127.0.0.1:80\"}}\n" + site("m")));
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  ASSERT_EQ(loaded.config->sites.size(), 3u);
  EXPECT_EQ(loaded.config->sites[0].name, "m");
  EXPECT_EQ(loaded.config->sites[1].name, "a");
  EXPECT_EQ(loaded.config->sites[2].name, "b");
  EXPECT_EQ(loaded.config->sites[2].place.file, folder.file("conf.d/b.yaml"));
  ASSERT_EQ(loaded.config->listeners.size(), 2u);
  EXPECT_EQ(loaded.config->listeners[1].name, "extra");
  EXPECT_THAT(loaded.config->sites[0].listeners, ElementsAre(0u, 1u));
}

TEST(Includes, may_bring_all_sites) {
  const TempFolder folder;
  folder.write("a.yaml", site("a"));
  const Loaded loaded = load_file(folder.write("c.yaml", "include: [a.yaml, a.yaml]\n"));
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  EXPECT_EQ(loaded.config->sites.size(), 1u) << "a file named twice is read once";
  EXPECT_EQ(loaded.config->listeners.size(), 1u) << "no listener anywhere: the default";
}

TEST(Includes, may_be_a_pattern_without_files_but_not_a_missing_file) {
  const TempFolder folder;
  EXPECT_THAT(lines(load_file(folder.write("c.yaml", "include: none/*.yaml\n" + site("a"))).problems),
              IsEmpty());
  EXPECT_THAT(lines(load_file(folder.write("d.yaml", "include: none.yaml\n" + site("a"))).problems),
              ElementsAre(folder.file("d.yaml") + ":1:10: the included file " + folder.file("none.yaml") +
                          " cannot be read: No such file or directory"));
}

TEST(Includes, report_problems_in_their_own_file) {
  const TempFolder folder;
  folder.write("a.yaml", "sites:\n  - {routes: [{path: x, hello: {}}]}\n");
  EXPECT_THAT(lines(load_file(folder.write("c.yaml", "include: a.yaml\n")).problems),
              ElementsAre(folder.file("a.yaml") + ":2:22: `path` must begin with /, not `x`"));
}

TEST(Includes, hold_sites_and_listeners_only) {
  const TempFolder folder;
  folder.write("a.yaml", "process: {}\ninclude: b.yaml\n" + site("a"));
  EXPECT_THAT(lines(load_file(folder.write("c.yaml", "include: a.yaml\n")).problems),
              ElementsAre(HasSubstr("a.yaml:1:1: `process` cannot stand in an included file"),
                          HasSubstr("a.yaml:2:1: `include` cannot stand in an included file")));
}

TEST(Includes, name_both_places_of_a_listener_in_two_files) {
  const TempFolder folder;
  folder.write("a.yaml", "listeners:\n  http: {bind: \":81\"}\n");
  EXPECT_THAT(lines(load_file(folder.write("c.yaml",
                                           "include: a.yaml\nlisteners: {http: {bind: \":80\"}}\n" + site("a")))
                        .problems),
              ElementsAre(folder.file("a.yaml") +
                          ":2:3: listener `http` exists already: " + folder.file("c.yaml") + ":2:13"));
}

TEST(Includes, that_are_no_configuration_are_reported) {
  const TempFolder folder;
  folder.write("a.yaml", "[1, 2]\n");
  folder.write("b.yaml", "sites: {}\nlisteners: 3\n");
  folder.write("d.yaml", "a: [\n");
  EXPECT_THAT(
      lines(load_file(folder.write("c.yaml", "include: [a.yaml, b.yaml, d.yaml, [x]]\n" + site("a"))).problems),
      ElementsAre(HasSubstr("a.yaml:1:1: an included file must be a map"),
                  HasSubstr("b.yaml:1:8: `sites` must be a list, not a map"),
                  HasSubstr("b.yaml:2:12: `listeners` must be a map"),
                  HasSubstr("c.yaml:1:35: `include` must be a string"),
                  HasSubstr("d.yaml:2:1: not valid YAML")));
}

TEST(Includes, take_relative_paths_from_their_own_folder) {
  const TempFolder folder;
  folder.write("conf.d/a.yaml", "sites: [{routes: [{path: /*, files: {root: www}}]}]\n");
  const Loaded loaded = load_file(folder.write("c.yaml", "include: conf.d/*.yaml\n"));
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  EXPECT_EQ(std::get<FilesAction>(loaded.config->sites[0].routes[0].action).root, folder.file("conf.d/www"));
}

}  // namespace
}  // namespace holdfast::config
