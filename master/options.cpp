#include "master/options.h"

#include <algorithm>
#include <array>
#include <optional>

#include "master/binary_trial.h"

namespace holdfast::master {
namespace {

struct CommandName {
  std::string_view name;
  Command command;
};
constexpr std::array kCommands{
    CommandName{"serve", Command::Serve},   CommandName{"check", Command::Check},
    CommandName{"config", Command::Config}, CommandName{"reload", Command::Reload},
    CommandName{"stop", Command::Stop},     CommandName{"upgrade", Command::Upgrade},
    CommandName{"unfuse", Command::Unfuse}, CommandName{"status", Command::Status},
    CommandName{"help", Command::Help},     CommandName{"version", Command::Version}};

struct FlagName {
  std::string_view flag;
  Command command;  // the only one that takes it
};
constexpr std::array kFlags{FlagName{"--json", Command::Status},   FlagName{"--watch", Command::Status},
                            FlagName{"--schema", Command::Config}, FlagName{"--reference", Command::Config},
                            FlagName{"-q", Command::Check},        FlagName{"--quiet", Command::Check}};

Error usage_error(const std::string& text) {
  return {ErrorKind::Configuration, 0, text};
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
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
    for (const FlagName& given : given_)
      if (options_.command != given.command && options_.command != Command::Help)
        return usage_error("option " + std::string(given.flag) + " does not belong to this command");
    return options_;
  }

 private:
  Result<void> take_word(std::string_view word) {
    if (options_.command == Command::Serve && !has_directory_) {
      has_directory_ = true;
      options_.directory = word;
      return {};
    }
    const auto known =
        std::find_if(kCommands.begin(), kCommands.end(), [word](auto& c) { return c.name == word; });
    if (known == kCommands.end() || only_words_) return usage_error("unknown command " + quoted(word));
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
    if (name == "-c" || name == "--config") return take_value(name, options_.config_file);
    if (name == "--listen") {
      given_.push_back({"--listen", Command::Serve});
      return take_value(name, options_.listen);
    }
    const auto flag = std::find_if(kFlags.begin(), kFlags.end(), [name](auto& f) { return f.flag == name; });
    if (flag == kFlags.end()) return usage_error("unknown option " + quoted(name));
    given_.push_back(*flag);
    if (name == "--json") options_.json = true;
    if (name == "--watch") options_.watch = true;
    if (name == "--schema") options_.output = ConfigOutput::Schema;
    if (name == "--reference") options_.output = ConfigOutput::Reference;
    if (flag->command == Command::Check) options_.quiet = true;
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
  std::vector<FlagName> given_;
  std::optional<std::string_view> inline_value_;
  bool chosen_ = false;
  bool only_words_ = false;
  bool has_directory_ = false;
};

constexpr std::string_view kUsage =
    R"(usage: holdfast [-c FILE]                  run the server in the foreground
       holdfast serve [DIR] [--listen ADDR]  serve a directory, no file needed
       holdfast check [-q] [-c FILE]         check the configuration and all it names (also -t)
       holdfast config [-c FILE]             print the effective configuration
                       [--schema]            ... or the JSON Schema of all settings
                       [--reference]         ... or their manual
       holdfast reload [-c FILE]             reload the running server, wait for the outcome
       holdfast stop [-c FILE]               stop it gracefully, wait for its end
       holdfast upgrade [-c FILE]            upgrade it to the binary now on disk
       holdfast unfuse [-c FILE]             let requests through to routes that were fused
       holdfast status [--json] [--watch]    show its workers, connections and requests
       holdfast --version | --help

options:
  -c, --config FILE   configuration (default /etc/holdfast/holdfast.yaml)
  --listen ADDR       where `serve` listens (default 127.0.0.1:8080)
  -q, --quiet         `check` prints problems only

signals of the master:
  HUP         reload; a bad configuration changes nothing
  TERM, QUIT  graceful stop; a second one ends at once
  INT         quick stop
  USR1        reopen log files
  USR2        upgrade to the binary now on disk
  WINCH       workers drain, the master stays
  TTIN, TTOU  one worker more, one fewer, until the next reload

exit codes:
  0 ok, 64 usage, 69 cannot bind or no worker can become ready, 70 internal, 71 system,
  77 permission, 78 configuration
)";

}  // namespace

Result<Options> parse_options(const std::vector<std::string_view>& arguments) {
  return Parser(arguments).parse();
}

std::string_view usage() {
  return kUsage;
}

}  // namespace holdfast::master
