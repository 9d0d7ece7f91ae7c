// Connections that wait for another request to the same server. Bounded in number and time; one that the other
// side closes, or writes to, is closed here too.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "worker/loop/event_loop.h"
#include "worker/net/transport.h"

namespace holdfast::upstream {

class IdlePool final : private loop::Deferred {
 public:
  struct Limits {
    std::size_t all = 64;
    std::size_t of_one_server = 16;
    /// Less than what servers commonly wait, so that it is rarely they who close (5 s and more).
    Milliseconds time{4'000};
  };

  IdlePool(loop::EventLoop& loop, Limits limits);
  ~IdlePool();
  IdlePool(const IdlePool&) = delete;
  IdlePool& operator=(const IdlePool&) = delete;

  /// `server`: scheme, host and port, and who was believed.
  void put(const std::string& server, std::unique_ptr<net::Transport> transport);
  /// The one that has waited least, as it seems to be open still; null: there is none.
  std::unique_ptr<net::Transport> take(const std::string& server);

 private:
  class Idle;
  void on_deferred() override;
  void make_room(const std::string& server);

  loop::EventLoop& loop_;
  const Limits limits_;
  std::list<std::unique_ptr<Idle>> idle_;  // the oldest first
};

}  // namespace holdfast::upstream
