// One connection's frames, of the server's side (RFC 9113): states of streams, windows, and what a peer may not
// do. Reads by FrameReader, writes straight into the output queue; what happens is told as events. DATA is
// written when its turn has come, RST_STREAM with the next produce(), everything else at once.
//
// A stream ends in close() alone: by produce(), by a reset of the peer, or by the end of a request whose
// response has ended. No call of the owner ends one, so that a reference to a stream stays good over any other
// event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/api/request.h"
#include "worker/http2/field_decoder.h"
#include "worker/http2/field_encoder.h"
#include "worker/http2/frame.h"
#include "worker/http2/frame_reader.h"
#include "worker/http2/frame_stream.h"
#include "worker/net/output_queue.h"

namespace holdfast::http2 {

struct Opened {
  bool refused = false;           // the stream is reset with REFUSED_STREAM
  FrameStream* stream = nullptr;  // comes with every further event of the stream; null: it is passed over
};

struct Pulled {
  enum class Kind : std::uint8_t {
    Data,   // a frame of so many bytes, which write_data() delivers next
    Later,  // until Frames::resume_body()
    Broken  // the stream is reset
  } kind = Kind::Data;
  std::size_t bytes = 0;
  bool ends = false;
  std::span<const api::Field> trailers{};  // that follow the end
};

/// What happens on a connection. Called from within receive() and produce(), and on_fields_sent() from within
/// respond(); the implementation may submit, but calls neither of the first two.
class FrameEvents {
 public:
  /// A frame's head has come. False: the connection is over, nothing more is read.
  virtual bool on_frame_begin(const FrameHead& frame) = 0;
  virtual Opened on_request_begin(std::int32_t id) = 0;
  /// Of a request; views end with the call.
  virtual void on_field(FrameStream& stream, std::string_view name, std::string_view value) = 0;
  /// Of what follows the body of a request; as above.
  virtual void on_trailer(FrameStream& stream, std::string_view name, std::string_view value) = 0;
  /// Every field, also of trailers and of streams that are not there; false as above.
  virtual bool on_field_bytes(std::size_t bytes) = 0;
  virtual void on_request_head(FrameStream& stream, bool ends) = 0;
  /// To be given back with consume() or discard().
  virtual void on_data(FrameStream& stream, std::span<const std::byte> data) = 0;
  virtual void on_request_end(FrameStream& stream) = 0;
  /// By the peer.
  virtual void on_reset(FrameStream& stream) = 0;
  /// We reset a stream, for what the peer did on it or because nobody needs it.
  virtual void on_our_reset(ErrorCode why) = 0;
  virtual void on_pong() = 0;
  /// A field section of the response was written, of so many bytes on the wire.
  virtual void on_fields_sent(FrameStream& stream, std::size_t bytes) = 0;
  /// The response is written to its end.
  virtual void on_response_end(FrameStream& stream) = 0;
  /// Whoever has ended it; frames forget the stream.
  virtual void on_stream_end(FrameStream& stream) = 0;
  virtual Pulled pull(FrameStream& stream, std::size_t most) = 0;
  /// Fills the content of the frame that was decided on; false: the stream is reset.
  virtual bool write_data(FrameStream& stream, std::span<std::byte> room) = 0;

 protected:
  ~FrameEvents() = default;
};

/// The peer's limits (RFC 9113 section 6.5.2).
struct Announced {
  std::uint32_t streams = 128;          // at once
  std::uint32_t fields = 0;             // bytes of a field section
  std::uint32_t window = kFirstWindow;  // of the whole connection, at least; a stream's is 64 KiB
};

class Frames {
 public:
  /// `events` and `output` outlive it.
  Frames(FrameEvents& events, net::OutputQueue& output, const Announced& announced);

  bool usable() const { return decoder_.usable(); }
  /// How many bytes were taken; the others, few, are to come again with what follows them. Nothing: the
  /// connection cannot go on, and no GOAWAY will say so.
  std::optional<std::size_t> receive(std::span<const std::byte> input);
  /// Puts at most one frame of DATA into the output, and tells what has ended meanwhile. False: there is
  /// nothing to do now.
  bool produce();
  /// Something more of the peer's is needed.
  bool wants_input() const;
  /// produce() has something to do.
  bool wants_output() const;

