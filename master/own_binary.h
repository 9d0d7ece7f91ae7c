// The program that this process runs, and where a newer one is looked for when it is to be upgraded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/fd.h"

namespace holdfast::master {

struct OwnBinary {
  std::string path;                    // absolute, as it was called: a link is followed anew each time
  std::vector<std::string> arguments;  // all of them, the name as the first
  Fd file;                             // this very file, whatever the path names by now; empty: not to be had

  static OwnBinary of_this_process(int argc, char** argv);
};

/// What of the surroundings tells where a program lies.
struct CalledAs {
  std::string_view name;         // argv[0]
  std::string_view folder;       // the working directory
  std::string_view search_path;  // PATH
  std::string_view linked;       // what /proc/self/exe names; empty where there is no /proc
};
/// The candidates for OwnBinary::path, best first; the first that names the running file is it.
std::vector<std::string> possible_paths(const CalledAs& called);

}  // namespace holdfast::master
