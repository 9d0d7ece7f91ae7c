// What an HTTP/2 client does and what it must see: scripts of frames in files, a file a section of the
// specification.
//
//   # a comment
//   == name of a case
//   headers 1 end @get            a frame; its stream, flags, content
//   -> status 1 200               what must come before the script goes on
//
// Frames (S: stream; [end] END_STREAM, [part] without END_HEADERS, [ack] ACK, [pad=N] PADDED):
//   headers S [end] [part] [pad=N] [depends=N] FIELD...     FIELD: name=value, @get, @post, hex:BLOCK
//   continuation S [part] FIELD...      data S [end] [pad=N] TEXT      ping [ack] TEXT       reset S ERROR
//   settings [ack] NUMBER=VALUE...      window S CREDIT                goaway S ERROR        priority S
//   depends=N frame TYPE FLAGS S HEX [length=N]   any frame, if need be with a length that is not true text
//   TEXT                           bytes as they are
// TEXT is "quoted", with \r and \n, or xN: N times the letter x. Each case begins with the preface and empty
// SETTINGS, unless its first line is `bare`.
//
// Expectations: goaway ERROR (or one of ERROR|ERROR; the connection ends after it), reset S ERROR, status S
// CODE, settings ack, ping ack TEXT, alive (a ping is answered), closed (with or without a reason).
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace holdfast::wire {

struct Expectation {
  std::string what;
  std::vector<std::string> arguments;
  int line = 0;
};
/// Bytes to send, or what must come.
using Http2Step = std::variant<std::string, Expectation>;

struct Http2Case {
  std::string name;
  std::vector<Http2Step> steps;
};

/// Throws std::runtime_error with file and line when a file is not as above.
std::vector<Http2Case> load_http2_cases(const std::string& file);
/// "PROTOCOL_ERROR" -> 1.
std::uint32_t http2_error(const std::string& name);
/// A quoted text or xN, as it is meant.
std::string text_meant(const std::string& word);

}  // namespace holdfast::wire
