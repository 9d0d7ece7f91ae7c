#include "worker/http/error_page.h"

#include <charconv>

#include "common/api/status.h"
#include "common/log.h"
#include "worker/http/accept.h"

namespace holdfast::http {
namespace {

void append_number(std::string& out, std::uint16_t number) {
  char digits[8];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

std::string json_body(std::uint16_t status, std::string_view id) {
  std::string out = "{\"status\":";
  append_number(out, status);
  out += ",\"error\":\"";
  append_json_escaped(out, api::reason_phrase(status));
  if (!id.empty()) {
    out += "\",\"id\":\"";
    append_json_escaped(out, id);
  }
  out += "\"}\n";
  return out;
}

std::string html_body(std::uint16_t status, std::string_view id) {
  std::string title;
  append_number(title, status);
  title += ' ';
  append_html_escaped(title, api::reason_phrase(status));
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>";
  out += title;
  out += "</title></head>\n<body><h1>";
  out += title;
  out += "</h1>";
  if (!id.empty()) {
    out += "<p>";
    append_html_escaped(out, id);
    out += "</p>";
  }
  out += "</body></html>\n";
  return out;
}

}  // namespace

void append_html_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'') {
      out += "&#";
      append_number(out, static_cast<unsigned char>(c));
      out += ';';
    } else {
      out += c;
    }
  }
}

ErrorPage error_page(std::uint16_t status, std::string_view accept, std::string_view id) {
  if (prefers_json(accept)) return {"application/json", json_body(status, id)};
  return {"text/html; charset=utf-8", html_body(status, id)};
}

const config::ErrorPage* find_page(const std::vector<config::ErrorPage>& pages, std::uint16_t status) {
  for (const config::ErrorPage& page : pages)
    if (page.status == status || page.status == status / 100) return &page;
  return nullptr;
}

std::string_view page_type(const config::ErrorPage& page) {
  const std::string_view file = page.file;
  if (file.ends_with(".json")) return "application/json";
  if (file.ends_with(".txt")) return "text/plain; charset=utf-8";
  return "text/html; charset=utf-8";
}

bool is_json(std::string_view content_type) {
  return content_type == "application/json";
}

}  // namespace holdfast::http
