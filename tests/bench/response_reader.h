// Follows the responses on one connection: status and length of every one are checked, content is only counted.
// Knows no sockets; one per connection, reset when the connection is opened anew.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::bench {

struct Expected {
  int status = 200;
  std::int64_t body = -1;  // bytes; -1: any length
};

class ResponseReader {
 public:
  enum class Fault { None, Syntax, Status, Length };

  /// Takes bytes as they came from the socket. After a fault the connection is of no more use.
  void consume(std::string_view bytes, const Expected& expected) {
    while (!bytes.empty() && fault_ == Fault::None) {
      if (in_body_) {
        const auto taken = std::min<std::uint64_t>(bytes.size(), body_left_);
        skip_body(taken);
        bytes.remove_prefix(taken);
      } else if (in_chunks_) {
        bytes = consume_chunks(bytes);
      } else {
        bytes = consume_head(bytes, expected);
      }
    }
  }

  /// Bytes of the current body still to come: the caller may drop so many unseen and report them by
  /// skip_body().
  std::uint64_t body_left() const { return in_body_ ? body_left_ : 0; }
  void skip_body(std::uint64_t count) {
    body_left_ -= count;
    if (body_left_ == 0) finish();
  }

  /// Responses completed since the last call.
  unsigned take_completed() {
    const unsigned completed = completed_;
    completed_ = 0;
    return completed;
  }
  Fault fault() const { return fault_; }

 private:
  static constexpr std::size_t kMaxHead = 64 * 1024;

  std::string_view consume_head(std::string_view bytes, const Expected& expected) {
    if (partial_head_.empty()) {
      const auto end = bytes.find("\r\n\r\n");
      if (end != std::string_view::npos) {
        parse_head(bytes.substr(0, end + 2), expected);
        return bytes.substr(end + 4);
      }
    }
    const auto before = partial_head_.size();
    partial_head_.append(bytes);
    const auto end = partial_head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == std::string::npos) {
      if (partial_head_.size() > kMaxHead) fault_ = Fault::Syntax;
      return {};
    }
    const auto used = end + 4 - before;
    parse_head(std::string_view(partial_head_).substr(0, end + 2), expected);
    partial_head_.clear();
    return bytes.substr(used);
  }

  void parse_head(std::string_view head, const Expected& expected) {
    int status = 0;
    if (head.size() < 12 || !head.starts_with("HTTP/1.") ||
        std::from_chars(head.data() + 9, head.data() + 12, status).ec != std::errc{}) {
      fault_ = Fault::Syntax;
      return;
    }
    const std::int64_t length = content_length(head);
    if (status != expected.status) {
      fault_ = Fault::Status;
    } else if (length < 0 && expected.body < 0) {
      in_chunks_ = true;  // the one other way to tell an end; its syntax shows whether it is true
      last_chunk_ = false;
    } else if (length < 0 || (expected.body >= 0 && length != expected.body)) {
      fault_ = Fault::Length;
    } else {
      in_body_ = true;
      body_left_ = static_cast<std::uint64_t>(length);
      if (length == 0) finish();
    }
  }

  std::string_view consume_chunks(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t data = std::min<std::uint64_t>(bytes.size(), chunk_left_);
      chunk_left_ -= data;
      bytes.remove_prefix(data);
      if (bytes.empty()) break;
      const std::size_t end = bytes.find('\n');
      chunk_line_.append(bytes.substr(0, end));
      if (end == std::string_view::npos) break;
      bytes.remove_prefix(end + 1);
      const std::string line = std::exchange(chunk_line_, {});
      if (line == "\r" && last_chunk_) return finish(), bytes;
      if (line == "\r") continue;  // behind the data of a chunk
      if (std::from_chars(line.data(), line.data() + line.size(), chunk_left_, 16).ec != std::errc{})
        return fault_ = Fault::Syntax, std::string_view();
      last_chunk_ = chunk_left_ == 0;
    }
    return {};
  }

  static std::int64_t content_length(std::string_view head) {
    static constexpr std::string_view kName = "content-length:";
    for (auto line = head.find("\r\n"); line + 2 < head.size(); line = head.find("\r\n", line + 2)) {
      const auto field = head.substr(line + 2);
      // One cheap look at the first letter; only fields that begin with it are compared.
      if ((field[0] | 0x20) != 'c' || field.size() <= kName.size() ||
          ::strncasecmp(field.data(), kName.data(), kName.size()) != 0)
        continue;
      auto value = field.substr(kName.size());
      value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
      std::int64_t length = -1;
      std::from_chars(value.data(), value.data() + value.size(), length);
      return length;
    }
    return -1;
  }

  void finish() {
    in_body_ = in_chunks_ = false;
    ++completed_;
  }

  std::string partial_head_;
  std::string chunk_line_;
  std::uint64_t chunk_left_ = 0;
  bool in_chunks_ = false;
  bool last_chunk_ = false;
  std::uint64_t body_left_ = 0;
  unsigned completed_ = 0;
  bool in_body_ = false;
  Fault fault_ = Fault::None;
};

}  // namespace holdfast::bench
