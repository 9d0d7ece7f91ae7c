// HTTP/2 on one connection (RFC 9113): Frames know the states of streams and their windows; this feeds them
// what arrives, keeps time, and bounds what a peer may cost. Requests become
// exchanges of the same dispatcher as those of HTTP/1.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/log.h"
#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/http/dispatcher.h"
#include "worker/http2/abuse.h"
#include "worker/http2/frames.h"
#include "worker/http2/stream.h"
#include "worker/net/connection.h"
#include "worker/net/protocol.h"

namespace holdfast::http2 {

/// What all sessions of a worker share; makes sessions.
class SessionFactory final : public net::ProtocolFactory {
 public:
  SessionFactory(const config::Config& config, http::Dispatcher& dispatcher, const http::TurnClock& clock,
                 stats::WorkerStats& stats);
  ~SessionFactory();

  std::unique_ptr<net::Protocol> make(net::Connection& connection,
                                      std::string_view application_protocol) override;
  /// Whether a client that was promised nothing begins to speak HTTP/2 (RFC 9113 section 3.3). The part of its
  /// preface that no HTTP/1 request can begin with is enough.
  static bool is_preface(std::span<const std::byte> input);

 private:
  friend class Session;
  friend class Stream;
  std::unique_ptr<Stream> take();
  void give_back(std::unique_ptr<Stream> stream);

  const config::Config& config_;
  http::Dispatcher& dispatcher_;
  const http::TurnClock& clock_;
  stats::Cell abuses_[static_cast<std::size_t>(Abuse::kCount)];
  std::vector<std::unique_ptr<Stream>> spare_;
  std::vector<std::byte> pulled_;  // from a source, until its frame is written in the same breath
  LogRate abuse_lines_{3, Milliseconds(10'000)};
};

class Session final : public net::Protocol, private FrameEvents {
 public:
  Session(SessionFactory& factory, net::Connection& connection);
  ~Session() override;

  std::size_t on_bytes(std::span<const std::byte> input) override;
  bool wants_bytes() const override;
  void on_end() override;
  bool on_room() override;
  void on_timeout(TimePoint now) override;
  void begin_drain(net::Drain how) override;
  std::string_view activity() const override;

  // -- for its streams
  SessionFactory& factory() { return factory_; }
  net::Connection& connection() { return connection_; }
  Frames& frames() { return frames_; }
  /// The stream's sink wants what waits, once nobody is in the middle of a call.
  void feed_later(std::int32_t stream);
  /// Something was submitted: it leaves at the end of this call, or soon.
  void wake();

 private:
  // FrameEvents
  bool on_frame_begin(const FrameHead& frame) override;
  Opened on_request_begin(std::int32_t id) override;
  void on_field(FrameStream& stream, std::string_view name, std::string_view value) override;
  void on_trailer(FrameStream& stream, std::string_view name, std::string_view value) override;
  bool on_field_bytes(std::size_t bytes) override;
  void on_request_head(FrameStream& stream, bool ends) override;
  void on_data(FrameStream& stream, std::span<const std::byte> data) override;
  void on_request_end(FrameStream& stream) override;
  void on_reset(FrameStream& stream) override;
  void on_our_reset(ErrorCode why) override;
  void on_pong() override;
  void on_fields_sent(FrameStream& stream, std::size_t bytes) override;
  void on_response_end(FrameStream& stream) override;
  void on_stream_end(FrameStream& stream) override;
  Pulled pull(FrameStream& stream, std::size_t most) override;
  bool write_data(FrameStream& stream, std::span<std::byte> room) override;

  bool note(Abuse kind);
  void calm(Abuse kind);
  void end(ErrorCode why);
  bool is_skipped(std::int32_t id) const;
  void feed_all();
  void pump();
  void settle();
  void say_goodbye();
  void give_up_stalled();
  void end_late_fields(Stream& stream);
  void set_deadline();
  void look_at_streams(TimePoint now);
  bool is_stalled(Stream& stream, TimePoint now);
  bool may_update_window();
  void end_stream(Stream& stream, bool complete);

  SessionFactory& factory_;
  net::Connection& connection_;
  Frames frames_;
  AbuseMeter abuse_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::int32_t> to_feed_;
  std::int32_t newest_ = 0;           // highest stream number that was used
  std::vector<std::int32_t> recent_;  // the last ones that were used, a ring
  std::size_t recent_at_ = 0;
  std::uint64_t data_frames_ = 0;  // that were sent
  std::uint64_t requests_ = 0;
  std::uint64_t updates_ = 0;      // of windows, by the peer
  TimePoint moved_at_{};           // when DATA was last made
  std::size_t section_bytes_ = 0;  // of the field section that is arriving
  std::size_t continuations_ = 0;  // likewise
  TimePoint next_look_ = kNever;   // at the streams, while there are any
  TimePoint goodbye_at_ = kNever;  // when the second GOAWAY is due
  bool busy_ = false;              // in the middle of frames
  bool used_ = false;
  bool answered_ = false;  // since the idle time was set
  bool peer_ended_ = false;
  bool broken_ = false;
  bool leaving_ = false;
  bool said_goodbye_ = false;
};

}  // namespace holdfast::http2
