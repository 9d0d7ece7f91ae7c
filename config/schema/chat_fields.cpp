#include <algorithm>
#include <charconv>

#include "common/ascii.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

constexpr std::uint64_t kKiB = 1024;
// What a record between two workers can hold.
constexpr std::uint64_t kMostText = 32 * kKiB;
constexpr std::string_view kScheme = "redis://";
constexpr std::uint16_t kRedisPort = 6379;
constexpr std::string_view kDefaultChannel = "holdfast";

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '_' ||
           c == '.';
  });
}

bool read_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

/// "HOST", "HOST:PORT", "[IPV6]:PORT", each with "/CHANNEL" or without.
std::string read_redis(std::string_view rest, ChatBroker& out) {
  constexpr std::string_view kForm =
      "must be local, or redis://HOST, redis://HOST:PORT or redis://HOST:PORT/CHANNEL";
  if (rest.find('@') != std::string_view::npos)
    return "must hold no password: give it in a file, as `broker_password`";
  out = {{}, kRedisPort, std::string(kDefaultChannel)};
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    out.channel = rest.substr(slash + 1);
    if (!is_name(out.channel)) return "must have letters, digits, `-`, `_` and `.` alone in its channel";
    rest = rest.substr(0, slash);
  }
  const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : 0;
  if (bracket == std::string_view::npos) return std::string(kForm);
  const std::size_t colon = rest.find(':', bracket);
  if (colon != std::string_view::npos && !read_port(rest.substr(colon + 1), out.port))
    return "must have a port from 1 to 65535";
  out.host = bracket > 0 ? rest.substr(1, bracket - 1) : rest.substr(0, colon);
  const bool good =
      bracket > 0
          ? std::ranges::all_of(out.host, [](char c) { return c == ':' || c == '.' || hex_value(c) >= 0; })
          : is_name(out.host);
  return good && !out.host.empty() ? "" : std::string(kForm);
}

std::string url_of(const ChatBroker& broker) {
  if (broker.host.empty()) return "local";
  const bool v6 = broker.host.find(':') != std::string::npos;
  std::string url(kScheme);
  url += v6 ? "[" + broker.host + "]" : broker.host;
  if (broker.port != kRedisPort || broker.channel != kDefaultChannel) url += ":" + std::to_string(broker.port);
  if (broker.channel != kDefaultChannel) url += "/" + broker.channel;
  return url;
}

Kind<ChatBroker> broker_kind() {
  return {"local, or redis://HOST:PORT/CHANNEL", schema_or_variable(schema_pattern("^(local|redis://.+)$")),
          [](Reader& reader, const Node& node, ChatBroker& out) {
            std::string url;
            if (!read_string(reader, node, url)) return false;
            out = {};
            if (url == "local") return true;
            const std::string problem = url.starts_with(kScheme)
                                            ? read_redis(std::string_view(url).substr(kScheme.size()), out)
                                            : "must be local, or begin with redis://";
            return problem.empty() || reader.wrong(node, problem);
          },
          [](const ChatBroker& value, const Config&) { return text_node(url_of(value)); }};
}

/// The file's first line, which is never printed.
Kind<LoadedFile> password_kind() {
  Kind<LoadedFile> kind = loaded_file("path of a file");
  kind.read = [read = kind.read](Reader& reader, const Node& node, LoadedFile& out) {
    if (!read(reader, node, out)) return false;
    out.text = out.text.substr(0, out.text.find_first_of("\r\n"));
    return !out.text.empty() || reader.wrong(node, "must name a file with the password in its first line");
  };
  return kind;
}

}  // namespace

const Rows<ChatAction>& chat_rows() {
  static const Rows<ChatAction> rows = make_rows<ChatAction>(
      field("history", &ChatAction::history, count<std::uint32_t>(0, 1000), "50", Takes::NewWorkers,
            "The last messages of a room that a newcomer is shown. They are kept in memory, at most 16 MiB of "
            "them a worker, and forgotten when the server stops."),
      field("max_text", &ChatAction::max_text, size(1, kMostText), "4KiB", Takes::NewWorkers,
            "Longest text of a message; the sender of a longer one is told so."),
      field("rate", &ChatAction::rate, count<std::uint32_t>(0, 100'000), "10", Takes::NewWorkers,
            "Messages a second that one client may send on average; what comes on top is refused, and a client "
            "that goes on is let go. 0 is no limit."),
      field("burst", &ChatAction::burst, count<std::uint32_t>(1, 100'000), "20", Takes::NewWorkers,
            "Messages that may come at once."),
      field("notices", &ChatAction::notices, boolean(), "true", Takes::NewWorkers,
            "Whether the members of a room are told who comes and goes. Switch it off for rooms of thousands."),
      field("page", &ChatAction::page, boolean(), "true", Takes::NewWorkers,
            "Whether a browser that opens the path is shown a small page to try the chat with."),
      field("broker", &ChatAction::broker, broker_kind(), "local", Takes::NewWorkers,
            "What joins the clients of a room: `local` all workers of this host, a Redis server those of "
            "several hosts besides. While Redis cannot be reached each host chats by itself.")
          .example("redis://redis.internal:6379/holdfast"),
      field("broker_password", &ChatAction::broker_password, password_kind(), "", Takes::NewWorkers,
            "File whose first line is the password for Redis; read once at load, by the master.")
          .example("/etc/holdfast/redis.password"));
  return rows;
}

}  // namespace holdfast::config
