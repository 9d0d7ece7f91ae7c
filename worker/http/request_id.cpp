#include "worker/http/request_id.h"

#include <algorithm>
#include <stdexcept>

#include "common/ascii.h"

namespace holdfast::http {
namespace {

constexpr std::size_t kLongest = 128;

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_ascii_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

void write_hex(char* to, std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int i = 0; i < 16; ++i) to[i] = kDigits[value >> (60 - 4 * i) & 15];
}

}  // namespace

RequestIds::RequestIds() {
  const Result<HashSecret> secret = HashSecret::random();
  if (!secret) throw std::runtime_error(secret.error().message());
  first_half_ = secret_for(*secret, "first half");
  second_half_ = secret_for(*secret, "second half");
}

RequestIds::Text RequestIds::next() {
  ++counter_;
  const std::string_view number(reinterpret_cast<const char*>(&counter_), sizeof counter_);
  Text text;
  write_hex(text.data(), keyed_hash(first_half_, number));
  write_hex(text.data() + 16, keyed_hash(second_half_, number));
  return text;
}

bool is_request_id(std::string_view text) {
  const auto allowed = [](char c) {
    return is_ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), allowed);
}

bool is_trace_id(std::string_view text) {
  return text.size() == 32 && is_lower_hex(text) && !is_zero(text);
}

std::string_view trace_id_of(std::string_view traceparent) {
  constexpr std::size_t kVersion0 = 55;  // 00-TRACE-PARENT-FLAGS
  if (traceparent.size() < kVersion0) return {};
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view trace = traceparent.substr(3, 32);
  const std::string_view parent = traceparent.substr(36, 16);
  if (traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return {};
  if (!is_lower_hex(version) || version == "ff" || !is_trace_id(trace) || !is_lower_hex(parent)) return {};
  if (!is_lower_hex(traceparent.substr(53, 2)) || is_zero(parent)) return {};
  // Later versions may have more behind another dash.
  if (traceparent.size() > kVersion0 && (version == "00" || traceparent[kVersion0] != '-')) return {};
  return trace;
}

}  // namespace holdfast::http
