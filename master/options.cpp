#include "master/options.h"

#include <algorithm>
#include <optional>

#include "config/nearest_name.h"
#include "master/binary_trial.h"
#include "master/command_table.h"

namespace holdfast::master {
namespace {

Error usage_error(const std::string& text) {
  return {ErrorKind::Configuration, 0, text};
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

template <class Rows>
std::vector<std::string_view> names_of(const Rows& rows) {
  std::vector<std::string_view> names;
  for (const auto& row : rows) names.push_back(row.name);
  return names;
}

Error unknown(const std::string& what, std::string_view word, const std::vector<std::string_view>& known) {
  const std::string nearest = config::nearest_name(word, known);
  return usage_error("unknown " + what + " " + quoted(word) +
                     (nearest.empty() ? "" : "; did you mean " + quoted(nearest) + "?"));
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string_view>& arguments) : arguments_(arguments) {}

  Result<Options> parse() {
    while (next_ < arguments_.size()) {
      const std::string_view argument = arguments_[next_++];
      const bool is_option = !only_words_ && argument.size() > 1 && argument.front() == '-';
      Result<void> taken = is_option ? take_option(argument) : take_word(argument);
      if (!taken) return taken.error();
    }
    if (options_.command == Command::Help) return options_;
    for (const OptionRow* given : given_)
      if (!given->belongs_to(options_.command))
        return usage_error("option " + std::string(given->name) + " does not belong to this command");
    if (!options_.other_file.empty() && options_.output != ConfigOutput::Diff)
      return unknown("command", options_.other_file, names_of(command_rows()));
    return options_;
  }

 private:
  Result<void> take_word(std::string_view word) {
    if (options_.command == Command::Serve && !has_directory_) {
      has_directory_ = true;
      options_.directory = word;
      return {};
    }
    const auto known = std::ranges::find(command_rows(), word, &CommandRow::name);
    const bool is_known = known != command_rows().end() && !only_words_;
    if (options_.command == Command::Config && options_.other_file.empty() && !is_known) {
      options_.other_file = word;
      return {};
    }
    if (!is_known) return unknown("command", word, names_of(command_rows()));
    return choose(known->command, word);
  }

  Result<void> choose(Command command, std::string_view name) {
    if (chosen_ && options_.command != Command::Help && command != Command::Help)
      return usage_error("one command at a time: " + quoted(name) + " is too much");
    if (options_.command != Command::Help) options_.command = command;
    chosen_ = true;
    return {};
  }

  Result<void> take_option(std::string_view argument) {
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    if (equals != std::string_view::npos && argument.starts_with("--"))
      inline_value_ = argument.substr(equals + 1);
    Result<void> taken = take_named(name);
    if (taken && inline_value_) return usage_error("option " + std::string(name) + " takes no value");
    return taken;
  }

  Result<void> take_named(std::string_view name) {
    if (name == "--") {
      only_words_ = true;
      return {};
    }
    if (name == kTakesOverOption) {
      options_.can_take_over = true;
      return {};
    }
    if (name == "-t") return choose(Command::Check, name);
    if (name == "-h" || name == "--help") return choose(Command::Help, name);
    if (name == "-V" || name == "--version") return choose(Command::Version, name);
    const OptionRow* const row = find_option(name);
    if (row == nullptr) return unknown("option", name, names_of(option_rows()));
    given_.push_back(row);
    std::string value;
    if (const bool takes_one = !row->value.empty() && (inline_value_ || !row->value_is_optional); takes_one)
      if (Result<void> taken = take_value(name, value); !taken) return taken;
    row->set(options_, value);
    return {};
  }

  Result<void> take_value(std::string_view name, std::string& value) {
    if (inline_value_) {
      value = *inline_value_;
      inline_value_.reset();
    } else if (next_ < arguments_.size()) {
      value = arguments_[next_++];
    } else {
      return usage_error("option " + std::string(name) + " needs a value");
    }
    if (value.empty()) return usage_error("option " + std::string(name) + " needs a value");
    return {};
  }

  const std::vector<std::string_view>& arguments_;
  std::size_t next_ = 0;
  Options options_;
  std::vector<const OptionRow*> given_;
  std::optional<std::string_view> inline_value_;
  bool chosen_ = false;
  bool only_words_ = false;
  bool has_directory_ = false;
};

}  // namespace

Result<Options> parse_options(const std::vector<std::string_view>& arguments) {
  return Parser(arguments).parse();
}

}  // namespace holdfast::master
