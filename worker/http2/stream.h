// One HTTP/2 stream (RFC 9113 section 5): carries one exchange. Request fields are gathered, then the body
// flows to the handler by its credit, which is what the peer's window is refilled from; the response body is
// pulled when its frame's turn has come. Pooled by the session's factory; all calls of frames go through the
// session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/buffer.h"
#include "common/patience.h"
#include "worker/http/exchange.h"
#include "worker/http/exchange_output.h"
#include "worker/http/message_framing.h"
#include "worker/http2/frame_stream.h"

namespace holdfast::http2 {

class Session;

/// Pseudo-header fields (RFC 9113 section 8.3.1) and the others, in memory of the exchange.
struct FieldSection {
  std::string_view method;
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  std::string_view protocol;  // RFC 8441 section 4
  std::vector<api::Field> fields;
  std::size_t bytes = 0;  // as RFC 9113 section 6.5.2 counts them
  std::optional<stats::BadRequest> refused;
};

class Stream final : public FrameStream, private http::ExchangeOutput {
 public:
  explicit Stream(const http::TurnClock& clock) : exchange(clock) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // -- life, for the session
  void open(Session& session);
  /// The exchange is over; `complete`: its response has left whole.
  void close(bool complete);

  // -- request
  void take_field(std::string_view name, std::string_view value);
  /// The field section is complete.
  void begin_request(bool ends);
  /// Of the section behind the body.
  void take_trailer(std::string_view name, std::string_view value);
  void take_data(std::span<const std::byte> data);
  void end_data();
  /// Gives the sink what waits and what it has credit for.
  void feed();
  void request_is_late();
  /// The field section is not complete, and since when it is awaited.
  bool awaits_fields() const { return !begun_; }
  TimePoint opened_at() const { return opened_at_; }
  /// Nothing more comes from the peer.
  void peer_has_ended();

  // -- response: what frames ask for when a DATA frame's turn has come
  struct Next {
    enum class Kind : std::uint8_t { Data, Later, Broken } kind = Kind::Data;
    std::size_t bytes = 0;
    bool ends = false;
  };
  /// Decides on the next frame of at most `most` bytes; write_data() then delivers it.
  Next next_data(std::size_t most);
  /// False: the content is gone or has changed.
  bool write_data(std::span<std::byte> room);

  /// The peer's side of the stream is ended.
  bool request_ended() const { return request_complete_ && !request_cut_; }
  /// The response has left, and what the peer still sends is thrown away, up to its window.
  bool lingers() const { return response_complete_; }
  bool response_complete() const { return response_complete_; }
  void response_left() { response_complete_ = true; }
  /// The answer is under way and it is the peer that keeps it waiting.
  bool waits_for_peer() const { return exchange.answered() && !response_complete_ && !source_waits_; }
  TimePoint moved_at() const { return moved_at_; }
  /// When the peer must have taken more of the answer, at the least rate that is accepted; kNever while it is
  /// not the peer that it waits for.
  TimePoint reader_deadline(bool peers_turn);
  /// When the rest of the request must have come; kNever while it is not the peer's turn.
  TimePoint body_deadline();
  const config::Timeouts& timeouts() const;

  http::Exchange exchange;
  std::size_t index = 0;  // in the session's list

 private:
  // http::ExchangeOutput
  void start_response(http::Exchange& exchange, http::Response&& response, bool send_body) override;
  void body_ready(http::Exchange& exchange) override;
  void body_wanted(http::Exchange& exchange) override;
  void reset(http::Exchange& exchange) override;
  std::string peer_text() const override;
  std::uint64_t connection_id() const override;

  bool fill_request(bool ends);
  void join_cookies();
  void refuse(stats::BadRequest why);
  void cut_request();
  void deliver(std::span<const std::byte> data);
  void tell_end();
  const config::Limits& limits() const;
  Next next_of_source(api::BodySource& source, std::optional<std::uint64_t> length, std::size_t most);
  bool read_file(api::Body::File& file, std::span<std::byte> room);

  Session* session_ = nullptr;
  FieldSection head_;
  http::Framing framing_;
  // request body
  Buffer waiting_;  // bounded by the stream's window
  std::uint64_t received_ = 0;
  Patience patience_;  // with the sender of the request
  Patience reader_;    // with the reader of the response
  TimePoint opened_at_{};
  bool begun_ = false;  // its fields are complete
  bool feed_due_ = false;
  bool request_complete_ = false;  // all of it is here, or the rest is not wanted
  bool request_cut_ = false;
  bool end_told_ = false;
  bool continue_due_ = false;
  // response
  api::Body body_ = api::Body::none();
  std::string own_;         // bytes without an owner
  std::uint64_t sent_ = 0;  // of the body
  std::uint64_t due_ = 0;   // of the frame that was decided on
  TimePoint moved_at_{};
  TimePoint checked_at_{};
  bool source_waits_ = false;
  bool deferred_ = false;
  bool response_complete_ = false;
};

}  // namespace holdfast::http2
