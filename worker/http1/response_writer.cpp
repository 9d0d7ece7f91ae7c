#include "worker/http1/response_writer.h"

#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/status.h"
#include "worker/http/field_rules.h"

namespace holdfast::http1 {
namespace {

constexpr std::uint16_t kUpgradeRequired = 426;
constexpr std::size_t kFixedRoom = 256;  // status line, common fields, framing, final CRLF

// Status lines by code, made once: "HTTP/1.1 200 OK\r\n". RFC 9112 section 4: 1.1 is told to 1.0 clients too.
class StatusLines {
 public:
  StatusLines() : lines_(1000) {
    for (std::size_t code = 100; code < lines_.size(); ++code)
      lines_[code] = "HTTP/1.1 " + std::to_string(code) + " " +
                     std::string(api::reason_phrase(static_cast<std::uint16_t>(code))) + "\r\n";
  }
  std::string_view line(std::uint16_t code) const { return lines_[code < 100 || code > 999 ? 500 : code]; }

 private:
  std::vector<std::string> lines_;
};

std::string_view status_line(std::uint16_t code) {
  static const StatusLines lines;
  return lines.line(code);
}

// Writes into one stretch of memory that was measured to be large enough.
class HeadWriter {
 public:
  explicit HeadWriter(char* at) : start_(at), at_(at) {}
  void put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put_number(std::uint64_t number) { at_ = std::to_chars(at_, at_ + 20, number).ptr; }
  std::size_t size() const { return static_cast<std::size_t>(at_ - start_); }

 private:
  char* start_;
  char* at_;
};

void put_framing(HeadWriter& writer, const HeadToWrite& head) {
  if (head.end == BodyEnd::Length) {
    writer.put("Content-Length: ");
    writer.put_number(head.length);
    writer.put("\r\n");
  } else if (head.end == BodyEnd::Chunked) {
    writer.put("Transfer-Encoding: chunked\r\n");
  }
  // RFC 9110 section 7.8: who sends Upgrade names it in Connection.
  const bool offers = head.status == kUpgradeRequired;
  if (head.end == BodyEnd::Upgrade) {
    writer.put("Connection: Upgrade\r\n");
  } else if (!head.keep_alive) {
    writer.put(offers ? "Connection: close, Upgrade\r\n" : "Connection: close\r\n");
  } else if (offers) {
    writer.put("Connection: Upgrade\r\n");
  } else if (head.version == api::Version::Http10) {
    writer.put("Connection: keep-alive\r\n");
  }
}

void put_fields(HeadWriter& writer, const HeadToWrite& head) {
  if (!head.text.empty()) return writer.put(head.text);
  for (const api::Field& field : head.fields) {
    if (http::is_core_field(field.name)) continue;
    writer.put(field.name);
    writer.put(": ");
    writer.put(field.value);
    writer.put("\r\n");
  }
}

std::size_t most_of(const HeadToWrite& head) {
  std::size_t most = kFixedRoom + head.text.size();
  if (head.text.empty())
    for (const api::Field& field : head.fields) most += field.name.size() + field.value.size() + 4;
  return most;
}

void put_all(HeadWriter& writer, const HeadToWrite& head, const http::TurnClock& clock) {
  writer.put(status_line(head.status));
  writer.put(head.hide_server ? clock.date_field() : clock.common_fields());
  put_fields(writer, head);
  put_framing(writer, head);
  writer.put("\r\n");
}

}  // namespace

std::size_t write_head(net::OutputQueue& output, const HeadToWrite& head, const http::TurnClock& clock) {
  const std::size_t most = most_of(head);
  if (most <= net::OutputQueue::kChunk) {
    HeadWriter writer(reinterpret_cast<char*>(output.room(most).data()));
    put_all(writer, head, clock);
    output.commit(writer.size());
    return writer.size();
  }
  std::vector<char> large(most);
  HeadWriter writer(large.data());
  put_all(writer, head, clock);
  output.append({large.data(), writer.size()});
  return writer.size();
}

void write_last_chunk(net::OutputQueue& output, std::span<const api::Field> trailers) {
  if (trailers.empty()) return output.append("0\r\n\r\n");
  std::string text = "0\r\n";
  for (const api::Field& field : trailers)
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  output.append(text += "\r\n");
}

void write_chunk_prefix(std::span<std::byte, kChunkPrefix> prefix, std::uint32_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t i = 0; i < 8; ++i) prefix[i] = static_cast<std::byte>(kDigits[size >> (28 - 4 * i) & 15]);
  prefix[8] = std::byte{'\r'};
  prefix[9] = std::byte{'\n'};
}

}  // namespace holdfast::http1
