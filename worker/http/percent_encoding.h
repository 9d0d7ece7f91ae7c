// Bytes -> the escaped form they take in a URI (RFC 3986 section 2.1). Pure.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::http {

/// Appends a decoded path for a Location field: '/' and what a path may hold stay, all else becomes %XX.
/// Leading slashes become one, so that "//host/x" can never name another host.
void append_encoded_path(std::string& out, std::string_view path);
/// Appends one segment for a link: everything but unreserved characters becomes %XX, so that no name is taken
/// for a scheme.
void append_encoded_segment(std::string& out, std::string_view segment);

}  // namespace holdfast::http
