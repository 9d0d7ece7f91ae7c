// Reads a configuration file through the schema's rows into a Config, or says everything that is wrong with it.
// Used by the master (start, reload) and by the commands check and config. Touches no socket and starts
// nothing.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/sources.h"

namespace holdfast::config {

/// One thing wrong, where, and what to do about it.
struct Problem {
  Place place;
  std::string message;
  bool denied = false;  // nothing is wrong but a permission that is missing
  /// "FILE:LINE:COL: message" ("FILE: message" where there is no line).
  std::string text() const;
};

struct Loaded {
  std::shared_ptr<const Config> config;  // null when problems is not empty
  std::vector<Problem> problems;         // in order of file, line, column
  std::vector<Problem> warnings;
  Sources sources{};  // what it was loaded from
};

/// Where the pid file is when a configuration does not say.
inline constexpr std::string_view kDefaultPidFile = "/run/holdfast/holdfast.pid";

/// Loads FILE with its includes, fills in every default, checks each row and the rules across rows. Never
/// throws.
Loaded load_file(const std::string& file);
/// The same from text; `name` stands for the file in messages; includes are relative to `directory`.
Loaded load_text(std::string_view text, const std::string& name, const std::string& directory = ".");
/// The configuration of `holdfast serve DIR --listen ADDR`: one site, listing on, terse log on the terminal,
/// admin off.
Loaded serve_directory(const std::string& directory, const std::string& listen);

/// What only the file system can tell and needs no rights that the server lacks: document roots are directories
/// and readable, log and pid folders exist, user and group are known. For `check`, start and reload.
std::vector<Problem> check_environment(const Config& config);
/// Of that what depends on who asks: document roots. For a process that has become the workers' account.
std::vector<Problem> check_document_roots(const Config& config);

}  // namespace holdfast::config
