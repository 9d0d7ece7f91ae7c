#include "worker/http/access_record.h"

#include <array>
#include <charconv>
#include <chrono>

#include "common/log.h"
#include "worker/http/access_format.h"

namespace holdfast::http {

namespace {

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

/// The last `width` decimal digits of `value`, zeros in front.
void append_digits(std::string& out, std::uint64_t value, std::size_t width) {
  std::array<char, 8> digits;
  for (std::size_t i = width; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits.data(), width);
}

std::uint64_t microseconds_of(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return count < 0 ? 0 : static_cast<std::uint64_t>(count);
}

void append_seconds(std::string& out, Duration duration) {
  const std::uint64_t microseconds = microseconds_of(duration);
  append_number(out, microseconds / 1'000'000);
  append_digits(out += '.', microseconds % 1'000'000, 6);
}

std::string_view protocol_text(api::Version version) {
  switch (version) {
    case api::Version::Http10:
      return "HTTP/1.0";
    case api::Version::Http11:
      return "HTTP/1.1";
    case api::Version::Http2:
      return "HTTP/2.0";
  }
  return "";
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}
std::string_view query_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

void append_text(std::string& out, std::string_view text) {
  if (text.empty())
    out += '-';
  else
    append_escaped(out, text);
}

/// A name from a client in a place that ends at a blank.
void append_word(std::string& out, std::string_view word) {
  const std::size_t begin = out.size();
  append_text(out, word);
  for (std::size_t at = begin; (at = out.find(' ', at)) != std::string::npos;) out.replace(at, 1, "\\x20");
}

void append_request(std::string& out, const AccessEntry& entry) {
  if (entry.method.empty()) {
    out += '-';
    return;
  }
  append_escaped(out, entry.method);
  append_escaped(out += ' ', entry.target);
  (out += ' ').append(protocol_text(entry.version));
}

void append_time(std::string& out, const AccessFormat& format, std::uint32_t milliseconds) {
  out.append(format.second.iso());
  append_digits(out += '.', milliseconds, 3);
  out += 'Z';
}

/// Members of a JSON object, one after the other; `comma` stands before each.
class JsonLine {
 public:
  explicit JsonLine(std::string& out) : out_(out) {}

  JsonLine& text(std::string_view key, std::string_view value) {
    begin(key) += '"';
    append_json_escaped(out_, value);
    out_ += '"';
    return *this;
  }
  JsonLine& number(std::string_view key, std::uint64_t value) {
    append_number(begin(key), value);
    return *this;
  }
  std::string& begin(std::string_view key) { return out_.append(",\"").append(key).append("\":"); }

