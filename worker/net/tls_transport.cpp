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

// Content on its way to be encrypted; a worker has one thread that writes.
std::array<std::byte, TlsWire::kGathered * kRecord> plain_room;

std::size_t total(std::span<const iovec> pieces) {
  std::size_t size = 0;
  for (const iovec& piece : pieces) size += piece.iov_len;
  return size;
}

/// Copies what `pieces` have behind their first `skipped` bytes into the room, at most `limit` bytes. Returns
/// how many.
std::size_t copy_behind(std::span<const iovec> pieces, std::size_t skipped, std::size_t limit) {
  std::size_t size = 0;
  for (const iovec& piece : pieces) {
    const std::size_t skip = std::min(skipped, piece.iov_len);
    const std::size_t part = std::min(piece.iov_len - skip, limit - size);
    if (part > 0) std::memcpy(plain_room.data() + size, static_cast<std::byte*>(piece.iov_base) + skip, part);
    skipped -= skip;
    size += part;
    if (size == limit) break;
  }
  return size;
}

/// Whether `size` bytes make a record of their own: to fill its last eighth would cost a copy of all.
bool fills_record(std::size_t size, std::size_t limit) {
  return size <= limit && size >= limit - limit / 8;
}

/// The content of the next record: the beginning of `pieces`, at most `limit` bytes. A short piece shares one
/// with what follows, by a copy; but not with the first of several that fill records, as it would shift them
/// all.
std::span<const std::byte> next_content(std::span<const iovec> pieces, std::size_t limit) {
  const std::size_t front = std::min(pieces.front().iov_len, limit);
  const bool shifts = pieces.size() > 2 && fills_record(pieces[1].iov_len, limit);
  if (pieces.size() == 1 || shifts || fills_record(front, limit))
    return {static_cast<const std::byte*>(pieces.front().iov_base), front};
  return {plain_room.data(), copy_behind(pieces, 0, limit)};
}

