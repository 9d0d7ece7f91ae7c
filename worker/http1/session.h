// HTTP/1.0 and HTTP/1.1 on one connection (RFC 9112): requests in order, pipelined ones answered in order, each
// by one exchange. Reading half: head -> body -> (skip what nobody wanted); writing half: pulls the response
// body while there is room. An idle session carries no buffers and no exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/api/exchange.h"
#include "common/log.h"
#include "common/patience.h"
#include "config/config.h"
#include "worker/http/chunked_decoder.h"
#include "worker/http/dispatcher.h"
#include "worker/http/exchange.h"
#include "worker/http/exchange_output.h"
#include "worker/http/message_framing.h"
#include "worker/http1/request_parser.h"
#include "worker/http1/response_writer.h"
#include "worker/net/connection.h"
#include "worker/net/protocol.h"

namespace holdfast::http1 {

/// The request in work: its exchange and how far its two halves are. Pooled.
struct Active {
  explicit Active(const http::TurnClock& clock) : exchange(clock) {}

  http::Exchange exchange;
  http::Framing framing;
  // request body
  http::ChunkedDecoder decoder;
  std::uint64_t body_left = 0;  // BodyRule::Length
  std::uint64_t body_received = 0;
  Patience patience;           // with the sender of the body
  bool body_complete = false;  // nothing more of it is read
  bool body_cut = false;       // complete, but not whole: its sink must not hear of an end
  bool continue_due = false;   // 100 Continue is awaited and not yet sent
  // response
  api::Body body = api::Body::none();
  std::uint64_t source_left = 0;  // announced length of a streamed body that is still to come
  BodyEnd end = BodyEnd::NoBody;
  bool keep_alive = true;
  bool source_waits = false;  // the source said Later
  bool response_complete = false;
};

/// What all sessions of a worker share; makes sessions.
class SessionFactory final : public net::ProtocolFactory {
 public:
  SessionFactory(const config::Config& config, http::Dispatcher& dispatcher, const http::TurnClock& clock);
  ~SessionFactory();

  std::unique_ptr<net::Protocol> make(net::Connection& connection,
                                      std::string_view application_protocol) override;

 private:
  friend class Session;
  std::unique_ptr<Active> take();
  void give_back(std::unique_ptr<Active> active);

  const config::Config& config_;
  http::Dispatcher& dispatcher_;
  const http::TurnClock& clock_;
  HeadLimits head_limits_;
  std::vector<api::Field> fields_;  // the parser's storage
  std::vector<std::unique_ptr<Active>> spare_;
  LogRate timeout_lines_{3, Milliseconds(10'000)};
};

class Session final : public net::Protocol, private http::ExchangeOutput {
 public:
  Session(SessionFactory& factory, net::Connection& connection);
  ~Session() override;

  std::size_t on_bytes(std::span<const std::byte> input) override;
  bool wants_bytes() const override;
  void on_end() override;
  void on_hang_up() override;
  bool on_room() override;
  void on_timeout(TimePoint now) override;
  void begin_drain(net::Drain how) override;
  std::string_view activity() const override;

 private:
  // reading half
  std::size_t take_head(std::span<const std::byte> input);
  void begin_request(const RequestHead& head, std::size_t consumed);
  bool fill_request(const RequestHead& head);
  void refuse(stats::BadRequest why);
  void refuse_tunnel();
  void refuse_head(stats::BadRequest why);
  std::size_t take_body(std::span<const std::byte> input);
  std::size_t take_chunked(std::span<const std::byte> input);
  std::size_t take_counted(std::span<const std::byte> input);
  void deliver(std::span<const std::byte> data);
  void end_request_body();
  bool take_trailers();
  std::size_t most_body_bytes() const;
  void cut_request_body();
  const config::Timeouts& timeouts() const;
  const config::Limits& limits() const;

  // writing half
  void start_response(http::Exchange& exchange, http::Response&& response, bool send_body) override;
  void body_ready(http::Exchange& exchange) override;
  void body_wanted(http::Exchange& exchange) override;
  bool send_now(http::Exchange& exchange, std::span<const std::string_view> parts) override;
  void begin_tunnel();
  void reset(http::Exchange& exchange) override;
  std::string peer_text() const override;
  std::uint64_t connection_id() const override;
  void choose_body_end(const api::Body& body, std::uint16_t status, bool send_body, HeadToWrite& head);
  void pump();
  void send_bytes(api::Body::Bytes& bytes);
  void send_file(api::Body::File& file);
  void send_stream(api::Body::Stream& stream);
  std::size_t read_piece(api::BodySource& source, api::Pull& next);
  void complete_response();

  // life
  bool settle_exchange();
  bool last_answer_is_on_its_way();
  Milliseconds idle_time() const;
  void end_exchange(bool complete);
  void set_deadlines();
  TimePoint body_deadline();
  void log_timeout(stats::BadRequest why);

  SessionFactory& factory_;
  net::Connection& connection_;
  std::unique_ptr<Active> active_;
  TimePoint head_deadline_ = kNever;  // set by the first byte of a head, never moved by later ones
  std::size_t scanned_ = 0;           // of the incomplete head
  std::uint32_t unreceived_ = 0;      // of the last answer, when the idle time was over; 0: not asked yet
  bool used_ = false;                 // a request was answered on this connection
  bool more_waits_ = false;           // input lies behind the head that was parsed last
  bool peer_ended_ = false;
};

}  // namespace holdfast::http1
