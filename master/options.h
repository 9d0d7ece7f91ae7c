// The command line: which command, and its options. Pure; says what is wrong with it in words for the terminal.
// What there is to be asked for stands in command_table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace holdfast::master {

enum class Command : std::uint8_t {
  Run,
  Serve,
  Check,
  Config,
  Doctor,
  Reload,
  Stop,
  Upgrade,
  Unfuse,
  Status,
  Version,
  Help
};
enum class ConfigOutput : std::uint8_t { Effective, Schema, Reference, Diff };

inline constexpr std::string_view kDefaultConfigFile = "/etc/holdfast/holdfast.yaml";

struct Options {
  Command command = Command::Run;
  std::string config_file{kDefaultConfigFile};
  std::string directory = ".";            // serve
  std::string listen = "127.0.0.1:8080";  // serve
  ConfigOutput output = ConfigOutput::Effective;
  std::string other_file;  // config --diff: what is compared with; empty: the running server
  bool quiet = false;
  bool json = false;
  bool watch = false;
  bool can_take_over = false;  // asked by a running server (binary_trial.h)
};

/// `arguments` without the program's name. The error's message() is one line.
Result<Options> parse_options(const std::vector<std::string_view>& arguments);

}  // namespace holdfast::master
