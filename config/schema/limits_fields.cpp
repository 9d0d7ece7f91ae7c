#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = kKiB * kKiB;
constexpr std::uint64_t kGiB = kMiB * kKiB;
constexpr std::uint64_t kMostConnections = 10'000'000;
constexpr Milliseconds kShortest = 10ms;
constexpr Milliseconds kLongest = 24h;

}  // namespace

const Rows<Limits>& limits_rows() {
  static const Rows<Limits> rows = make_rows<Limits>(
      field("connections", &Limits::connections, count<std::uint64_t>(1, kMostConnections), "100000",
            Takes::NewWorkers,
            "Open connections of all workers together; more are refused. Lower it to bound memory."),
      field("connections_per_ip", &Limits::connections_per_ip, count<std::uint64_t>(0, kMostConnections), "0",
            Takes::NewWorkers,
            "Open connections from one address; 0 is no limit. Set it against single greedy clients, but mind "
            "that "
            "many people may share one address."),
      field(
          "request_line", &Limits::request_line, size(64, kMiB), "8KiB", Takes::NewWorkers,
          "Longest request line; longer ones get 414. Raise it for applications with very long query strings."),
      field("request_headers", &Limits::request_headers, size(256, 16 * kMiB), "32KiB", Takes::NewWorkers,
            "All header fields of a request together; larger ones get 431. Raise it for large cookies."),
      field("header_count", &Limits::header_count, count<std::uint64_t>(1, 10'000), "100", Takes::NewWorkers,
            "Header fields of a request; more get 431."),
      field("request_body", &Limits::request_body, size(0, 1024 * kGiB), "1MiB", Takes::NewWorkers,
            "Largest request body; larger ones get 413. Raise it on the routes that take uploads.")
          .per_route(),
      field("request_body_rate", &Limits::request_body_rate, size(0, kGiB), "240", Takes::NewWorkers,
            "Bytes a second at which a request body must come on average; a client that falls behind by more "
            "than "
            "`timeouts.request_body` in all gets 408. 0 lets it send as slowly as it likes. Raise it against "
            "clients "
            "that send slowly on purpose.")
          .per_route(),
      field("response_rate", &Limits::response_rate, size(0, kGiB), "240", Takes::NewWorkers,
            "Bytes a second at which a client must take a response that waits for it; one that falls behind by "
            "more "
            "than `timeouts.response_write` in all is reset. 0 lets it read as slowly as it likes.")
          .per_route());
  return rows;
}

const Rows<Timeouts>& timeouts_rows() {
  static const Rows<Timeouts> rows = make_rows<Timeouts>(
      field("tls_handshake", &Timeouts::tls_handshake, duration(kShortest, kLongest), "10s", Takes::NewWorkers,
            "A TLS handshake must be finished by then."),
      field("request_header", &Timeouts::request_header, duration(kShortest, kLongest), "10s",
            Takes::NewWorkers,
            "The whole head of a request must have arrived by then (408). Lower it against clients that send "
            "slowly on "
            "purpose."),
      field("request_body", &Timeouts::request_body, duration(kShortest, kLongest), "30s", Takes::NewWorkers,
            "No byte of the body for so long ends the request (408). Raise it for uploads over poor links.")
          .per_route(),
      field(
          "response_write", &Timeouts::response_write, duration(kShortest, kLongest), "60s", Takes::NewWorkers,
          "A client that takes no byte of the response for so long is reset. Raise it for players that pause.")
          .per_route(),
      field("keep_alive", &Timeouts::keep_alive, duration(kShortest, kLongest), "75s", Takes::NewWorkers,
            "How long an idle connection is kept for the next request. Lower it to save memory with many "
            "clients.")
          .per_route(),
      field(
          "handler", &Timeouts::handler, duration_or_off(kShortest, kLongest), "off", Takes::NewWorkers,
          "A handler must have begun its answer by then, else the client gets 504 and what the handler still "
          "does is given up. For handlers of modules; those of the server itself do not keep anybody waiting.")
          .per_route());
  return rows;
}

}  // namespace holdfast::config
