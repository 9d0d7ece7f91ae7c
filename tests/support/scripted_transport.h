// ScriptedTransport: a connection's bytes under the test's hand. The test puts in what the peer sends, says how
// many bytes the peer takes, and reads what was sent. A socket pair behind it is only there to wake the event
// loop.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/fd.h"
#include "worker/net/transport.h"

namespace holdfast::support {

/// The peer's end; outlives the transport.
class ScriptedPeer {
 public:
  ScriptedPeer() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    inner_ = Fd(ends[0]);
    outer_ = Fd(ends[1]);
  }

  // -- what the peer does
  void send(std::string_view bytes) {
    input_ += bytes;
    wake();
  }
  /// The same, but nobody is told: as when more is ready than one turn of the loop looks at.
  void place(std::string_view bytes) { input_ += bytes; }
  void end_sending() {
    input_ended_ = true;
    ::shutdown(outer_.get(), SHUT_WR);
  }
  void break_off() {
    broken_ = true;
    outer_.reset();
  }
  /// How many more bytes the peer takes; all without end unless this was called.
  void take_at_most(std::size_t bytes) {
    room_ = bytes;
    wake();
  }
  void take_everything() { take_at_most(SIZE_MAX); }
  /// How much of what it took is still on its way to it.
  void has_not_received(std::uint32_t bytes) { unsent_ = bytes; }
  /// What the last write said of what follows it.
  bool told_more() const { return told_more_; }
  /// How many bytes came together with each part of a file, before it.
  const std::vector<std::size_t>& heads_before_files() const { return heads_; }
  /// How many bytes one write or read may move.
  void move_at_most(std::size_t bytes) { step_ = bytes; }

  // -- what has become of it
  const std::string& received() const { return output_; }
  std::string take_received() { return std::exchange(output_, {}); }
  bool writing_ended() const { return ended_; }
  bool closed() const { return closed_; }
  /// The connection was reset rather than ended in order.
  bool was_reset() const { return reset_; }
  std::size_t unread() const { return input_.size(); }
  std::size_t reads() const { return reads_; }

 private:
  friend class ScriptedTransport;
  void wake() {
    if (outer_) (void)::send(outer_.get(), "x", 1, MSG_NOSIGNAL);
  }

  Fd inner_, outer_;
  std::string input_, output_;
  std::uint32_t unsent_ = 0;
  bool input_ended_ = false, broken_ = false, ended_ = false, closed_ = false, reset_ = false;
  bool told_more_ = false;
  std::vector<std::size_t> heads_;
  std::size_t room_ = SIZE_MAX, step_ = SIZE_MAX, reads_ = 0;
};

class ScriptedTransport final : public net::Transport {
 public:
  explicit ScriptedTransport(ScriptedPeer& peer) : peer_(peer) {}
  ~ScriptedTransport() override {
    linger how{};
    socklen_t length = sizeof how;
    ::getsockopt(fd(), SOL_SOCKET, SO_LINGER, &how, &length);
    peer_.reset_ = how.l_onoff != 0;
    peer_.closed_ = true;
    peer_.inner_.reset();
  }

  int fd() const override { return peer_.inner_.get(); }
  net::IoResult handshake() override { return {}; }
  net::IoResult read(std::span<std::byte> room) override {
    ++peer_.reads_;
    char waste[256];
    while (::read(fd(), waste, sizeof waste) > 0) {
    }
    if (peer_.broken_) return {net::Io::Failed, 0, ECONNRESET};
    if (peer_.input_.empty()) return {peer_.input_ended_ ? net::Io::End : net::Io::WantRead, 0, 0};
    const std::size_t part = std::min({room.size(), peer_.input_.size(), peer_.step_});
    std::memcpy(room.data(), peer_.input_.data(), part);
    peer_.input_.erase(0, part);
    // A short read means an empty socket; what is left is as if it had come after.
    if (!peer_.input_.empty() && part < room.size()) peer_.wake();
    return {net::Io::Ok, part, 0};
  }
  net::IoResult write(std::span<const iovec> pieces, bool more) override {
    peer_.told_more_ = more;
    if (peer_.broken_) return {net::Io::Failed, 0, EPIPE};
    std::size_t most = std::min(peer_.room_, peer_.step_);
    if (most == 0) return {net::Io::WantWrite, 0, 0};
    std::size_t sent = 0;
    for (const iovec& piece : pieces) {
      const std::size_t part = std::min(piece.iov_len, most);
      peer_.output_.append(static_cast<const char*>(piece.iov_base), part);
      most -= part;
      sent += part;
    }
    took(sent);
    return {net::Io::Ok, sent, 0};
  }
  net::IoResult send_file(std::span<const iovec> head, int file, std::uint64_t offset,
                          std::size_t length) override {
    std::size_t before_file = 0;
    std::size_t size = 0;
    for (const iovec& piece : head) size += piece.iov_len;
    peer_.heads_.push_back(size);
    if (!head.empty()) {
      const net::IoResult sent = write(head, true);
      if (sent.outcome != net::Io::Ok || sent.bytes < size) return sent;
      before_file = size;
    }
    if (peer_.broken_) return {net::Io::Failed, 0, EPIPE};
    const std::size_t most = std::min({peer_.room_, peer_.step_, length});
    if (most == 0 && before_file > 0) return {net::Io::Ok, before_file, 0};
    if (most == 0) return {net::Io::WantWrite, 0, 0};
    const std::size_t before = peer_.output_.size();
    peer_.output_.resize(before + most);
    const ssize_t got = ::pread(file, peer_.output_.data() + before, most, static_cast<off_t>(offset));
    const std::size_t sent = got > 0 ? static_cast<std::size_t>(got) : 0;
    peer_.output_.resize(before + sent);
    took(sent);
    return {net::Io::Ok, before_file + sent, 0};
  }
  std::uint32_t unsent() const override { return peer_.unsent_; }
  void end_writing(bool /*peer_ended*/) override { peer_.ended_ = true; }
  bool has_pending() const override { return false; }
  const api::TlsFacts* tls() const override { return nullptr; }

 private:
  void took(std::size_t bytes) {
    if (peer_.room_ != SIZE_MAX) peer_.room_ -= bytes;
  }

  ScriptedPeer& peer_;
};

}  // namespace holdfast::support
