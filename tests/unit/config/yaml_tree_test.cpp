#include "config/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(YamlTree, keeps_places_and_quotes) {
  std::vector<TreeProblem> problems;
  const Node root = parse_yaml("a: 80\nb:\n  - \"80\"\nc:\n", 3, problems);
  ASSERT_TRUE(problems.empty());
  const Node& plain = root.find("a")->value;
  EXPECT_FALSE(plain.quoted);
  EXPECT_EQ(plain.mark.file, 3u);
  EXPECT_EQ(plain.mark.line, 1);
  EXPECT_EQ(plain.mark.column, 4);
  EXPECT_TRUE(root.find("b")->value.items[0].quoted);
  EXPECT_EQ(root.find("b")->value.items[0].mark.line, 3);
  EXPECT_EQ(root.find("c")->value.mark.line, 4) << "an empty value stands where its key does";
}

TEST(YamlTree, counts_columns_in_characters) {
  EXPECT_THAT(problems_with_site("process: {user: \"\xC3\xA4\xC3\xB6\", workers: x}\n"),
              Contains(HasSubstr("x.yaml:1:32: `workers`")));
}

TEST(YamlTree, knows_a_closed_quote_behind_other_characters) {
  EXPECT_THAT(problems_of("listeners: {a: {bind: \"127.0.0.1:0\"}}\nsites:\n  - routes:\n"
                          "      - {path: /gr\xC3\xBC\xC3\x9F"
                          "e, respond: {status: 200, body: \"x\"}}"),
              testing::IsEmpty());
}

TEST(YamlTree, reports_duplicate_keys_with_both_lines) {
  EXPECT_THAT(problems_with_site("process:\n  workers: 1\n  generations: 2\n  workers: 2\n"),
              ElementsAre("x.yaml:4:3: duplicate key `workers` in line 4: it is already set in line 2"));
}

TEST(YamlTree, refuses_anchors_and_aliases_at_their_place) {
  EXPECT_THAT(problems_with_site("process: &p {workers: 2}\nlimits: *p\n"),
              ElementsAre(HasSubstr("x.yaml:1:10: anchors (`&p`)"), HasSubstr("x.yaml:2:9: aliases")));
}

TEST(YamlTree, survives_an_alias_that_holds_itself_and_an_alias_bomb) {
  EXPECT_THAT(problems_with_site("process: &p [*p]\n"), Contains(HasSubstr("aliases")));
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + "]\n";
  }
  EXPECT_THAT(problems_with_site(bomb), Contains(HasSubstr("aliases")));
}

TEST(YamlTree, refuses_merge_keys_tags_and_keys_that_are_no_words) {
  EXPECT_THAT(problems_with_site("process:\n  <<: {workers: 1}\n"),
              ElementsAre(HasSubstr("x.yaml:2:3: the merge key")));
  EXPECT_THAT(problems_with_site("process: {workers: !!int 1}\n"),
              ElementsAre(HasSubstr("x.yaml:1:20: YAML tags")));
  EXPECT_THAT(problems_with_site("process: !x {workers: 1}\n"),
              ElementsAre(HasSubstr("x.yaml:1:10: YAML tags")));
  EXPECT_THAT(problems_of("? [a]\n: b\n"), ElementsAre(HasSubstr("x.yaml:1:3: a list or map as a key")));
  EXPECT_THAT(problems_with_site("process: {~: 1}\n"), ElementsAre(HasSubstr("an empty key")));
}

TEST(YamlTree, refuses_a_second_document) {
  EXPECT_THAT(problems_of(std::string(kSites) + "---\na: 1\n"),
              Contains(HasSubstr("more than one YAML document in the file")));
}

TEST(YamlTree, points_at_a_tab_in_the_indentation) {
  EXPECT_THAT(problems_of("process:\n  workers: 1\n\tuser: x\n"),
              ElementsAre("x.yaml:3:1: a tab in the indentation: YAML takes only spaces there"));
  EXPECT_THAT(problems_of("process:\n\tworkers: 1\n"),
              ElementsAre("x.yaml:2:1: a tab in the indentation: YAML takes only spaces there"));
}

