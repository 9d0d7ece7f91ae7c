#include "master/command_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace holdfast::master {
namespace {

std::string source_text(const std::string& path) {
  std::ifstream file(std::string(HOLDFAST_SOURCE) + "/" + path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Of the manual page, as it reads: "\\-\\-json" is "--json".
std::string manual() {
  std::string text = source_text("packaging/man/holdfast.8");
  for (std::size_t at = text.find("\\-"); at != std::string::npos; at = text.find("\\-", at)) text.erase(at, 1);
  return text;
}

std::set<std::string> words_like(const std::string& text, const std::regex& form) {
  std::set<std::string> found;
  for (std::sregex_iterator one(text.begin(), text.end(), form), end; one != end; ++one)
    found.insert((*one)[1]);
  return found;
}

std::set<std::string> command_names() {
  std::set<std::string> names;
  for (const CommandRow& row : command_rows()) names.emplace(row.name);
  return names;
}

/// "--config" and the like, with those that stand for a command.
std::set<std::string> option_names() {
  std::set<std::string> names{"--help", "--version"};
  for (const OptionRow& row : option_rows()) names.emplace(row.name);
  return names;
}

const std::regex& long_option() {
  static const std::regex form("(?:^|[^-a-z])(--[a-z]+)");
  return form;
}

TEST(Usage, TellsEveryCommandAndOption) {
  for (const CommandRow& row : command_rows())
    EXPECT_NE(usage().find("\n  " + std::string(row.name)), std::string::npos) << row.name;
  EXPECT_EQ(words_like(usage(), long_option()), option_names());
  for (const OptionRow& row : option_rows())
    EXPECT_NE(usage().find(std::string(row.letter) + (row.letter.empty() ? "" : ", ") + std::string(row.name)),
              std::string::npos)
        << row.name;
}

TEST(Usage, TellsEverySignalOfTheMaster) {
  for (const std::string_view name : {"HUP", "TERM", "QUIT", "INT", "USR1", "USR2", "WINCH", "TTIN", "TTOU"})
    EXPECT_NE(usage().find(name), std::string_view::npos) << name;
}

TEST(Usage, FitsATerminal) {
  std::string text = usage();
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    EXPECT_LE(end, 100u) << text.substr(0, end);
    text.erase(0, end + 1);
  }
}

TEST(ManualPage, HasEveryCommandOptionAndExitCode) {
  const std::string text = manual();
  for (const CommandRow& row : command_rows())
    EXPECT_TRUE(std::regex_search(text, std::regex("\n\\.(B|BR) \"?" + std::string(row.name) + "\\b")))
        << row.name;
  EXPECT_EQ(words_like(text, long_option()), option_names());
  EXPECT_EQ(words_like(text.substr(text.find(".SH EXIT STATUS")), std::regex("\n\\.B ([0-9]+)\n")),
            words_like(usage().substr(usage().find("exit codes:")), std::regex("\n  ([0-9]+) ")));
}

/// What a completion offers after a command: the long options between "NAME)" and ";;".
std::set<std::string> offered_after(const std::string& text, const std::string& command) {
  const std::regex block("\\n +" + command + "\\)([^;]*);;");
  std::smatch found;
  return std::regex_search(text, found, block) ? words_like(found[1], long_option()) : std::set<std::string>();
}

std::set<std::string> options_only_of(Command command) {
  std::set<std::string> names;
  for (const OptionRow& row : option_rows())
    if (!row.commands.empty() && row.belongs_to(command)) names.emplace(row.name);
  return names;
}

void expect_complete(const std::string& text, const std::set<std::string>& commands) {
  EXPECT_EQ(commands, command_names());
  EXPECT_EQ(words_like(text, long_option()), option_names());
  for (const CommandRow& row : command_rows())
    EXPECT_EQ(offered_after(text, std::string(row.name)), options_only_of(row.command)) << row.name;
}

TEST(Completion, OfBashKnowsWhatHelpKnows) {
  const std::string text = source_text("packaging/completions/holdfast.bash");
  std::smatch list;
  ASSERT_TRUE(std::regex_search(text, list, std::regex("commands=\"([a-z ]+)\"")));
  expect_complete(text, words_like(list[1], std::regex("([a-z]+)")));
}

TEST(Completion, OfZshKnowsWhatHelpKnows) {
  const std::string text = source_text("packaging/completions/_holdfast");
  expect_complete(text, words_like(text, std::regex("\n +'([a-z]+):[^-]")));
}

}  // namespace
}  // namespace holdfast::master
