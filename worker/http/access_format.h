// A compiled access log format: pieces in order, each a literal or a value, and the texts of the current
// second. Built by compile_access_format, owned by the log's writer.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "worker/http/access_record.h"

namespace holdfast::http {

/// What one piece of a line shows. The first ones are names of templates, the rest parts of the built-in
/// formats.
enum class AccessValue : std::uint8_t {
  ClientIp,
  Time,       // RFC 3339, UTC, milliseconds
  TimeLocal,  // 10/Oct/2000:13:55:36 +0000, always UTC
  Request,    // "GET /x HTTP/1.1", or a dash when no request line was understood
  Method,
  Target,
  Path,
  Query,
  Protocol,
  Host,
  Status,
  BytesSent,
  BodyBytesSent,
  BytesReceived,
  Duration,  // seconds with microseconds
  UserAgent,
  Referer,
  RequestId,
  TraceId,
  User,  // of basic_auth, or a dash
  ClientSubject,
  TlsVersion,
  Site,
  Route,
  Worker,
  Connection,
  Complete,  // "yes" or "no"
  kNamed,
  Literal,
  SizeOrDash,  // body bytes, a dash for none
  Json,        // a whole line
  Terse        // a whole line
};

struct AccessPiece {
  AccessValue value = AccessValue::Literal;
  std::string literal;
};

/// The current second as text, made once a second.
class SecondTexts {
 public:
  void update(std::time_t seconds);
  std::string_view iso() const { return {iso_, sizeof iso_ - 1}; }              // 2000-10-10T13:55:36
  std::string_view common() const { return {common_, sizeof common_ - 1}; }     // 10/Oct/2000:13:55:36 +0000
  std::string_view local_clock() const { return {clock_, sizeof clock_ - 1}; }  // 15:55:36, local time

 private:
  std::time_t seconds_ = -1;
  char iso_[20] = {};
  char common_[27] = {};
  char clock_[9] = {};
};

class AccessFormat {
 public:
  std::vector<AccessPiece> pieces;
  mutable SecondTexts second;
};

}  // namespace holdfast::http