TEST(YamlTree, ignores_a_byte_order_mark_with_a_warning) {
  const Loaded loaded = load_text("\xEF\xBB\xBF" + std::string(kSites), "x.yaml");
  EXPECT_THAT(lines(loaded.problems), IsEmpty());
  EXPECT_THAT(lines(loaded.warnings),
              ElementsAre(HasSubstr("x.yaml:1:1: the file starts with a byte order mark")));
}

TEST(YamlTree, refuses_bytes_that_are_no_text) {
  EXPECT_THAT(problems_of(std::string("process:\n  user: a\0b\n", 21)),
              ElementsAre(HasSubstr("x.yaml:2:10: a NUL byte")));
  EXPECT_THAT(problems_of("process:\n  user: \x01\n"),
              ElementsAre(HasSubstr("x.yaml:2:9: a control character")));
  EXPECT_THAT(problems_of("process:\n  user: a\xFFz\n"), ElementsAre("x.yaml:2:10: not valid UTF-8"));
  EXPECT_THAT(problems_of("a: \xC0\xAF\n"), ElementsAre("x.yaml:1:4: not valid UTF-8"));
  EXPECT_THAT(problems_of("a: \xED\xA0\x80\n"), ElementsAre("x.yaml:1:4: not valid UTF-8"));
  EXPECT_THAT(problems_of("a: \xF4\x90\x80\x80\n"), ElementsAre("x.yaml:1:4: not valid UTF-8"));
  EXPECT_THAT(problems_of(std::string("\xFF\xFE"
                                      "a\0",
                                      4)),
              ElementsAre(HasSubstr("the file is UTF-16")));
  EXPECT_THAT(problems_with_site("process: {user: \"a\\0b\"}\n"),
              ElementsAre(HasSubstr("x.yaml:1:17: a value must not contain a NUL character")));
}

TEST(YamlTree, takes_windows_line_ends) {
  EXPECT_THAT(problems_of("process:\r\n  workers: 1\r\nsites: [{routes: [{path: /, hello: {}}]}]\r\n"),
              IsEmpty());
}

TEST(YamlTree, stops_at_nesting_deeper_than_its_limit) {
  EXPECT_THAT(problems_of("a: " + std::string(5000, '[') + std::string(5000, ']')),
              ElementsAre(HasSubstr("nested more than 32 levels deep")));
  EXPECT_THAT(problems_of("a: " + std::string(5000, '{')), ElementsAre(HasSubstr("x.yaml:1:")));
  std::string block;
  for (std::size_t i = 0; i < 600; ++i) block += std::string(i, ' ') + "a:\n";
  EXPECT_THAT(problems_of(block), ElementsAre("x.yaml:33:33: nested more than 32 levels deep"));
}

TEST(YamlTree, reports_a_quote_that_is_never_closed) {
  EXPECT_THAT(problems_of("process: {}\nlog: 'x\nsites: []\n"),
              ElementsAre("x.yaml:2:6: this quote is never closed"));
  EXPECT_THAT(problems_of("log: \"x\\\"\nsites: []\n"), ElementsAre("x.yaml:1:6: this quote is never closed"));
}

TEST(YamlTree, explains_braces_that_need_quotes) {
  EXPECT_THAT(problems_of_route("{path: /greet/{name}, hello: {}}"),
              ElementsAre(HasSubstr("needs quotes here")));
}

TEST(YamlTree, explains_a_line_that_is_indented_otherwise) {
  EXPECT_THAT(
      problems_of("sites:\n  - routes:\n      - {path: /, hello: {}}\n     - {path: /x, hello: {}}\n"),
      ElementsAre("x.yaml:4:6: not valid YAML: this line is indented otherwise than those that it belongs to"));
}

TEST(YamlTree, shortens_and_escapes_what_it_shows) {
  EXPECT_EQ(shown("a\nb\x7F"), "a\\x0Ab\\x7F");
  EXPECT_EQ(shown(std::string(61, 'x')), std::string(60, 'x') + "...");
  EXPECT_EQ(shown(std::string(59, 'x') + "\xC3\xA4"), std::string(59, 'x') + "...");
}

}  // namespace
}  // namespace holdfast::config
