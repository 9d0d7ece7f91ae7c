// An HTTP/2 client at the level of frames: sends what a test wants, right or wrong, and shows what comes back.
// It answers SETTINGS and refills the server's windows by itself, unless told otherwise. One connection; one
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/client.h"

struct nghttp2_hd_inflater;

namespace holdfast::support {

enum class FrameType : std::uint8_t {
  Data,
  Headers,
  Priority,
  Reset,
  Settings,
  PushPromise,
  Ping,
  GoAway,
  WindowUpdate,
  Continuation,
  PriorityUpdate = 16
};
inline constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;

struct Frame {
  FrameType type{};
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
  /// Of RST_STREAM, GOAWAY: their error code; of WINDOW_UPDATE: the increment.
  std::uint32_t number() const;
};
/// Four bytes, the highest first.
std::string big_endian(std::uint32_t value);

using FieldList = std::vector<std::pair<std::string, std::string>>;
/// A field section, each field a literal of its own (RFC 7541 section 6.2.2).
std::string field_section(const FieldList& fields);
FieldList request_fields(std::string_view method, std::string_view path, std::string_view authority = "a.test");

class Http2Client {
 public:
  /// Connects and sends preface and SETTINGS, with these entries.
  explicit Http2Client(std::uint16_t port, const ClientOptions& options = {},
                       const std::vector<std::pair<std::uint16_t, std::uint32_t>>& settings = {});
  /// Connects and sends nothing by itself.
  struct Silent {};
  Http2Client(std::uint16_t port, Silent silent, const ClientOptions& options = {});
  ~Http2Client();
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  Client& client() { return client_; }
  Outcome send(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = {});
  Outcome send_settings(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& entries);
  /// HEADERS, with END_HEADERS.
  Outcome send_fields(std::uint32_t stream, const FieldList& fields, bool ends);
  /// On the next stream, whose number it returns; a body goes as far as the server's windows let it.
  std::uint32_t request(const FieldList& fields, std::string_view body = {});

  /// The next frame; none when the connection has ended or nothing came in time.
  std::optional<Frame> next();
  /// Reads until that stream has ended. A reset stream: outcome Reset, status the error code when no answer had
  /// begun.
  Response receive(std::uint32_t stream);
  /// Reads until the head of that stream's response is there, or it has ended.
  Response receive_head(std::uint32_t stream);
  /// What has come of a stream's body since the last call, waited for; none when the stream has ended.
  std::optional<std::string> receive_piece(std::uint32_t stream);
  Response fetch(std::string_view method, std::string_view path, std::string_view body = {}) {
    return receive(request(request_fields(method, path), body));
  }
  /// Reads until a GOAWAY with a reason comes: its error code. None: the connection ended without one.
  std::optional<std::uint32_t> refused();

  /// Whether DATA is answered by WINDOW_UPDATE.
  void set_refill(bool refill) { refill_ = refill; }
  /// A GOAWAY was seen; the highest stream that it lets be answered.
  std::optional<std::uint32_t> last_stream() const { return last_stream_; }
  int goaways() const { return goaways_; }
  /// What the server has announced.
  std::map<std::uint16_t, std::uint32_t> settings() const { return settings_; }

 private:
  struct Stream {
    Response response;
    bool ended = false;
  };
  void begin();
  void take(const Frame& frame);
  void take_fields(const Frame& frame);
  void take_settings(const Frame& frame);
  void end(std::uint32_t stream, Outcome outcome);

  Client client_;
  nghttp2_hd_inflater* inflater_ = nullptr;
  std::map<std::uint32_t, Stream> streams_;
  std::map<std::uint32_t, std::int64_t> windows_;  // of the server's, for our bodies
  std::map<std::uint16_t, std::uint32_t> settings_;
  std::uint32_t next_stream_ = 1;
  std::optional<std::uint32_t> last_stream_;
  std::optional<std::uint32_t> refusal_;
  int goaways_ = 0;
  bool refill_ = true;
};

}  // namespace holdfast::support
