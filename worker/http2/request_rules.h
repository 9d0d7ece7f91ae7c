// What makes a request malformed in HTTP/2 (RFC 9113 sections 8.1 to 8.3): its stream is reset, and no handler
// sees it. What is well-formed and still refused is the exchange's business. Pure; one for each stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "worker/http2/priority.h"

namespace holdfast::http2 {

class RequestRules {
 public:
  /// The next field of the section in front of the body; false: malformed.
  bool take(std::string_view name, std::string_view value);
  /// One of the section behind the body (RFC 9113 section 8.1).
  static bool is_trailer(std::string_view name, std::string_view value);
  /// All that must be there is, and fits together.
  bool complete() const;
  /// Content-Length.
  std::optional<std::uint64_t> length() const { return length_; }
  const Priority& priority() const { return priority_; }

 private:
  enum Seen : std::uint8_t {
    Method = 1,
    Scheme = 2,
    Authority = 4,
    Path = 8,
    Protocol = 16,
    Host = 32,
    Length = 64
  };

  bool take_pseudo(std::string_view name, std::string_view value);
  bool once(Seen what);

  std::uint8_t seen_ = 0;
  bool fields_began_ = false;  // behind which no pseudo-field may come
  bool connects_ = false;
  bool asks_options_ = false;
  bool path_is_asterisk_ = false;
  Priority priority_;
  std::optional<std::uint64_t> length_;
};

}  // namespace holdfast::http2
