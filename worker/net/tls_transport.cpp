#include "worker/net/tls_transport.h"

#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/net/tls_clients.h"
#include "worker/net/tls_outcome.h"

namespace holdfast::net {
namespace {

constexpr std::size_t kRecord = RecordSize::kLargest;
// A peer that sends a byte a record, or none, has its turn like everybody.
constexpr int kRecordsPerRead = 64;

// A worker has one thread that writes.
std::array<std::byte, kRecord> record_room;

/// Copies the beginning of `pieces`, at most `limit` bytes, into the room of one record, so that a short head
/// and its body share one.
std::span<const std::byte> gather(std::span<const iovec> pieces, std::size_t limit) {
  if (pieces.front().iov_len >= limit || pieces.size() == 1)
    return {static_cast<const std::byte*>(pieces.front().iov_base), std::min(pieces.front().iov_len, limit)};
  std::size_t size = 0;
  for (const iovec& piece : pieces) {
    const std::size_t part = std::min(piece.iov_len, limit - size);
    std::memcpy(record_room.data() + size, piece.iov_base, part);
    size += part;
    if (size == limit) break;
  }
  return {record_room.data(), size};
}

/// Takes the first `bytes` away from `pieces`.
std::span<iovec> behind(std::span<iovec> pieces, std::size_t bytes) {
  while (!pieces.empty() && bytes >= pieces.front().iov_len) {
    bytes -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (bytes == 0) return pieces;
  pieces.front().iov_base = static_cast<std::byte*>(pieces.front().iov_base) + bytes;
  pieces.front().iov_len -= bytes;
  return pieces;
}

TlsWire& wire_of(BIO* bio) {
  return *static_cast<TlsWire*>(BIO_get_data(bio));
}

int write_wire(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  const TlsWire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(wire.socket, bytes, size, MSG_NOSIGNAL | (wire.more ? MSG_MORE : 0));
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  *written = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  return sent > 0 ? 1 : 0;
}

int read_wire(BIO* bio, char* room, std::size_t size, std::size_t* got) {
  TlsWire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  const ssize_t read = ::recv(wire.socket, room, size, 0);
  wire.asked = true;
  wire.drained = read < static_cast<ssize_t>(size);
  wire.ended = read == 0;
  if (read < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  *got = read > 0 ? static_cast<std::size_t>(read) : 0;
  return read > 0 ? 1 : 0;
}

long control_wire(BIO* bio, int what, long /*number*/, void* /*of*/) {
  if (what == BIO_CTRL_EOF) return wire_of(bio).ended ? 1 : 0;
  return what == BIO_CTRL_FLUSH ? 1 : 0;
}

/// The library's own socket writes each record as if it were the last, which makes four times as many packets,
/// and does not tell whether it has read all that was there, which costs another system call to find out.
BIO* make_bio(TlsWire& wire) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "records");
    if (made != nullptr) {
      BIO_meth_set_write_ex(made, write_wire);
      BIO_meth_set_read_ex(made, read_wire);
      BIO_meth_set_ctrl(made, control_wire);
    }
    return made;
  }();
  BIO* const bio = method != nullptr ? BIO_new(method) : nullptr;
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &wire);
  BIO_set_init(bio, 1);
  return bio;
}

/// What the library's error says of a handshake.
stats::TlsFailure failure_of(unsigned long error) {
  using stats::TlsFailure;
  if (error == 0) return TlsFailure::Closed;
  const int reason = ERR_GET_REASON(error);
  // Alerts of the peer have numbers of their own.
  if (reason >= SSL_AD_REASON_OFFSET) return TlsFailure::ClientAlert;
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
      return TlsFailure::PlainHttp;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
      return TlsFailure::Version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
      return TlsFailure::Cipher;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return TlsFailure::Alpn;
    case SSL_R_CALLBACK_FAILED:  // the one that chooses by name
      return TlsFailure::Name;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return TlsFailure::ClientCertificate;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return TlsFailure::Closed;
    default:
      return TlsFailure::Malformed;
  }
}

}  // namespace

TlsTransport::TlsTransport(Fd socket, SslHandle session, TlsShared& shared)
    : socket_(std::move(socket)), session_(std::move(session)), shared_(shared) {
  wire_.socket = socket_.get();
  BIO* const bio = session_ ? make_bio(wire_) : nullptr;
  if (bio != nullptr) {
    SSL_set_bio(session_.get(), bio, bio);
    if (SSL_get_max_early_data(session_.get()) > 0) early_ = Early::Possible;
  } else {
    session_.reset();
  }
}

Io TlsTransport::judge(int result) {
  const Io outcome = outcome_of(session_.get(), result);
  broken_ = broken_ || outcome == Io::Failed;
  return outcome;
}

