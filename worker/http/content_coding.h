// Which content coding a client gets (RFC 9110 section 12.5.3). Pure; allocates nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/request.h"
#include "common/coding.h"

namespace holdfast::http {

/// The coding for a request, of those on `offer` (the server's order of preference), or nothing: then the
/// content goes as it is. The client's highest quality decides, the server's order among equals. A client that
/// sends no Accept-Encoding gets none, though it might take any; one that refuses everything, identity
/// included, gets identity rather than nothing.
std::optional<Coding> choose_coding(std::span<const api::Field> fields, std::span<const Coding> offer);

/// Whether `content_type`, parameters aside, is among `types` ("text/html", "text/*").
bool is_type_listed(std::string_view content_type, const std::vector<std::string>& types);

}  // namespace holdfast::http
