#include "master/command_table.h"

#include <algorithm>
#include <array>

#include "master/exit_status.h"

namespace holdfast::master {
namespace {

constexpr std::array kCommands{
    CommandRow{"serve", Command::Serve, "[DIR] [--listen ADDR]", "serve a directory, no file needed"},
    CommandRow{"check", Command::Check, "[-q] [-c FILE]", "check the configuration and all it names (also -t)"},
    CommandRow{"config", Command::Config, "[--diff [OLD]] [-c FILE]",
               "print the effective configuration, or what it would change"},
    CommandRow{"doctor", Command::Doctor, "[-q] [--json] [-c FILE]",
               "look at this machine with the eyes of the configuration"},
    CommandRow{"reload", Command::Reload, "[-c FILE]", "reload the running server, wait for the outcome"},
    CommandRow{"stop", Command::Stop, "[-c FILE]", "stop it gracefully, wait for its end"},
    CommandRow{"upgrade", Command::Upgrade, "[-c FILE]", "upgrade it to the binary now on disk"},
    CommandRow{"unfuse", Command::Unfuse, "[-c FILE]", "let requests through to routes that were fused"},
    CommandRow{"status", Command::Status, "[--watch] [--json] [-c FILE]",
               "show its workers, connections and requests"},
    CommandRow{"version", Command::Version, "", "print version, build and linked libraries (also -V)"},
    CommandRow{"help", Command::Help, "", "print this text (also -h)"}};

constexpr std::array kOfServe{Command::Serve};
constexpr std::array kOfConfig{Command::Config};
constexpr std::array kOfStatus{Command::Status};
constexpr std::array kOfJson{Command::Status, Command::Doctor};
constexpr std::array kOfQuiet{Command::Check, Command::Doctor};

// Those that stand for a command (-t, -h, -V) are in the parser.
const std::array kOptions{
    OptionRow{"-c",
              "--config",
              "FILE",
              {},
              "configuration (default /etc/holdfast/holdfast.yaml)",
              [](Options& o, std::string_view value) { o.config_file = value; }},
    OptionRow{"", "--listen", "ADDR", kOfServe, "where `serve` listens (default 127.0.0.1:8080)",
              [](Options& o, std::string_view value) { o.listen = value; }},
    OptionRow{"-q", "--quiet", "", kOfQuiet, "`check` prints problems only, `doctor` what is not in order",
              [](Options& o, std::string_view) { o.quiet = true; }},
    OptionRow{"", "--schema", "", kOfConfig, "`config` prints the JSON Schema of all settings",
              [](Options& o, std::string_view) { o.output = ConfigOutput::Schema; }},
    OptionRow{"", "--reference", "", kOfConfig, "`config` prints the manual of all settings",
              [](Options& o, std::string_view) { o.output = ConfigOutput::Reference; }},
    OptionRow{"", "--diff", "OLD", kOfConfig,
              "`config` prints what FILE would change of the running server, or of the file OLD; "
              "exit status 0: nothing, 1: something",
              [](Options& o, std::string_view value) {
                o.output = ConfigOutput::Diff;
                if (!value.empty()) o.other_file = value;
              },
              true},
    OptionRow{"", "--json", "", kOfJson, "`status` and `doctor` answer in JSON",
              [](Options& o, std::string_view) { o.json = true; }},
    OptionRow{"", "--watch", "", kOfStatus, "`status` goes on, once a second, until Ctrl-C",
              [](Options& o, std::string_view) { o.watch = true; }},
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kSignals{{
    {"HUP", "reload; a bad configuration changes nothing"},
    {"TERM, QUIT", "graceful stop; a second one ends at once"},
    {"INT", "quick stop"},
    {"USR1", "reopen log files"},
    {"USR2", "upgrade to the binary now on disk"},
    {"WINCH", "workers drain, the master stays"},
    {"TTIN, TTOU", "one worker more, one fewer, until the next reload"},
}};

constexpr std::array<std::pair<int, std::string_view>, 8> kExitCodes{{
    {kExitOk, "done as asked; `config --diff`: nothing would change"},
    {kExitDifferent, "`config --diff`: something would change"},
    {kExitUsage, "wrong usage"},
    {kExitUnavailable, "no server runs, it cannot bind, no worker can become ready"},
    {kExitInternal, "a failure inside"},
    {kExitSystem, "the system refused something; `doctor`: a problem of the machine"},
    {kExitPermission, "permission denied"},
    {kExitConfiguration, "the configuration is wrong; `doctor`: a problem of it or its files"},
}};

constexpr std::size_t kMostColumns = 100;

/// "  NAME   help", the help broken into lines that stand below each other.
void append_row(std::string& out, std::string name, std::size_t width, std::string_view help) {
  name.resize(std::max(width, name.size() + 2), ' ');
  std::string line = "  " + name;
  const std::size_t start = line.size();
  while (start + help.size() > kMostColumns) {
    const std::size_t end = help.rfind(' ', kMostColumns - start);
    if (end == std::string_view::npos) break;
    out.append(line).append(help.substr(0, end)).append("\n");
    help.remove_prefix(end + 1);
    line.assign(start, ' ');
  }
  out.append(line).append(help).append("\n");
}

std::string option_text(const OptionRow& row) {
  std::string text = row.letter.empty() ? "    " : std::string(row.letter) + ", ";
  text += row.name;
  if (row.value.empty()) return text;
  return text + (row.value_is_optional ? "[=" + std::string(row.value) + "]" : " " + std::string(row.value));
}

}  // namespace

bool OptionRow::belongs_to(Command command) const {
  return commands.empty() || std::ranges::find(commands, command) != commands.end();
}

std::span<const CommandRow> command_rows() {
  return kCommands;
}

std::span<const OptionRow> option_rows() {
  return kOptions;
}

const OptionRow* find_option(std::string_view name) {
  const auto found = std::ranges::find_if(
      kOptions, [name](const OptionRow& row) { return row.name == name || row.letter == name; });
  return found == kOptions.end() || name.empty() ? nullptr : &*found;
}

std::string_view name_of(Command command) {
  const auto found = std::ranges::find(kCommands, command, &CommandRow::command);
  return found == kCommands.end() ? std::string_view() : found->name;
}

std::string usage() {
  constexpr std::size_t kCommandWidth = 40;
  constexpr std::size_t kNameWidth = 21;
  std::string out = "usage: holdfast [COMMAND] [OPTION...]\n\ncommands:\n";
  append_row(out, "[-c FILE]", kCommandWidth, "run the server in the foreground");
  for (const CommandRow& row : kCommands)
    append_row(out, std::string(row.name) + (row.synopsis.empty() ? "" : " ") + std::string(row.synopsis),
               kCommandWidth, row.help);
  out += "\noptions:\n";
  for (const OptionRow& row : kOptions) append_row(out, option_text(row), kNameWidth, row.help);
  append_row(out, "-t, -V, -h", kNameWidth,
             "the same as `check`, `version` and `help`; also --version, --help");
  out += "\nsignals of the master:\n";
  for (const auto& [name, help] : kSignals) append_row(out, std::string(name), kNameWidth, help);
  out += "\nexit codes:\n";
  for (const auto& [code, help] : kExitCodes) append_row(out, std::to_string(code), kNameWidth, help);
  return out;
}

}  // namespace holdfast::master