TlsShared::TlsShared(stats::WorkerStats& stats, const TimePoint& loop_time) : now(loop_time) {
  for (std::uint16_t version = 0; version < std::size(finished); ++version)
    for (std::uint16_t resumed = 0; resumed < std::size(finished[version]); ++resumed)
      finished[version][resumed] = stats.cell(stats::Metric::TlsHandshakes, version, resumed);
  for (std::uint16_t why = 0; why < std::size(failed); ++why)
    failed[why] = stats.cell(stats::Metric::TlsHandshakeFailures, why);
}

// One that was given up while it went on, by the deadline as a rule.
TlsTransport::~TlsTransport() {
  if (session_ && !counted_) count_failure(stats::TlsFailure::Timeout);
}

void TlsTransport::count_success() {
  counted_ = true;
  const auto version = static_cast<std::size_t>(
      SSL_version(session_.get()) == TLS1_3_VERSION ? stats::TlsVersion::Tls13 : stats::TlsVersion::Tls12);
  shared_.finished[version][SSL_session_reused(session_.get()) != 0 ? 1 : 0].add();
}

void TlsTransport::count_failure(stats::TlsFailure why) {
  counted_ = true;
  shared_.failed[static_cast<std::size_t>(why)].add();
}

std::unique_ptr<Transport> TlsTransports::wrap(Fd socket) {
  SslHandle session = context_->accept();
  return std::make_unique<TlsTransport>(std::move(socket), std::move(session), shared_);
}

IoResult TlsTransport::handshake() {
  if (!session_) return {Io::Failed, 0, ENOMEM};
  ERR_clear_error();
  int result = 1;
  if (early_ == Early::Possible) {
    std::size_t bytes = 0;
    switch (SSL_read_early_data(session_.get(), record_room.data(), record_room.size(), &bytes)) {
      case SSL_READ_EARLY_DATA_SUCCESS:
        early_ = Early::Coming;
        early_bytes_ = std::make_unique<std::string>(reinterpret_cast<const char*>(record_room.data()), bytes);
        note_facts();
        facts_.early_data = true;
        return {};
      case SSL_READ_EARLY_DATA_FINISH:
        early_ = Early::No;
        break;
      default:
        result = 0;
    }
  }
  if (result == 1) result = SSL_do_handshake(session_.get());
  if (result == 1) {
    note_facts();
    establish();
    return {};
  }
  const Io outcome = judge(result);
  if (outcome == Io::WantRead || outcome == Io::WantWrite) return {outcome, 0, 0};
  const stats::TlsFailure why = outcome == Io::End ? stats::TlsFailure::Closed : failure_of(ERR_peek_error());
  count_failure(why);
  if (why == stats::TlsFailure::PlainHttp) answer_plain_http();
  return {outcome, 0, 0};
}

