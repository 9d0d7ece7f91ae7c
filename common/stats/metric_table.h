// Every metric once: identifier, kind, name, labels, help. Storage, summing, export, the status report and the
// documentation all loop over this table; a new metric is one enumerator and the row beside it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::stats {

enum class Metric : std::uint8_t {
  BuildInfo,
  StartTime,
  Generation,
  ConfigReloads,
  ConfigLastReloadSuccessful,
  ConfigLastReloadSuccessTimestamp,
  BinaryUpgrades,
  Workers,
  WorkersWanted,
  WorkerExits,
  WorkerRequests,
  WorkerConnections,
  WorkerAccepted,
  EventLoopBusy,
  EventLoopLag,
  ConnectionsAccepted,
  Connections,
  ConnectionsRefused,
  ConnectionsReset,
  HttpRequests,
  HttpRequestDuration,
  HttpRequestBytes,
  HttpResponseBytes,
  HttpBadRequests,
  HttpRateLimited,
  CompressionBytes,
  FileCacheRequests,
  FileCacheEntries,
  FileCacheBytes,
  TlsHandshakes,
  TlsHandshakeFailures,
  TlsCertificateExpiry,
  TlsCertificateChanges,
  Http2Abuses,
  WebSocketConnections,
  WebSocketMessages,
  ChatClients,
  ChatMessages,
  RouteFused,
  LogLinesDropped,
  ConnectionsLimit,
  kCount
};

enum class Kind : std::uint8_t { Counter, Gauge, Histogram };

/// What a label's number means; label_text() turns it into words.
enum class Label : std::uint8_t {
  None,
  Worker,         // slot index; implied by the seat, not part of a series key
  Site,           // index into the segment's table of site names
  Listener,       // index into the segment's table of listener names
  Method,         // api::Method
  Code,           // HTTP status code; 499: the client left before an answer began
  State,          // ConnectionState
  WorkerState,    // WorkerState
  ReloadResult,   // ReloadResult
  ExitReason,     // ExitReason
  RefusedReason,  // RefusedReason
  ResetReason,    // ResetReason
  BadRequest,     // BadRequest
  FileResult,     // FileCacheResult
  Encoding,       // Coding
  Side,           // CodingSide
  TlsVersion,     // TlsVersion
  Resumed,        // Resumed
  TlsFailure,     // TlsFailure
  Certificate,    // index into the segment's table of certificate files
  Http2Abuse,     // Http2Abuse
  Route,          // index into the segment's table of route names
  Direction       // Direction
};

enum class ConnectionState : std::uint8_t { Reading, Writing, Idle, kCount };
enum class WorkerState : std::uint8_t { Starting, Ready, Draining, BackingOff, kCount };
enum class ReloadResult : std::uint8_t { Success, Failure, kCount };
enum class ExitReason : std::uint8_t { Drained, Quit, StartFailed, Exit, Signal, Killed, Hung, Oom, kCount };
enum class RefusedReason : std::uint8_t {
  ConnectionLimit,
  AddressLimit,
  Descriptors,
  NotAllowed,
  AcceptFailed,  // the listening socket itself is broken
  ProxyHeader,   // malformed, missing or late
  ProxySource,   // not one of proxy_protocol.from
  Memory,        // there was none for it
  kCount
};
/// Why a connection in use was reset by us: the peer must not take what it has for the whole.
enum class ResetReason : std::uint8_t { ResponseWrite, ResponseRate, Shutdown, kCount };
enum class FileCacheResult : std::uint8_t {
  Hit,      // known, and looked at a moment ago
  Checked,  // known, looked at again, and unchanged
  Changed,  // known, but changed or gone
  Miss,     // not known
  kCount
};
enum class CodingSide : std::uint8_t { In, Out, kCount };
enum class TlsVersion : std::uint8_t { Tls12, Tls13, kCount };
enum class Resumed : std::uint8_t { No, Yes, kCount };
/// Why a TLS handshake did not come to its end.
enum class TlsFailure : std::uint8_t {
  Closed,             // the client left
  Timeout,            // it was not finished in time, or the server was shut down
  PlainHttp,          // no TLS but HTTP was sent
  Version,            // no version that both speak
  Cipher,             // no cipher or signature that both know
  Alpn,               // no protocol that both speak
  Name,               // no certificate for the name, with strict_sni
  ClientAlert,        // the client refused, our certificate as a rule
  ClientCertificate,  // it has none where one is required, or a bad one
  Malformed,          // what came is no TLS, or a broken one
  kCount
};

