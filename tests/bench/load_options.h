// The command line of the load generator.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <string>

#include "tests/bench/response_reader.h"

namespace holdfast::bench {

struct LoadOptions {
  sockaddr_in server{};
  std::string authority;  // as written: what the Host field says
  std::string path = "/";
  std::string fields;  // more header lines, each with its CRLF
  Expected expected;
  unsigned connections = 64;
  unsigned pipeline = 1;         // requests sent together on a connection
  unsigned sources = 1;          // client addresses 127.0.0.2, 127.0.0.3 ...: more ports than one address has
  bool new_connections = false;  // one request a connection
  bool hold = false;             // open, wait for end of input, leave
  bool wait = false;             // say "ready" when the connections stand, begin at a line on standard input
  std::uint64_t requests = 0;    // exactly so many, or
  double seconds = 0;            // for so long
};

/// Empty after having said on stderr what is wrong.
std::optional<LoadOptions> parse_load_options(int argc, char** argv);

}  // namespace holdfast::bench
