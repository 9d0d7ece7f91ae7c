// One WebSocket from its handshake to its end (RFC 6455): a tunnel of an exchange, whatever carries it. Frames
// of the client become messages of the listener, messages of the handler become frames.
//
//   Open --(we close)--> Closing --(the client's close, or too late)--> Done
//     +----------(the client closes, breaks a rule, is silent)-----------^
//
// Done: what waits is sent, then the tunnel ends.
// Back-pressure: while something waits for the client nothing is parsed, and then nothing more is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/api/websocket.h"
#include "common/buffer.h"
#include "config/config.h"
#include "worker/http/exchange.h"
#include "worker/websocket/deflate.h"
#include "worker/websocket/deflate_offer.h"
#include "worker/websocket/frame_parser.h"
#include "worker/websocket/frame_writer.h"
#include "worker/websocket/service.h"

namespace holdfast::websocket {

class Session final : public api::ExchangeState,
                      private api::WebSocket,
                      private api::BodySink,
                      private api::BodySource,
                      private http::Tunnel,
                      private api::TimerListener,
                      private FrameEvents {
 public:
  Session(Service& service, http::Exchange& exchange, std::unique_ptr<api::WebSocketListener> listener,
          std::string_view subprotocol, const std::optional<DeflateAgreement>& deflate);
  ~Session() override;

  /// Answers the handshake with these fields and tells the listener. Attached to the exchange already.
  void open(std::span<const api::Field> fields);
  /// Ends the conversation with 1001.
  void send_away();

 private:
  friend class Service;
  enum class State : std::uint8_t { Open, Closing, Done };
  enum class Waiting : std::uint8_t { Nothing, Silence, Pong, Close };

  // api::WebSocket
  bool send(api::MessageKind kind, std::string_view data) override;
  std::size_t queued() const override { return out_.size() - out_at_; }
  void close(std::uint16_t code, std::string_view reason) override;
  bool is_open() const override { return state_ == State::Open; }
  void pause() override { paused_ = true; }
  void resume() override;
  std::string_view subprotocol() const override { return subprotocol_; }
  // what the client sends
  void on_body(std::span<const std::byte> bytes) override;
  void on_body_end() override;
  void go_on();
  bool blocked() const;
  std::size_t take(std::span<const std::byte> input);
  void give_credit();
  // FrameEvents
  bool on_message_begin(MessageKind kind, bool compressed) override;
  bool on_message_data(std::span<const std::byte> piece) override;
  bool on_message_end() override;
  bool on_ping(std::span<const std::byte> payload) override;
  bool on_pong(std::span<const std::byte> payload) override;
  void on_close(std::optional<std::uint16_t> code, std::string_view reason) override;
  bool inflate(std::span<const std::byte> piece, bool last);
  bool tell_message(std::string_view data);
  void keep_piece();
  // what is sent
  api::Pulled read(std::span<std::byte> room) override;
  bool send_packed(api::MessageKind kind, std::string_view data);
  void send_frame(FrameShape shape, std::string_view payload);
  void put(std::string_view first, std::string_view second);
  void send_close(CloseCode code, std::string_view reason);
  // the end
  void fail(CloseCode code, std::string_view reason);
  void tell_close(std::uint16_t code, std::string_view reason);
  void finish();
  void handler_failed() noexcept override;
  // time
  void on_timer() override;
  void wait_for(Waiting what, Milliseconds time);
  void on_silence();

  /// Whatever the listener throws ends here.
  template <class Call>
  void tell(Call call) {
    if (failed_) return;
    try {
      call();
    } catch (...) {
      exchange_.handler_threw();
    }
  }

  const config::WebSocket& settings() const { return exchange_.account.route->websocket; }

  Service& service_;
  http::Exchange& exchange_;
  std::unique_ptr<api::WebSocketListener> listener_;
  const std::string_view subprotocol_;
  FrameParser parser_;
  std::optional<Inflater> inflater_;
  std::optional<Deflater> deflater_;
  Utf8Checker utf8_;                         // of a text that is inflated
  std::string message_;                      // the one that arrives, as far as it is not in `piece_`
  std::span<const std::byte> piece_;         // still in memory of take()
  std::optional<FrameParser::Failure> bad_;  // what an event has found
  Buffer held_;                              // input while this is blocked; bounded by the credit
  std::size_t spent_ = 0;                    // of the credit
  std::string out_;                          // output that the connection has not taken
  std::size_t out_at_ = 0;
  TimePoint heard_at_{};
  TimePoint asked_at_{};  // by a ping
  std::unique_ptr<api::TimerHold> timer_;
  Session* next_ = nullptr;  // in the service's list
  Session* previous_ = nullptr;
  State state_ = State::Open;
  Waiting waiting_ = Waiting::Nothing;
  MessageKind kind_ = MessageKind::Binary;
  bool compressed_ = false;
  bool paused_ = false;   // by the handler
  bool taking_ = false;   // in take(): not again
  bool reading_ = false;  // in read(): output goes to out_, where it looks
  bool source_waits_ = false;
  bool told_close_ = false;
  bool failed_ = false;  // the handler
};

}  // namespace holdfast::websocket
