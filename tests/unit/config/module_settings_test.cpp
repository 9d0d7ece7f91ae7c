#include "config/module_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using api::SettingKind;
using ::testing::ElementsAre;
using std::chrono_literals::operator""ms;

constexpr api::SettingRow kRows[] = {
    {"name", SettingKind::Text, "nobody", "A name."},
    {"count", SettingKind::Integer, "-3", "A number.", false, -5, 5},
    {"loud", SettingKind::Boolean, "true", "Whether."},
    {"wait", SettingKind::Duration, "250ms", "A time.", false, 0, 10'000},
    {"room", SettingKind::Size, "4KiB", "A size.", false, 1, 1 << 20},
    {"words", SettingKind::Texts, "[a, b]", "Some words."},
};
constexpr api::SettingRow kRequired[] = {{"key", SettingKind::Text, "", "What opens it.", true}};

class ModuleSettingsTest : public ::testing::Test {
 protected:
  /// `settings` as they stand in a route of the file "test.yaml", on line 4.
  const ModuleAction& load(const std::string& settings) {
    loaded_ = load_text(
        "listeners: {http: {bind: \"127.0.0.1:0\"}}\nsites:\n  - routes:\n"
        "    - {path: /x, module: {file: /m.so, settings: " +
            settings + "}}\n",
        "test.yaml");
    EXPECT_TRUE(loaded_.config) << (loaded_.problems.empty() ? "" : loaded_.problems[0].text());
    return std::get<ModuleAction>(loaded_.config->sites[0].routes[0].action);
  }
  std::vector<std::string> problems(const std::string& settings,
                                    std::span<const api::SettingRow> rows = kRows) {
    std::vector<std::string> texts;
    for (const Problem& problem : values_.read(load(settings), rows)) texts.push_back(problem.text());
    return texts;
  }

  Loaded loaded_;
  ModuleSettings values_;
};

TEST_F(ModuleSettingsTest, defaults_stand_where_nothing_is_written) {
  EXPECT_THAT(problems("{}"), ElementsAre());
  const api::Settings& settings = values_.settings();
  EXPECT_EQ(settings.text("name"), "nobody");
  EXPECT_EQ(settings.integer("count"), -3);
  EXPECT_TRUE(settings.boolean("loud"));
  EXPECT_EQ(settings.duration("wait"), 250ms);
  EXPECT_EQ(settings.size("room"), 4096u);
  EXPECT_THAT(settings.texts("words"), ElementsAre("a", "b"));
}

TEST_F(ModuleSettingsTest, values_are_read_by_their_kind) {
  EXPECT_THAT(problems("{name: \"12\", count: 5, loud: false, wait: 2s, room: 1MiB, words: [x]}"),
              ElementsAre());
  const api::Settings& settings = values_.settings();
  EXPECT_EQ(settings.text("name"), "12");
  EXPECT_EQ(settings.integer("count"), 5);
  EXPECT_FALSE(settings.boolean("loud"));
  EXPECT_EQ(settings.duration("wait"), 2000ms);
  EXPECT_EQ(settings.size("room"), 1u << 20);
  EXPECT_THAT(settings.texts("words"), ElementsAre("x"));
}

TEST_F(ModuleSettingsTest, every_mistake_is_told_with_its_place) {
  EXPECT_THAT(problems("{nam: x, count: 6, loud: maybe, wait: 11s, room: big, words: x}"),
              ElementsAre("test.yaml:4:51: unknown key `nam`; did you mean `name`?",
                          "test.yaml:4:66: `count` must be a number, -5 to 5, not `6`",
                          "test.yaml:4:75: `loud` must be true or false, not `maybe`",
                          ::testing::StartsWith("test.yaml:4:88: `wait` must be"),
                          ::testing::StartsWith("test.yaml:4:99: `room` must be"),
                          ::testing::StartsWith("test.yaml:4:111: `words` must be a list")));
}

TEST_F(ModuleSettingsTest, numbers_are_whole_and_plain) {
  for (const char* wrong : {"1.5", "\"1\"", "1x", "[1]", "99999999999999999999", "0x1"})
    EXPECT_EQ(ModuleSettings().read(load(std::string("{count: ") + wrong + "}"), kRows).size(), 1u) << wrong;
}

TEST_F(ModuleSettingsTest, what_is_required_is_asked_for) {
  EXPECT_THAT(problems("{}", kRequired),
              ElementsAre("test.yaml:4:50: the setting `key` of the module is missing: What opens it."));
}

TEST_F(ModuleSettingsTest, a_handler_s_own_problem_has_the_place_of_the_value) {
  const ModuleAction& action = load("{name: x}");
  EXPECT_EQ(module_setting_problem(action, "name", "must be known").text(),
            "test.yaml:4:57: `name` must be known");
  EXPECT_EQ(module_setting_problem(action, "count", "must fit").text(), "test.yaml:4:33: `count` must fit");
}

TEST_F(ModuleSettingsTest, a_default_that_is_none_is_the_author_s_mistake) {
  constexpr api::SettingRow kWrong[] = {{"count", SettingKind::Integer, "many", "A number."}};
  const std::vector<std::string> seen = problems("{}", kWrong);
  ASSERT_FALSE(seen.empty());
  EXPECT_THAT(seen.back(), ::testing::HasSubstr("tell its author"));
}

TEST_F(ModuleSettingsTest, asking_for_what_was_not_declared_throws) {
  EXPECT_THAT(problems("{}"), ElementsAre());
  EXPECT_THROW((void)values_.settings().text("nothing"), std::logic_error);
  EXPECT_THROW((void)values_.settings().text("count"), std::logic_error);
}

}  // namespace
}  // namespace holdfast::config
