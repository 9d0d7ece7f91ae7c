// A connection's bytes, encrypted or not: one interface over plain TCP, unix sockets and TLS. Never blocks;
// owned by one Connection.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/api/request.h"

namespace holdfast::net {

enum class Io : std::uint8_t {
  Ok,         // `bytes` were moved
  WantRead,   // nothing moved: wait until the socket is readable (also while writing, as TLS may)
  WantWrite,  // nothing moved: wait until it is writable
  End,        // the peer has ended its side
  Failed      // the connection is broken; `error` is an errno, 0 when the transport itself failed
};

struct IoResult {
  Io outcome = Io::Ok;
  std::size_t bytes = 0;
  int error = 0;
};

class Transport {
 public:
  static constexpr std::size_t kMostPieces = 16;

  virtual ~Transport() = default;

  virtual int fd() const = 0;
  /// Until this answers Ok no other function is called. Plain transports are Ok at once.
  virtual IoResult handshake() = 0;
  virtual IoResult read(std::span<std::byte> room) = 0;
  /// At most kMostPieces. A short write means that the socket is full. `more`: other bytes follow at once, so a
  /// short packet may wait for them.
  virtual IoResult write(std::span<const iovec> pieces, bool more) = 0;
  /// Sends `head` (at most kMostPieces, or none) and behind it file bytes from `offset`, without moving the
  /// descriptor's own position. Ok with 0 bytes: the file ended early.
  virtual IoResult send_file(std::span<const iovec> head, int file, std::uint64_t offset,
                             std::size_t length) = 0;
  /// Bytes that were written and that the peer has not received yet; 0 when that cannot be told.
  virtual std::uint32_t unsent() const = 0;
  /// Ends our side; the peer's stays readable. `peer_ended`: everything was read, and the socket is closed
  /// next: a close ends our side in order then.
  virtual void end_writing(bool peer_ended) = 0;
  /// Decrypted bytes wait inside: read() would yield without a readable socket.
  virtual bool has_pending() const = 0;
  /// What TLS has settled; null when nothing is encrypted. Lives as long as the transport.
  virtual const api::TlsFacts* tls() const = 0;
};

}  // namespace holdfast::net
