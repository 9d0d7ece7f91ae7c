// What a connection has still to send: ordered pieces, bytes or file ranges. Small bytes gather in pooled
// chunks, so that many answers leave with one system call; an empty queue holds no memory. Owned by its
// Connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/api/body.h"
#include "worker/net/transport.h"

namespace holdfast::net {

/// Free chunks and pieces of one worker; given to every queue. Keeps a bounded reserve.
class PiecePool;

class OutputQueue {
 public:
  OutputQueue() = default;
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  ~OutputQueue() { clear(); }

  /// Above the high mark a protocol stops producing; under the low mark it is asked for more.
  static constexpr std::size_t kHighMark = 256 * 1024;
  static constexpr std::size_t kLowMark = 64 * 1024;
  static constexpr std::size_t kChunk = 16 * 1024 - 64;

  bool empty() const { return head_ == nullptr; }
  /// Bytes not yet handed to the transport, file ranges included.
  std::uint64_t size() const { return size_; }

  /// Copies.
  void append(std::string_view bytes);
  /// Contiguous room for at least `least` (at most kChunk) bytes at the end; commit() makes the first part of
  /// it output, commit(0) gives back what was not needed.
  std::span<std::byte> room(std::size_t least);
  void commit(std::size_t bytes);
  /// Keeps the view until `hold` is released, after the last byte has left.
  void append_held(std::string_view bytes, api::BodyHold hold);
  void append_file(int fd, std::uint64_t offset, std::uint64_t length, api::BodyHold hold);

  enum class Flush : std::uint8_t {
    Empty,      // all sent
    Blocked,    // the socket takes no more now
    Yielded,    // the share of this turn is used up
    Shortened,  // a file ended before its announced length, or was rewritten: the connection must not look
                // whole
    Failed      // the peer is gone
  };
  struct Flushed {
    Flush outcome = Flush::Empty;
    std::uint64_t bytes = 0;
    int error = 0;
  };
  /// Sends as much as the transport takes, at most about `share` bytes (a part of a file of twice that length
  /// goes whole). `end_follows`: our side is ended right after the last byte, so that both can share a packet.
  Flushed flush(Transport& transport, std::uint64_t share, bool end_follows = false);
  void clear();

 private:
  struct Piece;
  friend class PiecePool;
  static PiecePool& pool();

  Piece* push(Piece* piece);
  void pop();
  Flushed flush_some(Transport& transport, std::uint64_t share, bool end_follows);
  Flushed flush_file(Transport& transport, std::span<const iovec> before, const Piece& file,
                     std::uint64_t share);
  void drop_front(std::size_t bytes);

  Piece* head_ = nullptr;
  Piece* tail_ = nullptr;
  std::uint64_t size_ = 0;
  bool waited_ = false;  // what is here could not leave in one turn
};

}  // namespace holdfast::net