  /// Without a body the response ends with its fields.
  void respond(FrameStream& stream, std::span<const api::Field> fields, bool body);
  /// 100 Continue.
  void go_on(FrameStream& stream);
  void resume_body(FrameStream& stream);
  /// The stream ends with the next produce().
  void reset(FrameStream& stream, ErrorCode why);
  /// The handler has taken so much: the peer may send as much again.
  void consume(FrameStream& stream, std::size_t bytes);
  /// They were thrown away: the peer may send as much again, but not on this stream.
  void discard(FrameStream& stream, std::size_t bytes);
  /// Null: there is none (any more).
  FrameStream* stream(std::int32_t id) const { return streams_.find(id); }

  /// The first of the two GOAWAYs (RFC 9113 section 6.8): every stream is still taken. A ping follows, whose
  /// answer tells that the peer knows.
  void announce_end();
  /// The second: streams that have begun are answered, later ones were never looked at.
  void goodbye();
  /// GOAWAY with a reason; nothing is read or written after it.
  void terminate(ErrorCode why);
  /// The connection is over and the stream with it; no event tells so.
  void forget(FrameStream& stream);

 private:
  struct Reset {
    std::int32_t stream;
    ErrorCode why;
  };
  /// The field section that is arriving.
  struct Section {
    FrameStream* stream = nullptr;  // null: nobody wants it
    bool trailers = false;
    bool ends = false;
  };

  // reading: frames_input.cpp
  void take(const FrameReader::Step& step);
  void begin_frame();
  void begin_data(const FrameHead& head);
  void take_data(const FrameReader::Step& step);
  void end_request(FrameStream& stream);
  void begin_section(const FrameHead& head);
  void take_fields(std::span<const std::byte> piece, bool last);
  void take_field(std::string_view name, std::string_view value);
  void end_section();
  void take_payload(std::span<const std::byte> payload);
  void take_reset(const FrameHead& head);
  void take_settings(const FrameHead& head, std::span<const std::byte> payload);
  ErrorCode apply(Setting setting, std::uint32_t value);
  void set_first_window(std::int32_t window);
  void take_window_update(const FrameHead& head, std::uint32_t credit);
  void take_priority_update(std::span<const std::byte> payload);
  bool is_idle(std::int32_t id) const { return id % 2 == 0 || id > newest_; }

  // writing: frames.cpp
  void begin();
  std::span<std::byte> put(const FrameHead& head);
  void put_settings();
  void put_goaway(std::int32_t last, ErrorCode why);
  void put_window_update(std::int32_t stream, std::uint32_t credit);
  void give_credit(std::size_t bytes);
  void send_data(FrameStream& stream);
  void send_trailers(FrameStream& stream, std::span<const api::Field> trailers);
  void end_response(FrameStream& stream);
  void settle();
  void close(FrameStream& stream);

  FrameEvents& events_;
  net::OutputQueue& output_;
  const Announced announced_;
  FrameReader reader_;
  FieldDecoder decoder_;
  FieldEncoder encoder_;
  StreamTable streams_;
  SendingTurns turns_;
  std::vector<Reset> resets_;        // that are due
  std::vector<std::int32_t> ended_;  // streams whose response ended with its fields
  Section section_;
  FrameStream* data_of_ = nullptr;            // the frame that is arriving; null: nobody wants it
  std::int64_t window_ = kFirstWindow;        // of the connection, for what we send
  std::int32_t first_window_ = kFirstWindow;  // of streams, likewise
  std::uint32_t received_ = 0;                // bytes that the peer has no credit back for
  std::uint32_t taken_ = 0;                   // of them: what was taken
  std::int32_t newest_ = 0;                   // highest number that the peer has used
  std::int32_t looked_at_ = 0;                // highest number that an event was told of
  bool began_ = false;
  bool connect_enabled_ = false;  // the peer's SETTINGS said so
  bool settings_acknowledged_ = false;
  bool peer_leaves_ = false;  // its GOAWAY has come
  bool said_goodbye_ = false;
  bool over_ = false;  // nothing is read or written any more
};

}  // namespace holdfast::http2
