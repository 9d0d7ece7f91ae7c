// The command line: which command, and its options. Pure; says what is wrong with it in words for the terminal.
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
  Reload,
  Stop,
  Upgrade,
  Unfuse,
  Status,
  Version,
  Help
};
enum class ConfigOutput : std::uint8_t { Effective, Schema, Reference };

struct Options {
  Command command = Command::Run;
  std::string config_file = "/etc/holdfast/holdfast.yaml";
  std::string directory = ".";            // serve
  std::string listen = "127.0.0.1:8080";  // serve
  ConfigOutput output = ConfigOutput::Effective;
  bool quiet = false;
  bool json = false;
  bool watch = false;
  bool can_take_over = false;  // asked by a running server (binary_trial.h)
};

/// `arguments` without the program's name. The error's message() is one line.
Result<Options> parse_options(const std::vector<std::string_view>& arguments);
/// The text of --help.
std::string_view usage();

}  // namespace holdfast::master
