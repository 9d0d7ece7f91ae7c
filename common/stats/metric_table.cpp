#include "common/stats/metric_table.h"

#include <span>

#include "common/api/request.h"
#include "common/coding.h"

namespace holdfast::stats {

namespace {

template <class Enum>
using Words = std::array<std::string_view, static_cast<std::size_t>(Enum::kCount)>;

constexpr Words<ConnectionState> kConnectionStates{"reading", "writing", "idle"};
constexpr Words<WorkerState> kWorkerStates{"starting", "ready", "draining", "backing_off"};
constexpr Words<ReloadResult> kReloadResults{"success", "failure"};
constexpr Words<ExitReason> kExitReasons{"drained", "quit",   "start_failed", "exit",
                                         "signal",  "killed", "hung",         "oom"};
constexpr Words<RefusedReason> kRefusedReasons{"connection_limit", "address_limit", "descriptors",
                                               "not_allowed",      "accept_failed", "proxy_header",
                                               "proxy_source",     "memory"};
constexpr Words<ResetReason> kResetReasons{"response_write", "response_rate", "shutdown"};
constexpr Words<BadRequest> kBadRequests{"request_line",    "method",
                                         "target",          "version",
                                         "field_line",      "host",
                                         "content_length",  "transfer_encoding",
                                         "chunk_syntax",    "trailer_syntax",
                                         "expectation",     "request_line_too_long",
                                         "head_too_large",  "too_many_fields",
                                         "body_too_large",  "head_timeout",
                                         "body_timeout",    "body_rate",
                                         "length_required", "misdirected"};

constexpr Words<Coding> kCodingNames{row(Coding::Gzip).name, row(Coding::Brotli).name, row(Coding::Zstd).name};
constexpr Words<FileCacheResult> kFileCacheResults{"hit", "checked", "changed", "miss"};
constexpr Words<CodingSide> kCodingSides{"in", "out"};
constexpr Words<TlsVersion> kTlsVersions{"1.2", "1.3"};
constexpr Words<Resumed> kResumed{"false", "true"};
constexpr Words<TlsFailure> kTlsFailures{
    "closed", "timeout",      "plain_http",         "version",  "cipher", "alpn",
    "name",   "client_alert", "client_certificate", "malformed"};

constexpr Words<Http2Abuse> kHttp2Abuses{"rapid_reset",  "made_you_reset", "settings",       "ping",
                                         "empty_frames", "priority",       "window_updates", "continuation",
                                         "field_bomb",   "stalled_window"};
constexpr Words<Direction> kDirections{"received", "sent"};

template <class Enum>
constexpr bool all_named(const Words<Enum>& words) {
  for (std::string_view word : words)
    if (word.empty()) return false;
  return true;
}
static_assert(all_named<ConnectionState>(kConnectionStates) && all_named<WorkerState>(kWorkerStates) &&
                  all_named<ReloadResult>(kReloadResults) && all_named<ExitReason>(kExitReasons) &&
                  all_named<RefusedReason>(kRefusedReasons) && all_named<ResetReason>(kResetReasons) &&
                  all_named<BadRequest>(kBadRequests) && all_named<FileCacheResult>(kFileCacheResults) &&
                  all_named<TlsFailure>(kTlsFailures) && all_named<Http2Abuse>(kHttp2Abuses),
              "each enumerator has its word");

std::span<const std::string_view> words_of(Label label) {
  switch (label) {
    case Label::State:
      return kConnectionStates;
    case Label::WorkerState:
      return kWorkerStates;
    case Label::ReloadResult:
      return kReloadResults;
    case Label::ExitReason:
      return kExitReasons;
    case Label::RefusedReason:
      return kRefusedReasons;
    case Label::ResetReason:
      return kResetReasons;
    case Label::BadRequest:
      return kBadRequests;
    case Label::FileResult:
      return kFileCacheResults;
    case Label::Encoding:
      return kCodingNames;
    case Label::Side:
      return kCodingSides;
    case Label::TlsVersion:
      return kTlsVersions;
    case Label::Resumed:
      return kResumed;
    case Label::TlsFailure:
      return kTlsFailures;
    case Label::Http2Abuse:
      return kHttp2Abuses;
    case Label::Direction:
      return kDirections;
    case Label::None:
    case Label::Worker:
    case Label::Site:
    case Label::Listener:
    case Label::Certificate:
    case Label::Route:
    case Label::Method:
    case Label::Code:
      break;
  }
  return {};
}

}  // namespace

std::string_view label_name(Label label) {
  switch (label) {
    case Label::None:
      return "";
    case Label::Worker:
      return "worker";
    case Label::Site:
      return "site";
    case Label::Listener:
      return "listener";
    case Label::Certificate:
      return "certificate";
    case Label::Route:
      return "route";
    case Label::Method:
      return "method";
    case Label::Code:
      return "code";
    case Label::State:
      return "state";
    case Label::WorkerState:
      return "state";
    case Label::ReloadResult:
      return "result";
    case Label::ExitReason:
      return "reason";
    case Label::RefusedReason:
      return "reason";
    case Label::ResetReason:
      return "reason";
    case Label::BadRequest:
      return "reason";
    case Label::FileResult:
      return "result";
    case Label::Encoding:
      return "encoding";
    case Label::Side:
      return "side";
    case Label::TlsVersion:
      return "version";
    case Label::Resumed:
      return "resumed";
    case Label::TlsFailure:
      return "reason";
    case Label::Http2Abuse:
      return "reason";
    case Label::Direction:
      return "direction";
  }
  return "";
}

std::string_view label_text(Label label, std::uint32_t value) {
  if (label == Label::Method)
    return value < label_count(label) ? api::method_text(static_cast<api::Method>(value)) : "";
  const auto words = words_of(label);
  return value < words.size() ? words[value] : std::string_view();
}

std::uint32_t label_count(Label label) {
  if (label == Label::Method) return static_cast<std::uint32_t>(api::Method::kCount);
  return static_cast<std::uint32_t>(words_of(label).size());
}

}  // namespace holdfast::stats
