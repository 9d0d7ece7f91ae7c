// Status -> short body, HTML or, when the client prefers it, JSON. No internals, no allocation beyond `out`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace holdfast::http {

struct ErrorPage {
  std::string_view content_type;
  std::string body;
};

/// `accept` is the request's Accept field (empty when absent): application/json with a higher q-value than
/// text/html chooses JSON {"status":404,"error":"Not Found"}. `id` (may be empty) is shown so that a user can
/// quote it.
ErrorPage error_page(std::uint16_t status, std::string_view accept, std::string_view id = {});

/// The page of one's own for a status: of exactly that, or of its class; null: none. Exact ones stand first.
const config::ErrorPage* find_page(const std::vector<config::ErrorPage>& pages, std::uint16_t status);
/// By the file's extension: JSON, plain text, or HTML.
std::string_view page_type(const config::ErrorPage& page);
bool is_json(std::string_view content_type);

/// Appends `text` so that it is text in HTML and in a quoted attribute.
void append_html_escaped(std::string& out, std::string_view text);

}  // namespace holdfast::http
