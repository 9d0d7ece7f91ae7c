// Plain bytes on a stream socket.
#pragma once

#include "common/fd.h"
#include "worker/net/transport.h"

namespace holdfast::net {

class TcpTransport final : public Transport {
 public:
  explicit TcpTransport(Fd socket) : socket_(std::move(socket)) {}

  int fd() const override { return socket_.get(); }
  IoResult handshake() override { return {}; }
  IoResult read(std::span<std::byte> room) override;
  IoResult write(std::span<const iovec> pieces, bool more) override;
  IoResult send_file(std::span<const iovec> head, int file, std::uint64_t offset, std::size_t length) override;
  std::uint32_t unsent() const override;
  void end_writing(bool peer_ended) override;
  bool has_pending() const override { return false; }
  const api::TlsFacts* tls() const override { return nullptr; }

 private:
  Fd socket_;
};

}  // namespace holdfast::net
