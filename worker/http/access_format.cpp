#include "worker/http/access_format.h"

#include <array>
#include <cstdio>
#include <utility>

#include "common/http_date.h"

namespace holdfast::http {

namespace {

struct Name {
  std::string_view name;
  AccessValue value;
};
constexpr std::array kNames{Name{"client_ip", AccessValue::ClientIp},
                            Name{"time", AccessValue::Time},
                            Name{"time_local", AccessValue::TimeLocal},
                            Name{"request", AccessValue::Request},
                            Name{"method", AccessValue::Method},
                            Name{"target", AccessValue::Target},
                            Name{"path", AccessValue::Path},
                            Name{"query", AccessValue::Query},
                            Name{"protocol", AccessValue::Protocol},
                            Name{"host", AccessValue::Host},
                            Name{"status", AccessValue::Status},
                            Name{"bytes_sent", AccessValue::BytesSent},
                            Name{"body_bytes_sent", AccessValue::BodyBytesSent},
                            Name{"bytes_received", AccessValue::BytesReceived},
                            Name{"duration", AccessValue::Duration},
                            Name{"user_agent", AccessValue::UserAgent},
                            Name{"referer", AccessValue::Referer},
                            Name{"request_id", AccessValue::RequestId},
                            Name{"trace_id", AccessValue::TraceId},
                            Name{"user", AccessValue::User},
                            Name{"client_subject", AccessValue::ClientSubject},
                            Name{"tls_version", AccessValue::TlsVersion},
                            Name{"site", AccessValue::Site},
                            Name{"route", AccessValue::Route},
                            Name{"worker", AccessValue::Worker},
                            Name{"connection", AccessValue::Connection},
                            Name{"complete", AccessValue::Complete}};
static_assert(kNames.size() == static_cast<std::size_t>(AccessValue::kNamed), "each value has its name");

Error format_error(std::string why) {
  return {ErrorKind::Configuration, 0, "access log format: " + std::move(why)};
}

Error unknown_name(std::string_view name) {
  std::string known;
  for (const Name& row : kNames) known.append(known.empty() ? "" : " ").append(row.name);
  return format_error("unknown name {" + std::string(name) + "}; known are " + known);
}

/// Splits a template into pieces.
class TemplateReader {
 public:
  explicit TemplateReader(std::string_view text) : rest_(text) {}

  Result<std::vector<AccessPiece>> read() {
    while (!rest_.empty()) {
      const std::size_t brace = rest_.find_first_of("{}");
      literal_ += rest_.substr(0, brace);
      if (brace == std::string_view::npos) break;
      rest_.remove_prefix(brace);
      if (const auto taken = take_brace(); !taken) return taken.error();
    }
    flush_literal();
    return std::move(pieces_);
  }

 private:
  Result<void> take_brace() {
    if (rest_.starts_with("{{") || rest_.starts_with("}}")) {
      literal_ += rest_.front();
      rest_.remove_prefix(2);
      return {};
    }
    if (rest_.front() == '}') return format_error("a single '}'; write '}}' for the character");
    const std::size_t end = rest_.find('}');
    if (end == std::string_view::npos) return format_error("'{' without '}'; write '{{' for the character");
    const std::string_view name = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    for (const Name& row : kNames) {
      if (row.name != name) continue;
      flush_literal();
      pieces_.push_back({row.value, {}});
      return {};
    }
    return unknown_name(name);
  }

  void flush_literal() {
    if (!literal_.empty()) pieces_.push_back({AccessValue::Literal, std::exchange(literal_, {})});
  }

  std::string_view rest_;
  std::string literal_;
  std::vector<AccessPiece> pieces_;
};

std::vector<AccessPiece> common_pieces() {
  std::vector<AccessPiece> pieces;
  pieces.push_back({AccessValue::ClientIp, {}});
  pieces.push_back({AccessValue::Literal, " - "});
  pieces.push_back({AccessValue::User, {}});
  pieces.push_back({AccessValue::Literal, " ["});
  pieces.push_back({AccessValue::TimeLocal, {}});
  pieces.push_back({AccessValue::Literal, "] \""});
  pieces.push_back({AccessValue::Request, {}});
  pieces.push_back({AccessValue::Literal, "\" "});
  pieces.push_back({AccessValue::Status, {}});
  pieces.push_back({AccessValue::Literal, " "});
  pieces.push_back({AccessValue::SizeOrDash, {}});
  return pieces;
}

std::vector<AccessPiece> combined_pieces() {
  std::vector<AccessPiece> pieces = common_pieces();
  pieces.push_back({AccessValue::Literal, " \""});
  pieces.push_back({AccessValue::Referer, {}});
  pieces.push_back({AccessValue::Literal, "\" \""});
  pieces.push_back({AccessValue::UserAgent, {}});
  pieces.push_back({AccessValue::Literal, "\""});
  return pieces;
}

AccessFormatHandle made_of(std::vector<AccessPiece> pieces) {
  AccessFormatHandle format(new AccessFormat);
  format->pieces = std::move(pieces);
  return format;
}

}  // namespace

Result<AccessFormatHandle> compile_access_format(std::string_view format) {
  if (format == "combined") return made_of(combined_pieces());
  if (format == "common") return made_of(common_pieces());
  if (format == "json") return made_of({{AccessValue::Json, {}}});
  if (format == "terse") return made_of({{AccessValue::Terse, {}}});
  if (format.find('{') == std::string_view::npos)
    return format_error("'" + std::string(format) +
                        "' is neither combined, common, json, terse nor a template with {names}");
  if (format.find_first_of("\r\n") != std::string_view::npos) return format_error("a template is one line");
  auto pieces = TemplateReader(format).read();
  if (!pieces) return pieces.error();
  return made_of(std::move(*pieces));
}

void DeleteAccessFormat::operator()(AccessFormat* format) const noexcept {
  delete format;
}

void SecondTexts::update(std::time_t seconds) {
  if (seconds == seconds_) return;
  seconds_ = seconds;
  // "Sun, 06 Nov 1994 08:49:37 GMT": the parts stand at fixed places.
  const HttpDateText date = format_http_date(seconds);
  const std::string_view text(date.data(), date.size());
  tm utc{};
  gmtime_r(&seconds, &utc);
  const auto part = [&](std::size_t at, std::size_t size) { return text.substr(at, size); };
  std::string made;
  made.append(part(12, 4)).append("-").append(1, static_cast<char>('0' + (utc.tm_mon + 1) / 10));
  made.append(1, static_cast<char>('0' + (utc.tm_mon + 1) % 10)).append("-").append(part(5, 2)).append("T");
  made.append(part(17, 8)).copy(iso_, sizeof iso_ - 1);
  made.assign(part(5, 2)).append("/").append(part(8, 3)).append("/").append(part(12, 4)).append(":");
  made.append(part(17, 8)).append(" +0000").copy(common_, sizeof common_ - 1);
  tm local{};
  localtime_r(&seconds, &local);
  std::strftime(clock_, sizeof clock_, "%H:%M:%S", &local);
}

}  // namespace holdfast::http
