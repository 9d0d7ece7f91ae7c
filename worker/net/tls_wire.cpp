#include "worker/net/tls_wire.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "worker/net/record_size.h"

namespace holdfast::net {
namespace {

// Header, content, and what encryption may add (RFC 8446 section 5.2).
constexpr std::size_t kLargestRecord = 5 + RecordSize::kLargest + 256;

// A worker has one thread that writes. More records would save little, and a slow reader keeps half of this on
// average.
std::array<std::byte, TlsWire::kGathered * kLargestRecord> gathered;
std::size_t gathered_size = 0;

bool may_retry() {
  return errno == EAGAIN || errno == EINTR;
}

}  // namespace

/// The library's own socket writes each record by itself and as if it were the last, which makes four times as
/// many packets, and does not tell whether it has read all that was there, which costs another system call to
/// find out.
struct TlsBio {
  static TlsWire& wire_of(BIO* bio) { return *static_cast<TlsWire*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
    BIO_clear_retry_flags(bio);
    const std::ptrdiff_t put = wire_of(bio).put({reinterpret_cast<const std::byte*>(bytes), size});
    if (put < 0 && may_retry()) BIO_set_retry_write(bio);
    *written = put > 0 ? static_cast<std::size_t>(put) : 0;
    return put > 0 ? 1 : 0;
  }

  static int read(BIO* bio, char* room, std::size_t size, std::size_t* got) {
    BIO_clear_retry_flags(bio);
    const std::ptrdiff_t read = wire_of(bio).get({reinterpret_cast<std::byte*>(room), size});
    if (read < 0 && may_retry()) BIO_set_retry_read(bio);
    *got = read > 0 ? static_cast<std::size_t>(read) : 0;
    return read > 0 ? 1 : 0;
  }

  static long control(BIO* bio, int what, long /*number*/, void* /*of*/) {
    if (what == BIO_CTRL_EOF) return wire_of(bio).ended_ ? 1 : 0;
    return what == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "records");
      if (made != nullptr) {
        BIO_meth_set_write_ex(made, write);
        BIO_meth_set_read_ex(made, read);
        BIO_meth_set_ctrl(made, control);
      }
      return made;
    }();
    return method;
  }
};

bool TlsWire::attach(ssl_st* session) {
  BIO* const bio = TlsBio::method() != nullptr ? BIO_new(TlsBio::method()) : nullptr;
  if (bio == nullptr) return false;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(session, bio, bio);
  return true;
}

std::ptrdiff_t TlsWire::get(std::span<std::byte> room) {
  const ssize_t read = ::recv(socket_, room.data(), room.size(), 0);
  asked_ = true;
  drained_ = read < static_cast<ssize_t>(room.size());
  ended_ = read == 0;
  return read;
}

std::ptrdiff_t TlsWire::put(std::span<const std::byte> bytes) {
  if (!gathers_) {
    if (left_ && send_left_over() != Io::Ok) return -1;
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // Records of the library's own may come in between.
  if (bytes.size() > gathered.size() - gathered_size) {
    if (send_gathered(true) != Io::Ok) return -1;
    gather();
    // Larger than any record: never so far, and to be sent rather than to overflow.
    if (bytes.size() > gathered.size()) return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  std::memcpy(gathered.data() + gathered_size, bytes.data(), bytes.size());
  gathered_size += bytes.size();
  return static_cast<std::ptrdiff_t>(bytes.size());
}

void TlsWire::gather() {
  gathers_ = true;
  gathered_size = 0;
}

bool TlsWire::has_room(std::size_t records) const {
  return gathered.size() - gathered_size >= records * kLargestRecord;
}

Io TlsWire::send_gathered(bool more) {
  if (!std::exchange(gathers_, false)) return left_ ? Io::WantWrite : Io::Ok;
  if (gathered_size == 0) return Io::Ok;
  const ssize_t sent = ::send(socket_, gathered.data(), gathered_size, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  if (sent < 0 && !may_retry()) return Io::Failed;
  const std::size_t taken = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  return taken == gathered_size ? Io::Ok : keep(taken);
}

/// Not an exception when there is no memory: it would pass through the library.
Io TlsWire::keep(std::size_t taken) {
  left_.reset(new (std::nothrow) std::byte[gathered_size - taken]);
  if (!left_) {
    errno = ENOMEM;
    return Io::Failed;
  }
  std::memcpy(left_.get(), gathered.data() + taken, gathered_size - taken);
  left_begin_ = left_kept_ = static_cast<std::uint32_t>(taken);
  left_end_ = static_cast<std::uint32_t>(gathered_size);
  errno = EAGAIN;
  return Io::WantWrite;
}

Io TlsWire::send_left_over() {
  if (!left_) return Io::Ok;
  const ssize_t sent =
      ::send(socket_, left_.get() + (left_begin_ - left_kept_), left_end_ - left_begin_, MSG_NOSIGNAL);
  if (sent < 0) return may_retry() ? Io::WantWrite : Io::Failed;
  left_begin_ += static_cast<std::uint32_t>(sent);
  if (left_begin_ < left_end_) {
    errno = EAGAIN;
    return Io::WantWrite;
  }
  left_.reset();
  return Io::Ok;
}

}  // namespace holdfast::net
