#include "tests/bench/load_options.h"

#include <arpa/inet.h>
#include <getopt.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace holdfast::bench {
namespace {

constexpr const char* kUsage =
    "usage: load ADDRESS:PORT [--path /x] [--connections N] [--pipeline N] [--new-connections]\n"
    "            (--requests N | --seconds S | --hold) [--body BYTES] [--status CODE] [--sources N] [--wait]\n"
    "            [--header \"Name: value\"]\n";

constexpr std::array<option, 13> kLong{{{"path", required_argument, nullptr, 'p'},
                                        {"connections", required_argument, nullptr, 'c'},
                                        {"pipeline", required_argument, nullptr, 'l'},
                                        {"new-connections", no_argument, nullptr, 'n'},
                                        {"requests", required_argument, nullptr, 'r'},
                                        {"seconds", required_argument, nullptr, 's'},
                                        {"body", required_argument, nullptr, 'b'},
                                        {"status", required_argument, nullptr, 't'},
                                        {"sources", required_argument, nullptr, 'a'},
                                        {"hold", no_argument, nullptr, 'h'},
                                        {"wait", no_argument, nullptr, 'w'},
                                        {"header", required_argument, nullptr, 'e'},
                                        {nullptr, 0, nullptr, 0}}};

bool parse_server(const std::string& text, LoadOptions& options) {
  const auto colon = text.rfind(':');
  unsigned port = 0;
  if (colon == std::string::npos) return false;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  options.authority = text;
  options.server.sin_family = AF_INET;
  options.server.sin_port = htons(static_cast<std::uint16_t>(port));
  return port > 0 && inet_pton(AF_INET, text.substr(0, colon).c_str(), &options.server.sin_addr) == 1;
}

bool apply(int letter, const char* value, LoadOptions& options) {
  switch (letter) {
    case 'p':
      options.path = value;
      return true;
    case 'c':
      options.connections = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
      return true;
    case 'l':
      options.pipeline = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
      return true;
    case 'n':
      options.new_connections = true;
      return true;
    case 'r':
      options.requests = std::strtoull(value, nullptr, 10);
      return true;
    case 's':
      options.seconds = std::strtod(value, nullptr);
      return true;
    case 'b':
      options.expected.body = std::strtoll(value, nullptr, 10);
      return true;
    case 't':
      options.expected.status = static_cast<int>(std::strtol(value, nullptr, 10));
      return true;
    case 'a':
      options.sources = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
      return true;
    case 'h':
      options.hold = true;
      return true;
    case 'e':
      options.fields.append(value).append("\r\n");
      return true;
    case 'w':
      options.wait = true;
      return true;
  }
  return false;
}

}  // namespace

std::optional<LoadOptions> parse_load_options(int argc, char** argv) {
  LoadOptions options;
  bool good = true;
  for (int letter; (letter = getopt_long(argc, argv, "", kLong.data(), nullptr)) != -1;)
    good = apply(letter, optarg, options) && good;
  good = good && optind + 1 == argc && parse_server(argv[optind], options) && options.connections > 0 &&
         options.pipeline > 0 && options.sources > 0 && options.sources < 200 &&
         (options.requests > 0 || options.seconds > 0 || options.hold);
  if (!good) {
    std::fputs(kUsage, stderr);
    return std::nullopt;
  }
  return options;
}

}  // namespace holdfast::bench
