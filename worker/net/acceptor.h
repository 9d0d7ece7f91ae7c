// One listening socket of this worker: accepts until empty, within limits. Out of descriptors or at the
// connection limit it stops watching, so that nothing spins, and goes on when a connection has ended or after a
// moment; clients wait in the kernel's queue meanwhile.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string_view>

#include "common/log.h"
#include "worker/loop/event_loop.h"
#include "worker/net/connection_table.h"

namespace holdfast::net {

/// Wraps an accepted socket: plain or TLS, as the listener is configured.
class TransportFactory {
 public:
  virtual std::unique_ptr<Transport> wrap(Fd socket) = 0;

 protected:
  ~TransportFactory() = default;
};

class Acceptor final : private loop::Watcher, private loop::Timer, private RoomWatcher {
 public:
  /// `socket` is borrowed: it belongs to the slot, other processes hold it too.
  Acceptor(loop::EventLoop& loop, ConnectionTable& table, int socket, ListenerContext context,
           TransportFactory& transports);
  ~Acceptor();

  Result<void> start();
  /// Leaves epoll explicitly: closing would not, while another process holds the socket.
  void stop();
  /// Takes what waits in the queue, then stops and closes this process's descriptor of the socket: once the
  /// master and a successor have none either, nobody can be queued where nobody accepts.
  void release();

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(TimePoint now) override;
  void on_connection_room() override;
  /// Accepts until the queue is empty, at most so many; true when more may be waiting.
  bool accept_some(std::uint32_t most);
  bool take(Fd socket, const sockaddr_storage& address);
  void pause(stats::RefusedReason reason, std::string_view why);

  loop::EventLoop& loop_;
  ConnectionTable& table_;
  int socket_;
  ListenerContext context_;
  TransportFactory& transports_;
  loop::Watch watch_;
  // As many as came last time: asking once more to hear that nobody is left would cost a system call for each
  // lone connection. The registration is level-triggered, so whoever is left brings the next event.
  std::uint32_t expected_ = 1;
  bool stopped_ = true;
  bool paused_ = false;
  Milliseconds pause_{};  // of the last time
  LogRate pause_lines_{1, Milliseconds(10'000)};
};

}  // namespace holdfast::net
