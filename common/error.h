// Error: why an expected failure happened, as a value. `context` says what was being done and to what ("open
// /var/log/x"); `system_code` is an errno or 0; message() joins them for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast {

enum class ErrorKind : std::uint8_t { System, Permission, Unavailable, Configuration, Internal };

struct Error {
  ErrorKind kind = ErrorKind::Internal;
  int system_code = 0;
  std::string context;

  /// "context: strerror text", or the context alone when system_code is 0.
  std::string message() const;
};

/// An Error from errno `code`; EACCES and EPERM become ErrorKind::Permission, the rest ErrorKind::System.
Error system_error(int code, std::string context);

/// What limit may be behind an error of the system that says that there is no more of something, for the end of
/// its context: ", at the limit of descriptors (...)"; empty for others.
std::string_view limit_behind(int code);

}  // namespace holdfast
