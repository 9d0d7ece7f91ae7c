// The configuration file of a test's server: sensible and quick by default, each section open for the test's
// own lines. Listeners bind port 0, so that tests run side by side; the log names the ports.
#pragma once

#include <map>
#include <string>

#include "tests/support/temp_dir.h"

namespace holdfast::support {

struct ServerConfig {
  int workers = 2;
  std::string process;   // more members of `process`, as in "shutdown_timeout: 2s, generations: 2"
  std::string limits;    // members of `limits`, likewise
  std::string timeouts;  // members of `timeouts`, likewise
  std::string log;       // members of `log`; empty: the error log on stderr, no access log
  std::string admin = "127.0.0.1:0";
  std::string listeners = "  http: {bind: \"127.0.0.1:0\"}\n";
  std::string routes;  // more rows of the one site, as in "      - {path: /x, hello: {}}\n"
  std::string root;    // document root; empty: www in the test's folder
  std::string more;    // further top-level text
  std::map<std::string, std::string> files;  // content of further files in the test's folder, by name

  /// The file's text; as root, workers are told to run as nobody.
  std::string yaml(const TempDir& dir) const;
};

}  // namespace holdfast::support
