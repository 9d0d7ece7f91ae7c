// What the command line takes, as tables: commands, options, and the words on signals and exit codes. The
// parser, --help, the completions of shells and the manual page follow them; tests hold the last two to it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "master/options.h"

namespace holdfast::master {

struct CommandRow {
  std::string_view name;
  Command command;
  std::string_view synopsis;  // what may follow the name
  std::string_view help;
};
std::span<const CommandRow> command_rows();

struct OptionRow {
  std::string_view letter;  // "-c"; empty: it has none
  std::string_view name;    // "--config"
  std::string_view value;   // what stands for its value in texts; empty: it takes none
  /// The commands that take it; empty: all.
  std::span<const Command> commands;
  std::string_view help;
  void (*set)(Options& options, std::string_view value);
  bool value_is_optional = false;  // then only as --name=VALUE

  bool belongs_to(Command command) const;
};
std::span<const OptionRow> option_rows();
/// By letter or name; null: there is none.
const OptionRow* find_option(std::string_view name);

/// "reload"; empty for a server that runs without a word.
std::string_view name_of(Command command);

/// The text of --help.
std::string usage();

}  // namespace holdfast::master
