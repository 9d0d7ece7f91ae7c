// Where the records of a TLS session come from and go to: its socket, as the library's BIO. Records that are
// made one after the other gather in a room of the worker and leave with one system call; what the socket does
// not take of them is kept for the session, and leaves before anything else does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "worker/net/transport.h"

struct ssl_st;

namespace holdfast::net {

class TlsWire {
 public:
  static constexpr std::size_t kGathered = 3;  // records at most

  explicit TlsWire(int socket) : socket_(socket) {}
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;

  /// Gives `session` this wire, which outlives it. False: there is no memory.
  bool attach(ssl_st* session);

  // -- what reading has found
  /// From now on asked() and drained() are of what follows.
  void forget_reads() { asked_ = drained_ = false; }
  /// The library has read from the socket.
  bool asked() const { return asked_; }
  /// And got all that was there.
  bool drained() const { return drained_; }

  // -- writing; records of the library's own, made while none gather, leave at once
  /// Records gather from now on. Only while nothing is left over.
  void gather();
  /// Whether so many more of the largest size have room.
  bool has_room(std::size_t records) const;
  /// Sends what has gathered. Ok: all of it; WantWrite: the rest is left over; Failed: see errno. `more`: other
  /// records follow at once.
  Io send_gathered(bool more);
  /// Nothing gathers any more, and what did is lost: the session has failed.
  void drop_gathered() { gathers_ = false; }
  /// Sends what was left over; as above.
  Io send_left_over();
  /// How much of what was left over has been sent already.
  std::uint32_t sent_of_left_over() const { return left_ ? left_begin_ : 0; }

 private:
  friend struct TlsBio;
  std::ptrdiff_t put(std::span<const std::byte> bytes);
  Io keep(std::size_t taken);
  std::ptrdiff_t get(std::span<std::byte> room);

  const int socket_;
  bool gathers_ = false;
  bool asked_ = false;
  bool drained_ = false;
  bool ended_ = false;  // the peer has ended its side
  std::unique_ptr<std::byte[]> left_;
  std::uint32_t left_begin_ = 0;  // of the gathering that was not taken at once: how much has been sent by now
  std::uint32_t left_kept_ = 0;   // of it, where what was kept begins
  std::uint32_t left_end_ = 0;
};

}  // namespace holdfast::net
