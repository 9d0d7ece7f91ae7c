// Encrypted bytes on a stream socket. A short read or write means that the socket has no more, as with plain
// bytes: records are read and written until it says so.
#pragma once

#include <memory>
#include <string>

#include "common/fd.h"
#include "common/stats/worker_stats.h"
#include "worker/net/acceptor.h"
#include "worker/net/record_size.h"
#include "worker/net/tls_context.h"
#include "worker/net/tls_wire.h"
#include "worker/net/transport.h"

namespace holdfast::net {

/// What the transports of a listener share; outlives them.
struct TlsShared {
  TlsShared(stats::WorkerStats& stats, const TimePoint& loop_time);
  const TimePoint& now;  // of the loop's turn
  // What became of handshakes.
  stats::Cell finished[static_cast<std::size_t>(stats::TlsVersion::kCount)]
                      [static_cast<std::size_t>(stats::Resumed::kCount)];
  stats::Cell failed[static_cast<std::size_t>(stats::TlsFailure::kCount)];
};

class TlsTransport final : public Transport {
 public:
  /// `session` waits for the client's hello, which comes by `socket`; without a session the handshake fails.
  TlsTransport(Fd socket, SslHandle session, TlsShared& shared);
  ~TlsTransport() override;

  int fd() const override { return socket_.get(); }
  /// A client that speaks plain HTTP is told so in plain HTTP before this fails.
  IoResult handshake() override;
  IoResult read(std::span<std::byte> room) override;
  IoResult write(std::span<const iovec> pieces, bool more) override;
  IoResult send_file(std::span<const iovec> head, int file, std::uint64_t offset, std::size_t length) override;
  /// Encrypted bytes, that is a little more than were given.
  std::uint32_t unsent() const override;
  /// RFC 8446 section 6.1: close_notify, so that a cut can be told from an end.
  void end_writing(bool peer_ended) override;
  bool has_pending() const override;
  const api::TlsFacts* tls() const override { return &facts_; }

 private:
  /// How an operation ended that did not succeed.
  Io judge(int result);
  /// One record at most, which gathers; Ok with its bytes.
  IoResult write_record(std::span<const std::byte> bytes);
  /// Sends what an earlier call could not; Ok with how many bytes of this call were in it.
  IoResult resume_writing();
  /// All of `pieces`, as far as the socket takes them.
  IoResult write_records(std::span<iovec> pieces, bool more);
  /// As many as leave with one system call; takes away from `left` what was encrypted.
  IoResult gather_records(std::span<iovec>& left);
  /// What gather_records() has answered becomes what has left.
  IoResult send_records(const IoResult& gathered, bool more);
  void answer_plain_http() const;
  /// The handshake is over.
  void establish();
  IoResult take_early_bytes(std::span<std::byte> room);
  /// As SSL_read_ex, in whatever state the handshake is.
  int read_once(std::span<std::byte> room, std::size_t& bytes);
  void note_facts();
  void count_success();
  void count_failure(stats::TlsFailure why);

  Fd socket_;
  TlsWire wire_;  // of the session
  SslHandle session_;
  TlsShared& shared_;
  RecordSize record_size_;
  std::size_t held_ = 0;  // bytes that no caller was told of, and that the wire has left over as records
  api::TlsFacts facts_;   // once established
  std::string client_subject_;
  /// Data before the end of the handshake (RFC 8446 section 2.3).
  enum class Early : std::uint8_t {
    No,         // none, or not any more
    Possible,   // the handshake has not come to it
    Coming,     // the connection is open, and what is read is early
    Completing  // all of it was read; the client's last word of the handshake is missing
  } early_ = Early::No;
  std::unique_ptr<std::string> early_bytes_;  // that the handshake has read
  Io input_ = Io::Ok;                         // End or Failed once reading has come to that
  bool established_ = false;
  bool counted_ = false;
  bool broken_ = false;        // the library must not be asked again
  bool more_to_read_ = false;  // reading is to go on: it waits until the socket is writable, or had its share
};

/// Wraps the connections of one listener; outlives them.
class TlsTransports final : public TransportFactory {
 public:
  /// `now`, the time of the loop's turn, outlives it.
  TlsTransports(std::unique_ptr<TlsContext> context, stats::WorkerStats& stats, const TimePoint& now)
      : context_(std::move(context)), shared_(stats, now) {}
  std::unique_ptr<Transport> wrap(Fd socket) override;
  TlsContext& context() { return *context_; }

 private:
  const std::unique_ptr<TlsContext> context_;
  TlsShared shared_;
};

}  // namespace holdfast::net