/// What an HTTP/2 client did too much of.
enum class Http2Abuse : std::uint8_t {
  RapidReset,    // took back requests that it had just made
  MadeYouReset,  // had us reset streams by breaking their rules
  Settings,
  Ping,
  EmptyFrames,  // DATA without data
  Priority,
  WindowUpdates,
  Continuation,   // of one field section
  FieldBomb,      // a field section many times the limit, as a rule small before it was unpacked
  StalledWindow,  // gave no credit for what it had asked for; the stream is reset
  kCount
};

enum class Direction : std::uint8_t { Received, Sent, kCount };

/// Why a request was refused before it reached a route. One table maps each to its status
/// (http/message_framing).
enum class BadRequest : std::uint8_t {
  RequestLine,
  Method,
  Target,
  Version,
  FieldLine,
  Host,
  ContentLength,
  TransferEncoding,
  ChunkSyntax,
  TrailerSyntax,
  Expectation,
  RequestLineTooLong,
  HeadTooLarge,
  TooManyFields,
  BodyTooLarge,
  HeadTimeout,
  BodyTimeout,
  BodyRate,
  LengthRequired,
  Misdirected,
  kCount
};

struct MetricRow {
  Metric id;
  Kind kind;
  std::string_view name;
  std::array<Label, 3> labels;
  std::string_view help;
  double scale = 1;           // exported value = stored integer * scale (stored nanoseconds, exported seconds)
  bool counts_admin = false;  // what the admin process counts in its own seat is shown too

  /// Each worker slot has a series of its own.
  constexpr bool is_by_worker() const { return std::ranges::find(labels, Label::Worker) != labels.end(); }
};

inline constexpr double kNanoseconds = 1e-9;

