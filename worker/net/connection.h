// One accepted connection: owns its Transport and its Protocol, keeps their deadlines, reads within a fair
// share of each turn, sends what is queued. Registered edge-triggered once, so that a request costs no
// epoll_ctl. close() only marks: the ConnectionTable, which owns it, destroys it at the end of the turn.
//
//   (Introduction) -> Handshaking -> Open -> Finishing -> (Lingering) -> Closed
//   Introduction: a PROXY header has to come first; it stays in the socket until it is complete.
//   Finishing: no more input is taken, the output is sent.  Lingering: our side is ended, what the peer still
//   sends is thrown away, so that it sees the answer rather than a reset.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/buffer.h"
#include "common/patience.h"
#include "common/stats/worker_stats.h"
#include "worker/loop/event_loop.h"
#include "worker/net/output_queue.h"
#include "worker/net/peer_address.h"
#include "worker/net/protocol.h"
#include "worker/net/transport.h"

namespace holdfast::net {

class ConnectionTable;

/// What connections of one listener share. Outlives them.
struct ListenerContext {
  std::uint32_t listener = 0;  // index into Config::listeners
  ProtocolFactory* factory = nullptr;
  Milliseconds handshake_timeout{};
  const AddressSet* allowed = nullptr;  // only these addresses (and unix sockets); null: all
  bool secure = false;                  // its transport encrypts
  bool proxy = false;                   // a PROXY header comes first
  const AddressSet* proxies = nullptr;  // who may send it; null: everybody
  Milliseconds proxy_timeout{};         // it must be complete by then
  stats::Cell accepted;
  stats::Cell by_state[static_cast<std::size_t>(stats::ConnectionState::kCount)];
};

class Connection final : private loop::Watcher, private loop::Timer, private loop::Deferred {
 public:
  Connection(ConnectionTable& table, loop::EventLoop& loop, ListenerContext& listener,
             std::unique_ptr<Transport> transport, const PeerAddress& peer);
  ~Connection();

  // -- for the protocol
  OutputQueue& output() { return output_; }
  /// When on_timeout() is called; kNever: not at all.
  void set_deadline(TimePoint deadline);
  /// Longest time without progress while output waits, and the least progress in bytes a second on average (0:
  /// any will do); then the connection is reset.
  void set_write_timeout(Milliseconds timeout, std::uint64_t rate = 0) { write_patience_.set(timeout, rate); }
  /// Takes no more input, sends what is queued, closes. `linger` waits for the peer's end, for when it may be
  /// sending.
  void finish(bool linger);
  /// For an answer whose end is the end of the connection: whatever else closes it, the death of this process
  /// too, is seen as a reset, so that no part is taken for the whole.
  void end_only_by_finish();
  /// Closes now; unsent output is lost and the peer sees a reset.
  void abort();
  /// Input is wanted again, or output was added outside of the protocol's own calls.
  void resume();
  void set_state(stats::ConnectionState state) { state_ = state; }
  /// Hands the connection over, input not yet used included; `this` protocol is destroyed at the end of the
  /// turn.
  void replace_protocol(std::unique_ptr<Protocol> next);

  TimePoint now() const { return loop_.now(); }
  std::uint64_t id() const { return id_; }
  const PeerAddress& peer() const { return peer_; }
  const ListenerContext& listener() const { return listener_; }
  /// Bytes that have left our queue and that the peer has not received. Asks the kernel.
  /// Null when nothing is encrypted.
  const api::TlsFacts* tls() const { return transport_->tls(); }
  std::uint32_t unreceived() const { return transport_->unsent(); }
  TimePoint deadline() const { return deadline_; }
  bool draining() const;
  /// While draining.
  Drain drain_kind() const;
  bool open() const { return phase_ <= Phase::Open; }

  // -- for the table
  /// First try right after accept: data is often there already, and then epoll is never asked.
  void begin();
  void drain(Drain how);
  void close();
  /// Closes; by a reset when an answer has not left in full.
  void cut();

 private:
  friend class ConnectionTable;
  enum class Phase : std::uint8_t { Introduction, Handshaking, Open, Finishing, Lingering, Closed };

  void on_ready(std::uint32_t events) override;
  void on_timer(TimePoint now) override;
  void on_deferred() override;

  template <class Work>
  void guarded(Work work);
  void take_events(std::uint32_t events);
  void take_time(TimePoint now);
  void run();
  void end_run();
  bool input_is_due() const;
  bool watch();
  void watch_output();
  bool take_introduction();
  void introduction_is_late();
  void refuse_introduction(std::string_view why);
  void begin_handshake();
  bool shake_hands();
  void take_input();
  bool offer_pending();
  std::size_t offer(std::span<const std::byte> input);
  bool read_some();
  void throw_input_away();
  bool came_in_time(TimePoint now);
  void send_output();
  void wait_for_reader();
  void note_received();
  bool reader_is_in_time(TimePoint now);
  bool flush_once(std::uint64_t& share);
  void settle();
  void end_our_side();
  Milliseconds linger_time() const;
  void linger_shortly();
  void count_state(bool closing);
  void arm_timer();
  void log_failure(std::string_view event, int code) const;

  ConnectionTable& table_;
  loop::EventLoop& loop_;
  ListenerContext& listener_;
  loop::Watch watch_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Protocol> protocol_;
  OutputQueue output_;
  Buffer pending_;
  std::uint64_t id_ = 0;
  TimePoint deadline_ = kNever;
  TimePoint linger_end_ = kNever;
  // Of output that waits: when to look at its progress next, and what the peer has received by the last look.
  TimePoint write_check_ = kNever;
  Patience write_patience_;
  std::uint64_t handed_over_ = 0;
  std::uint64_t seen_received_ = 0;
  PeerAddress peer_;
  std::uint32_t index_ = 0;  // in the table
  Phase phase_ = Phase::Handshaking;
  stats::ConnectionState state_ = stats::ConnectionState::Idle;
  stats::ConnectionState counted_ = stats::ConnectionState::kCount;
  bool readable_ : 1 = true;
  bool writable_ : 1 = true;
  bool input_ended_ : 1 = false;
  bool peer_hung_up_ : 1 = false;
  bool linger_ : 1 = false;
  bool retry_pending_ : 1 = false;
  bool running_ : 1 = false;
  bool blocked_ : 1 = false;
  bool watching_output_ : 1 = false;
  bool guarded_ : 1 = false;          // see end_only_by_finish()
  bool spoken_ : 1 = false;           // some input was used
  bool address_counted_ : 1 = false;  // in the table's count for each address
};

}  // namespace holdfast::net