// RFC 9110 section 15.5.1. What the client has sent is read first: a close with bytes unread resets, and the
// answer would be lost.
void TlsTransport::answer_plain_http() const {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 65\r\nConnection: close\r\n\r\n"
      "This port speaks HTTPS only: plain HTTP was sent to a TLS port.\r\n";
  while (::recv(socket_.get(), record_room.data(), record_room.size(), MSG_DONTWAIT) > 0) continue;
  (void)::send(socket_.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(socket_.get(), SHUT_WR);
}

void TlsTransport::establish() {
  early_ = Early::No;
  facts_.early_data = false;
  established_ = true;
  count_success();
}

IoResult TlsTransport::take_early_bytes(std::span<std::byte> room) {
  const std::size_t size = std::min(room.size(), early_bytes_->size());
  std::memcpy(room.data(), early_bytes_->data(), size);
  early_bytes_->erase(0, size);
  if (early_bytes_->empty()) early_bytes_.reset();
  more_to_read_ = true;  // whatever the handshake has left in the library and the socket
  return {size > 0 ? Io::Ok : Io::WantRead, size, 0};
}

int TlsTransport::read_once(std::span<std::byte> room, std::size_t& bytes) {
  if (early_ == Early::Coming) {
    const int early = SSL_read_early_data(session_.get(), room.data(), room.size(), &bytes);
    if (early != SSL_READ_EARLY_DATA_FINISH) return early == SSL_READ_EARLY_DATA_SUCCESS ? 1 : 0;
    early_ = Early::Completing;
  }
  if (early_ == Early::Completing) {
    if (const int result = SSL_do_handshake(session_.get()); result != 1) return result;
    establish();
  }
  return SSL_read_ex(session_.get(), room.data(), room.size(), &bytes);
}

IoResult TlsTransport::read(std::span<std::byte> room) {
  if (early_bytes_) return take_early_bytes(room);
  std::size_t got = 0;
  more_to_read_ = wire_.drained = false;
  for (int records = 0; got < room.size() && input_ == Io::Ok; ++records) {
    if (records == kRecordsPerRead) {
      more_to_read_ = true;
      return {got > 0 ? Io::Ok : Io::WantRead, got, 0};
    }
    ERR_clear_error();
    wire_.asked = false;
    std::size_t bytes = 0;
    const int result = read_once(room.subspan(got), bytes);
    got += bytes;
    if (result == 1) {
      // What comes from now on is told anew.
      if (wire_.drained && SSL_has_pending(session_.get()) == 0) return {Io::Ok, got, 0};
      continue;
    }
    const Io outcome = judge(result);
    if (outcome == Io::End || outcome == Io::Failed) {
      if (!counted_)
        count_failure(outcome == Io::End ? stats::TlsFailure::Closed : failure_of(ERR_peek_error()));
      input_ = outcome;
      break;
    }
    // After a record without content the library stops as well, whatever the socket holds.
    if (outcome == Io::WantRead && !(wire_.asked && wire_.drained)) continue;
    // An answer of the library's own waits for room: it is tried again by the next read.
    more_to_read_ = outcome == Io::WantWrite;
    return {got > 0 ? Io::Ok : outcome, got, 0};
  }
  return {got > 0 ? Io::Ok : input_, got, 0};
}

bool TlsTransport::has_pending() const {
  return input_ != Io::Ok || more_to_read_ || early_bytes_ || SSL_pending(session_.get()) > 0;
}

IoResult TlsTransport::write_record(std::span<const std::byte> bytes, bool more) {
  if (broken_) return {Io::Failed, 0, EPIPE};
  ERR_clear_error();
  wire_.more = more;
  std::size_t written = 0;
  const auto write = early_ == Early::No ? SSL_write_ex : SSL_write_early_data;
  const int result = write(session_.get(), bytes.data(), bytes.size(), &written);
  wire_.more = false;
  if (result == 1) {
    record_size_.sent(shared_.now);
    return {Io::Ok, written, 0};
  }
  record_size_.held();
  const Io outcome = judge(result);
  return {outcome == Io::End ? Io::Failed : outcome, 0, outcome == Io::Failed ? errno : 0};
}

IoResult TlsTransport::write(std::span<const iovec> pieces, bool more) {
  std::array<iovec, kMostPieces> room;
  const std::span<iovec> all(room.data(), std::min(pieces.size(), room.size()));
  std::copy_n(pieces.begin(), all.size(), all.begin());
  std::size_t sent = 0;
  std::size_t waiting = 0;
  for (const iovec& piece : all) waiting += piece.iov_len;
  for (std::span<iovec> left = behind(all, 0); !left.empty();) {
    const std::span<const std::byte> record = gather(left, record_size_.next(shared_.now));
    const IoResult step = write_record(record, more || sent + record.size() < waiting);
    if (step.outcome == Io::Failed) return step;
    if (step.outcome != Io::Ok) return {sent > 0 ? Io::Ok : step.outcome, sent, 0};
    sent += step.bytes;
    left = behind(left, step.bytes);
  }
  return {Io::Ok, sent, 0};
}

// Read and encrypted record by record. One that could not leave is kept encrypted by the library, so that what
// the file holds by then does not matter.
IoResult TlsTransport::send_file(int file, std::uint64_t offset, std::size_t length) {
  std::size_t sent = 0;
  while (sent < length) {
    const std::size_t most = std::min(length - sent, record_size_.next(shared_.now));
    const ssize_t got = ::pread(file, record_room.data(), most, static_cast<off_t>(offset + sent));
    if (got < 0) return {Io::Failed, sent, errno};
    if (got == 0) break;
    const auto size = static_cast<std::size_t>(got);
    const IoResult step = write_record({record_room.data(), size}, sent + size < length);
    if (step.outcome == Io::Failed) return step;
    if (step.outcome != Io::Ok) return {sent > 0 ? Io::Ok : step.outcome, sent, 0};
    sent += step.bytes;
  }
  return {Io::Ok, sent, 0};
}

std::uint32_t TlsTransport::unsent() const {
  int bytes = 0;
  return ::ioctl(socket_.get(), SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::uint32_t>(bytes) : 0;
}

void TlsTransport::end_writing(bool peer_ended) {
  ERR_clear_error();
  if (established_ && !broken_) SSL_shutdown(session_.get());
  if (!peer_ended) ::shutdown(socket_.get(), SHUT_WR);
}

void TlsTransport::note_facts() {
  const SSL* const session = session_.get();
  facts_.version = SSL_get_version(session);
  if (const char* const cipher = SSL_get_cipher_name(session)) facts_.cipher = cipher;
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session, &protocol, &size);
  facts_.protocol = {reinterpret_cast<const char*>(protocol), size};
  if (const char* const name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name))
    facts_.server_name = name;
  client_subject_ = client_subject(session);
  facts_.client_subject = client_subject_;
}

}  // namespace holdfast::net