inline constexpr std::array<MetricRow, static_cast<std::size_t>(Metric::kCount)> kMetrics{{
    {Metric::BuildInfo,
     Kind::Gauge,
     "holdfast_build_info",
     {},
     "Always 1; the labels name the version that runs."},
    {Metric::StartTime,
     Kind::Gauge,
     "holdfast_start_time_seconds",
     {},
     "Unix time at which the master started.",
     kNanoseconds},
    {Metric::Generation,
     Kind::Gauge,
     "holdfast_generation",
     {},
     "Number of the serving generation of workers; each successful reload raises it by one."},
    {Metric::ConfigReloads,
     Kind::Counter,
     "holdfast_config_reloads_total",
     {Label::ReloadResult},
     "Configuration reloads by outcome."},
    {Metric::ConfigLastReloadSuccessful,
     Kind::Gauge,
     "holdfast_config_last_reload_successful",
     {},
     "1 when the last load of the configuration succeeded, else 0."},
    {Metric::ConfigLastReloadSuccessTimestamp,
     Kind::Gauge,
     "holdfast_config_last_reload_success_timestamp_seconds",
     {},
     "Unix time of the last successful load of the configuration.",
     kNanoseconds},
    {Metric::BinaryUpgrades,
     Kind::Counter,
     "holdfast_binary_upgrades_total",
     {Label::ReloadResult},
     "Upgrades to another binary by outcome."},
    {Metric::Workers, Kind::Gauge, "holdfast_workers", {Label::WorkerState}, "Worker processes by state."},
    {Metric::WorkersWanted, Kind::Gauge, "holdfast_workers_wanted", {}, "Worker slots that should be serving."},
    {Metric::WorkerExits,
     Kind::Counter,
     "holdfast_worker_exits_total",
     {Label::ExitReason},
     "Worker processes that ended, by reason."},
    {Metric::WorkerRequests,
     Kind::Counter,
     "holdfast_worker_requests_total",
     {Label::Worker},
     "Requests answered, by worker slot."},
    {Metric::WorkerConnections,
     Kind::Gauge,
     "holdfast_worker_connections",
     {Label::Worker},
     "Open connections, by worker slot."},
    {Metric::WorkerAccepted,
     Kind::Counter,
     "holdfast_worker_connections_accepted_total",
     {Label::Worker},
     "Connections accepted, by worker slot: how evenly they are spread."},
    {Metric::EventLoopBusy,
     Kind::Counter,
     "holdfast_event_loop_busy_seconds_total",
     {Label::Worker},
     "Time the event loop spent working rather than waiting.",
     kNanoseconds},
    {Metric::EventLoopLag,
     Kind::Histogram,
     "holdfast_event_loop_lag_seconds",
     {},
     "Length of event loop turns: how long a ready event can have waited.",
     kNanoseconds},
    {Metric::ConnectionsAccepted,
     Kind::Counter,
     "holdfast_connections_accepted_total",
     {Label::Listener},
     "Connections accepted."},
    {Metric::Connections,
     Kind::Gauge,
     "holdfast_connections",
     {Label::Listener, Label::State},
     "Open connections by what they are doing."},
    {Metric::ConnectionsRefused,
     Kind::Counter,
     "holdfast_connections_refused_total",
     {Label::RefusedReason},
     "Connections closed right after they were accepted, or left in the queue, by reason."},
    {Metric::ConnectionsReset,
     Kind::Counter,
     "holdfast_connections_reset_total",
     {Label::ResetReason},
     "Connections reset because the client took too little of an answer, or because the worker had to leave."},
    {Metric::HttpRequests,
     Kind::Counter,
     "holdfast_http_requests_total",
     {Label::Site, Label::Method, Label::Code},
     "Requests answered."},
    {Metric::HttpRequestDuration,
     Kind::Histogram,
     "holdfast_http_request_duration_seconds",
     {Label::Site},
     "Time from a complete request head to the last byte of the answer.",
     kNanoseconds},
    {Metric::HttpRequestBytes,
     Kind::Counter,
     "holdfast_http_request_bytes_total",
     {},
     "Bytes of requests received, heads and bodies."},
    {Metric::HttpResponseBytes,
     Kind::Counter,
     "holdfast_http_response_bytes_total",
     {Label::Site},
     "Bytes of responses sent, heads and bodies."},
    {Metric::HttpBadRequests,
     Kind::Counter,
     "holdfast_http_bad_requests_total",
     {Label::BadRequest},
     "Requests refused before they reached a route, by reason."},
    {Metric::HttpRateLimited,
     Kind::Counter,
     "holdfast_http_rate_limited_total",
     {Label::Site},
     "Requests refused because their client sent more than its rate allows."},
    {Metric::CompressionBytes,
     Kind::Counter,
     "holdfast_compression_bytes_total",
     {Label::Encoding, Label::Side},
     "Bytes that went into compression and came out of it."},
    {Metric::FileCacheRequests,
     Kind::Counter,
     "holdfast_file_cache_requests_total",
     {Label::FileResult},
     "Look-ups of files: answered from memory (hit), after a look at the disk that found no change (checked) "
     "or one "
     "(changed), not known (miss)."},
    {Metric::FileCacheEntries, Kind::Gauge, "holdfast_file_cache_entries", {}, "Files known."},
    {Metric::FileCacheBytes,
     Kind::Gauge,
     "holdfast_file_cache_bytes",
     {},
     "Content of files in memory, compressed forms included."},
    {Metric::TlsHandshakes,
     Kind::Counter,
     "holdfast_tls_handshakes_total",
     {Label::TlsVersion, Label::Resumed},
     "TLS handshakes that were finished."},
    {Metric::TlsHandshakeFailures,
     Kind::Counter,
     "holdfast_tls_handshake_failures_total",
     {Label::TlsFailure},
     "TLS handshakes that were not finished, by reason."},
    {Metric::TlsCertificateExpiry,
     Kind::Gauge,
     "holdfast_tls_certificate_expiry_timestamp_seconds",
     {Label::Certificate},
     "Unix time until which the certificate in use of that file is valid."},
    {Metric::TlsCertificateChanges,
     Kind::Counter,
     "holdfast_tls_certificate_changes_total",
     {Label::ReloadResult},
     "Changes of certificates or keys on disk by outcome: taken by the running workers, or refused."},
    {Metric::Http2Abuses,
     Kind::Counter,
     "holdfast_http2_abuses_total",
     {Label::Http2Abuse},
     "HTTP/2 clients that did too much of something: connections ended with ENHANCE_YOUR_CALM, for "
     "stalled_window "
     "streams reset, by reason."},
    {Metric::WebSocketConnections,
     Kind::Gauge,
     "holdfast_websocket_connections",
     {},
     "Open WebSockets, over HTTP/1.1 and HTTP/2."},
    {Metric::WebSocketMessages,
     Kind::Counter,
     "holdfast_websocket_messages_total",
     {Label::Direction},
     "Whole messages received from and sent to WebSocket clients, without pings, pongs and closes."},
    {Metric::ChatClients, Kind::Gauge, "holdfast_chat_clients", {}, "Clients in rooms of chats."},
    {Metric::ChatMessages,
     Kind::Counter,
     "holdfast_chat_messages_total",
     {},
     "Messages that clients have said in rooms of chats."},
    {Metric::RouteFused,
     Kind::Gauge,
     "holdfast_route_fused",
     {Label::Site, Label::Route},
     "1 while a route takes no requests because its handler has killed too many workers."},
    {Metric::LogLinesDropped,
     Kind::Counter,
     "holdfast_log_lines_dropped_total",
     {},
     "Log lines that could not be written.",
     1,
     true},
    {Metric::ConnectionsLimit,
     Kind::Gauge,
     "holdfast_connections_limit",
     {},
     "Open connections that all workers together may have (limits.connections)."},
}};