/// Takes the first `bytes` away from `pieces`.
std::span<iovec> behind(std::span<iovec> pieces, std::size_t bytes) {
  while (!pieces.empty() && bytes >= pieces.front().iov_len) {
    bytes -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (bytes == 0 || pieces.empty()) return pieces;
  pieces.front().iov_base = static_cast<std::byte*>(pieces.front().iov_base) + bytes;
  pieces.front().iov_len -= bytes;
  return pieces;
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
    : socket_(std::move(socket)), wire_(socket_.get()), session_(std::move(session)), shared_(shared) {
  if (session_ && wire_.attach(session_.get())) {
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
    switch (SSL_read_early_data(session_.get(), plain_room.data(), kRecord, &bytes)) {
      case SSL_READ_EARLY_DATA_SUCCESS:
        early_ = Early::Coming;
        early_bytes_ = std::make_unique<std::string>(reinterpret_cast<const char*>(plain_room.data()), bytes);
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
  while (::recv(socket_.get(), plain_room.data(), kRecord, MSG_DONTWAIT) > 0) continue;
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
  more_to_read_ = false;
  for (int records = 0; got < room.size() && input_ == Io::Ok; ++records) {
    if (records == kRecordsPerRead) {
      more_to_read_ = true;
      return {got > 0 ? Io::Ok : Io::WantRead, got, 0};
    }
    ERR_clear_error();
    wire_.forget_reads();
    std::size_t bytes = 0;
    const int result = read_once(room.subspan(got), bytes);
    got += bytes;
    if (result == 1) {
      // What comes from now on is told anew.
      if (wire_.drained() && SSL_has_pending(session_.get()) == 0) return {Io::Ok, got, 0};
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
    if (outcome == Io::WantRead && !(wire_.asked() && wire_.drained())) continue;
    // An answer of the library's own waits for room: it is tried again by the next read.
    more_to_read_ = outcome == Io::WantWrite;
    return {got > 0 ? Io::Ok : outcome, got, 0};
  }
  return {got > 0 ? Io::Ok : input_, got, 0};
}

bool TlsTransport::has_pending() const {
  return input_ != Io::Ok || more_to_read_ || early_bytes_ || SSL_pending(session_.get()) > 0;
}

IoResult TlsTransport::write_record(std::span<const std::byte> bytes) {
  std::size_t written = 0;
  const auto write = early_ == Early::No ? SSL_write_ex : SSL_write_early_data;
  const int result = write(session_.get(), bytes.data(), bytes.size(), &written);
  if (result == 1) {
    record_size_.sent(shared_.now);
    return {Io::Ok, written, 0};
  }
  record_size_.held();
  const Io outcome = judge(result);
  return {outcome == Io::End ? Io::Failed : outcome, 0, outcome == Io::Failed ? errno : 0};
}

IoResult TlsTransport::resume_writing() {
  if (broken_) return {Io::Failed, 0, EPIPE};
  ERR_clear_error();
  const Io outcome = wire_.send_left_over();
  broken_ = outcome == Io::Failed;
  if (outcome != Io::Ok) return {outcome, 0, broken_ ? errno : 0};
  return {Io::Ok, std::exchange(held_, 0), 0};
}

IoResult TlsTransport::write_records(std::span<iovec> pieces, bool more) {
  IoResult last;
  std::size_t sent = 0;
  for (std::span<iovec> left = behind(pieces, 0); !left.empty() && last.outcome == Io::Ok;) {
    last = gather_records(left);
    if (last.outcome != Io::Failed) last = send_records(last, more || !left.empty());
    sent += last.bytes;
  }
  if (last.outcome == Io::Failed) return last;
  return {sent > 0 ? Io::Ok : last.outcome, sent, 0};
}

// The library gives its room for a record back after each one and takes it again for the next: here after the
// last one only.
IoResult TlsTransport::gather_records(std::span<iovec>& left) {
  IoResult step;
  std::size_t gathered = 0;
  SSL_clear_mode(session_.get(), SSL_MODE_RELEASE_BUFFERS);
  for (wire_.gather(); !left.empty() && wire_.has_room(1) && step.outcome == Io::Ok;) {
    const std::span<const std::byte> content = next_content(left, record_size_.next(shared_.now));
    if (content.size() == total(left) || !wire_.has_room(2))
      SSL_set_mode(session_.get(), SSL_MODE_RELEASE_BUFFERS);
    step = write_record(content);
    gathered += step.bytes;
    left = behind(left, step.bytes);
  }
  SSL_set_mode(session_.get(), SSL_MODE_RELEASE_BUFFERS);
  if (step.outcome == Io::Failed) wire_.drop_gathered();
  return {step.outcome, gathered, step.error};
}

IoResult TlsTransport::send_records(const IoResult& gathered, bool more) {
  const Io taken = wire_.send_gathered(more);
  if (taken == Io::Ok) return gathered;
  broken_ = taken == Io::Failed;
  held_ = gathered.bytes;
  record_size_.held();
  return {taken, 0, broken_ ? errno : 0};
}

IoResult TlsTransport::write(std::span<const iovec> pieces, bool more) {
  const IoResult resumed = resume_writing();
  if (resumed.outcome != Io::Ok) return resumed;
  std::array<iovec, kMostPieces> room;
  const std::span<iovec> all(room.data(), std::min(pieces.size(), room.size()));
  std::copy_n(pieces.begin(), all.size(), all.begin());
  const IoResult rest = write_records(behind(all, resumed.bytes), more);
  if (rest.outcome == Io::Failed) return rest;
  const std::size_t sent = resumed.bytes + rest.bytes;
  return {sent > 0 ? Io::Ok : rest.outcome, sent, 0};
}

// Read and encrypted piece by piece. What could not leave is kept encrypted, so that what the file holds by
// then does not matter.
IoResult TlsTransport::send_file(std::span<const iovec> head, int file, std::uint64_t offset,
                                 std::size_t length) {
  const std::size_t head_size = total(head);
  if (head_size >= kRecord) return write(head, true);
  const IoResult resumed = resume_writing();
  if (resumed.outcome != Io::Ok) return resumed;
  const std::size_t whole = head_size + length;
  IoResult last;
  std::size_t sent = resumed.bytes;
  while (sent < whole && last.outcome == Io::Ok) {
    std::size_t size = sent < head_size ? copy_behind(head, sent, kRecord) : 0;
    const ssize_t got =
        ::pread(file, plain_room.data() + size, std::min(whole - sent, plain_room.size()) - size,
                static_cast<off_t>(offset + sent + size - head_size));
    if (got < 0) return {Io::Failed, 0, errno};
    size += static_cast<std::size_t>(got);
    if (size == 0) break;
    iovec piece{plain_room.data(), size};
    last = write_records({&piece, 1}, sent + size < whole);
    if (last.outcome == Io::Failed) return last;
    sent += last.bytes;
    if (last.bytes < size) break;
  }
  return {sent > 0 ? Io::Ok : last.outcome, sent, 0};
}

std::uint32_t TlsTransport::unsent() const {
  int bytes = 0;
  if (::ioctl(socket_.get(), SIOCOUTQ, &bytes) != 0 || bytes <= 0) return 0;
  // Nobody was told yet that these were written.
  const auto early = std::min<std::uint32_t>(static_cast<std::uint32_t>(bytes), wire_.sent_of_left_over());
  return static_cast<std::uint32_t>(bytes) - early;
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