 private:
  std::string& out_;
};

void append_json_line(std::string& out, const AccessFormat& format, const AccessEntry& entry,
                      std::uint32_t milliseconds) {
  append_time(out += "{\"time\":\"", format, milliseconds);
  out += '"';
  JsonLine line(out);
  line.text("level", "info").text("client_ip", entry.client_ip).text("method", entry.method);
  line.text("host", entry.host).text("path", path_of(entry.target)).text("query", query_of(entry.target));
  line.text("protocol", protocol_text(entry.version)).number("status", entry.status);
  line.number("bytes_sent", entry.bytes_sent).number("bytes_received", entry.bytes_received);
  append_seconds(line.begin("duration"), entry.duration);
  line.text("user_agent", entry.user_agent).text("referer", entry.referer).text("request_id", entry.request_id);
  if (!entry.trace_id.empty()) line.text("trace_id", entry.trace_id);
  if (!entry.user.empty()) line.text("user", entry.user);
  if (!entry.client_subject.empty()) line.text("client_subject", entry.client_subject);
  if (!entry.tls_version.empty()) line.text("tls_version", entry.tls_version);
  line.text("site", entry.site).text("route", entry.route).number("worker", entry.worker);
  line.number("connection", entry.connection);
  line.begin("complete") += entry.complete ? "true" : "false";
  out += '}';
}

/// "12.3KiB": one decimal below 100, whole numbers below 1 KiB.
void append_size(std::string& out, std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::uint64_t tenths = bytes * 10;
  std::size_t unit = 0;
  for (; tenths >= 10240 && unit + 1 < kUnits.size(); ++unit) tenths /= 1024;
  append_number(out, tenths / 10);
  if (unit > 0 && tenths < 1000) append_number(out += '.', tenths % 10);
  out += kUnits[unit];
}

/// "850us", "1.2ms", "3.4s".
void append_short_duration(std::string& out, Duration duration) {
  const std::uint64_t microseconds = microseconds_of(duration);
  if (microseconds < 1000) {
    append_number(out, microseconds);
    out += "us";
    return;
  }
  const bool seconds = microseconds >= 1'000'000;
  const std::uint64_t tenths = microseconds / (seconds ? 100'000 : 100);
  append_number(out, tenths / 10);
  append_number(out += '.', tenths % 10);
  out += seconds ? "s" : "ms";
}

void append_terse_line(std::string& out, const AccessFormat& format, const AccessEntry& entry) {
  (out.append(format.second.local_clock()) += ' ');
  append_number(out, entry.status);
  out += ' ';
  const std::size_t method_at = out.size();
  append_text(out, entry.method);
  const std::size_t width = out.size() - method_at;
  out.append(width < 4 ? 5 - width : 1, ' ');
  append_text(out, entry.target);
  append_short_duration(out += ' ', entry.duration);
  append_size(out += ' ', entry.body_bytes_sent);
  if (!entry.complete) out += " (client left)";
}

/// Where the line is being made: out, its format, and the entry with its time.
struct LineContext {
  std::string& out;
  const AccessFormat& format;
  const AccessEntry& entry;
  std::uint32_t milliseconds;
};

void append_value(const LineContext& line, const AccessPiece& piece) {
  std::string& out = line.out;
  const AccessEntry& entry = line.entry;
  switch (piece.value) {
    case AccessValue::ClientIp:
      return append_text(out, entry.client_ip);
    case AccessValue::Time:
      return append_time(out, line.format, line.milliseconds);
    case AccessValue::TimeLocal:
      out.append(line.format.second.common());
      return;
    case AccessValue::Request:
      return append_request(out, entry);
    case AccessValue::Method:
      return append_text(out, entry.method);
    case AccessValue::Target:
      return append_text(out, entry.target);
    case AccessValue::Path:
      return append_text(out, path_of(entry.target));
    case AccessValue::Query:
      return append_text(out, query_of(entry.target));
    case AccessValue::Protocol:
      out.append(protocol_text(entry.version));
      return;
    case AccessValue::Host:
      return append_text(out, entry.host);
    case AccessValue::Status:
      return append_number(out, entry.status);
    case AccessValue::BytesSent:
      return append_number(out, entry.bytes_sent);
    case AccessValue::BodyBytesSent:
      return append_number(out, entry.body_bytes_sent);
    case AccessValue::BytesReceived:
      return append_number(out, entry.bytes_received);
    case AccessValue::Duration:
      return append_seconds(out, entry.duration);
    case AccessValue::UserAgent:
      return append_text(out, entry.user_agent);
    case AccessValue::Referer:
      return append_text(out, entry.referer);
    case AccessValue::RequestId:
      return append_text(out, entry.request_id);
    case AccessValue::TraceId:
      return append_text(out, entry.trace_id);
    case AccessValue::User:
      return append_word(out, entry.user);
    case AccessValue::ClientSubject:
      return append_text(out, entry.client_subject);
    case AccessValue::TlsVersion:
      return append_text(out, entry.tls_version);
    case AccessValue::Site:
      return append_text(out, entry.site);
    case AccessValue::Route:
      return append_text(out, entry.route);
    case AccessValue::Worker:
      return append_number(out, entry.worker);
    case AccessValue::Connection:
      return append_number(out, entry.connection);
    case AccessValue::Complete:
      out += entry.complete ? "yes" : "no";
      return;
    case AccessValue::Literal:
      out += piece.literal;
      return;
    case AccessValue::SizeOrDash:
      if (entry.body_bytes_sent == 0)
        out += '-';
      else
        append_number(out, entry.body_bytes_sent);
      return;
    case AccessValue::Json:
      return append_json_line(out, line.format, entry, line.milliseconds);
    case AccessValue::Terse:
      return append_terse_line(out, line.format, entry);
    case AccessValue::kNamed:
      return;
  }
}

}  // namespace

void append_access_line(std::string& out, const AccessFormat& format, const AccessEntry& entry,
                        std::time_t wall_seconds, std::uint32_t wall_milliseconds) {
  format.second.update(wall_seconds);
  const LineContext line{out, format, entry, wall_milliseconds};
  for (const AccessPiece& piece : format.pieces) append_value(line, piece);
  out += '\n';
}

}  // namespace holdfast::http