constexpr bool metric_rows_are_in_order() {
  for (std::size_t i = 0; i < kMetrics.size(); ++i)
    if (static_cast<std::size_t>(kMetrics[i].id) != i || kMetrics[i].help.empty()) return false;
  return true;
}
static_assert(metric_rows_are_in_order(), "each Metric has its row, in the order of the enumerators");

constexpr const MetricRow& row(Metric metric) {
  return kMetrics[static_cast<std::size_t>(metric)];
}

/// Upper bounds of histogram buckets in nanoseconds, ascending; the last bucket (+Inf) is implied. Those that
/// are not in use are kNoBound.
using BucketBounds = std::array<std::uint64_t, 16>;
inline constexpr std::uint64_t kNoBound = ~std::uint64_t{0};
inline constexpr BucketBounds kBucketBounds{100'000,       250'000,       500'000,       1'000'000,
                                            2'500'000,     5'000'000,     10'000'000,    25'000'000,
                                            50'000'000,    100'000'000,   250'000'000,   500'000'000,
                                            1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};

/// The Prometheus name of a label ("site", "code"), empty for None.
std::string_view label_name(Label label);
/// The words of a label whose values are an enum here (State, ExitReason, Method ...); empty for Site,
/// Listener, Code and Worker, whose texts come from the segment or are numbers.
std::string_view label_text(Label label, std::uint32_t value);
/// How many values such an enum has; 0 for open-ended labels.
std::uint32_t label_count(Label label);

}  // namespace holdfast::stats
