// The only door to nghttp2: its session as an object, its callbacks as an interface. What differs between its
// versions is settled in library.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "common/api/request.h"

struct nghttp2_session;
struct nghttp2_session_callbacks;
struct nghttp2_option;

namespace holdfast::http2 {

/// RFC 9113 section 7, as far as we use them.
enum class ErrorCode : std::uint32_t {
  NoError = 0,
  ProtocolError = 1,
  InternalError = 2,
  FlowControlError = 3,
  RefusedStream = 7,
  Cancel = 8,
  EnhanceYourCalm = 11
};

enum class FrameType : std::uint8_t {
  Data = 0,
  Headers = 1,
  Priority = 2,
  Reset = 3,
  Settings = 4,
  PushPromise = 5,
  Ping = 6,
  GoAway = 7,
  WindowUpdate = 8,
  Continuation = 9,
  PriorityUpdate = 16
};

/// A frame's header (RFC 9113 section 4.1).
struct FrameInfo {
  FrameType type{};  // may be one that has no name here
  std::int32_t stream = 0;
  std::size_t length = 0;
  bool ends = false;          // END_STREAM
  bool acknowledges = false;  // ACK
};

struct Opened {
  bool refused = false;    // the stream is reset with REFUSED_STREAM
  void* stream = nullptr;  // comes with every further event of the stream
};

struct Pulled {
  enum class Kind : std::uint8_t {
    Data,   // a frame of so many bytes, which write_data() delivers next
    Later,  // until Frames::resume_body()
    Full,   // the output takes no more now
    Broken  // the stream is reset
  } kind = Kind::Data;
  std::size_t bytes = 0;
  bool ends = false;
  std::span<const api::Field> trailers{};  // that follow the end
};

/// What happens on a connection. Called from within receive() and next_output(), never both at once; the
/// implementation may submit, but calls neither of the two.
class FrameEvents {
 public:
  /// A frame header has come. False: the connection is over, nothing more is read.
  virtual bool on_frame_begin(const FrameInfo& frame) = 0;
  virtual Opened on_request_begin(std::int32_t id) = 0;
  /// Of a request; views end with the call.
  virtual void on_field(void* stream, std::string_view name, std::string_view value) = 0;
  /// Of what follows the body of a request; as above.
  virtual void on_trailer(void* stream, std::string_view name, std::string_view value) = 0;
  /// Every field, also of trailers and of streams that are not there; false as above.
  virtual bool on_field_bytes(std::size_t bytes) = 0;
  virtual void on_request_head(void* stream, bool ends) = 0;
  /// To be given back with consume().
  virtual void on_data(void* stream, std::span<const std::byte> data) = 0;
  virtual void on_request_end(void* stream) = 0;
  /// By the peer.
  virtual void on_reset(void* stream) = 0;
  /// The library resets a stream for what the peer did on it.
  virtual void on_our_reset(ErrorCode why) = 0;
  virtual void on_pong() = 0;
  virtual void on_sent(void* stream, const FrameInfo& frame) = 0;
  /// Whoever has ended it.
  virtual void on_stream_end(void* stream) = 0;
  virtual Pulled pull(void* stream, std::size_t most) = 0;
  /// Puts the frame's header and its content into the output; false: the stream is reset. `pause`:
  /// next_output() returns after this frame.
  virtual bool write_data(void* stream, std::span<const std::byte> head, std::size_t bytes, bool& pause) = 0;

 protected:
  ~FrameEvents() = default;
};

/// Callbacks and options, made once for all connections.
class Library {
 public:
  Library();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

 private:
  friend class Frames;
  nghttp2_session_callbacks* callbacks_ = nullptr;
  nghttp2_option* options_ = nullptr;
};

/// The peer's limits (RFC 9113 section 6.5.2).
struct Announced {
  std::uint32_t streams = 128;  // at once
  std::uint32_t fields = 0;     // bytes of a field section
  std::uint32_t window = 0;     // of the whole connection; a stream's is 64 KiB
};

/// One connection's frames, of the server's side. `events` and `library` outlive it.
class Frames {
 public:
  Frames(const Library& library, FrameEvents& events, const Announced& announced);
  ~Frames();
  Frames(const Frames&) = delete;
  Frames& operator=(const Frames&) = delete;

  bool usable() const { return session_ != nullptr; }
  /// How many bytes were taken; the others, fewer than the head of a frame, are to come again with what follows
  /// them. Nothing: the connection cannot go on, and no GOAWAY will say so.
  std::optional<std::size_t> receive(std::span<const std::byte> input);
  /// Frames that are ready, but for those that write_data() has put into the output itself. The view ends with
  /// the next call; empty: nothing (more) now. False: as nothing above.
  bool next_output(std::string_view& bytes);
  bool wants_input() const;
  bool wants_output() const;

  /// Copies the fields. Without a body the response ends the stream.
  bool respond(std::int32_t id, std::span<const api::Field> fields, bool body);
  /// 100 Continue.
  void go_on(std::int32_t id);
  void resume_body(std::int32_t id);
  void reset(std::int32_t id, ErrorCode why);
  /// The handler has taken so much: the peer may send as much again.
  void consume(std::int32_t id, std::size_t bytes);
  /// They were thrown away: the peer may send as much again, but not on this stream.
  void discard(std::size_t bytes);
  /// Null: there is none (any more).
  void* stream(std::int32_t id) const;
  /// Bytes of DATA that the peer takes on this stream, whatever the connection's window says.
  std::int32_t window(std::int32_t id) const;

  /// The first of the two GOAWAYs (RFC 9113 section 6.8): every stream is still taken. A ping follows, whose
  /// answer tells that the peer knows.
  void announce_end();
  /// The second: streams that have begun are answered, later ones were never looked at.
  void goodbye();
  /// GOAWAY with a reason; nothing is read after it.
  void terminate(ErrorCode why);

 private:
  static constexpr std::size_t kPreface = 24;  // RFC 9113 section 3.4

  std::size_t whole_heads(std::span<const std::byte> input);

  nghttp2_session* session_ = nullptr;
  std::uint64_t until_head_ = kPreface;  // bytes of input before the next frame's head
  bool settings_are_next_ = true;
  std::uint32_t streams_ = 0;
};

}  // namespace holdfast::http2
