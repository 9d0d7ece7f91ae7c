#include <chrono>

#include "common/ascii.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = kKiB * kKiB;
constexpr std::uint64_t kMostMessage = 1024 * kMiB;

/// As browsers write it (RFC 6454 section 6.1): without a path, and without a port that goes without saying.
std::string check_page_origin(std::string& origin) {
  constexpr std::string_view kRequirement = "must be origins of pages (https://app.example.org)";
  if (origin == "null") return "";
  origin = ascii_lowered(origin);
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string::npos || scheme == 0) return std::string(kRequirement);
  const std::string_view host = std::string_view(origin).substr(scheme + 3);
  for (const char c : host)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '*' || c == '/' || c == ',')
      return std::string(kRequirement);
  if (host.empty()) return std::string(kRequirement);
  const bool plain = origin.starts_with("http:") && origin.ends_with(":80");
  const bool secure = origin.starts_with("https:") && origin.ends_with(":443");
  if (plain || secure) origin.erase(origin.rfind(':'));
  return "";
}

std::string check_subprotocol(std::string& name) {
  return is_token(name) ? "" : "must be names of subprotocols, without spaces";
}

}  // namespace

const Rows<WebSocket>& websocket_rows() {
  static const Rows<WebSocket> rows = make_rows<WebSocket>(
      field("max_message", &WebSocket::max_message, size(1, kMostMessage), "1MiB", Takes::NewWorkers,
            "Largest message that a client may send, unpacked; a larger one closes its connection (1009).")
          .per_route(),
      field("max_queue", &WebSocket::max_queue, size(kKiB, kMostMessage), "1MiB", Takes::NewWorkers,
            "Bytes that may wait for a client that reads slowly. What comes on top is not sent to it, and a "
            "`chat` lets it go.")
          .per_route(),
      field("ping_interval", &WebSocket::ping_interval, duration_or_off(1s, 24h), "30s", Takes::NewWorkers,
            "A client from which nothing has come for so long is sent a ping, which also keeps proxies from "
            "taking the connection for dead.")
          .per_route(),
      field("pong_timeout", &WebSocket::pong_timeout, duration(100ms, 1h), "20s", Takes::NewWorkers,
            "A client that sends nothing for so long after a ping is let go.")
          .per_route(),
      field("close_timeout", &WebSocket::close_timeout, duration(100ms, 1h), "5s", Takes::NewWorkers,
            "A client must answer the end of the conversation by then.")
          .per_route(),
      field("compression", &WebSocket::compression, boolean(), "true", Takes::NewWorkers,
            "Whether messages are compressed for clients that offer it (permessage-deflate). A connection that "
            "does so takes some 40 KiB of memory.")
          .per_route(),
      field("origins", &WebSocket::origins, list_of(text("origin", check_page_origin)), "", Takes::NewWorkers,
            "Pages that may connect, by their origin; others get 403, and so do clients that name none. Set it "
            "where cookies say who somebody is: browsers let every page connect to every server. Empty: any.")
          .per_route()
          .example("[\"https://app.example.org\"]"),
      field("subprotocols", &WebSocket::subprotocols, list_of(text("subprotocol", check_subprotocol)), "",
            Takes::NewWorkers,
            "Subprotocols that the handler speaks, the dearest first; the first one that the client knows too "
            "is chosen.")
          .per_route()
          .example("[chat.v2, chat.v1]"));
  return rows;
}

}  // namespace holdfast::config
