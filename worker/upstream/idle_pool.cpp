#include "worker/upstream/idle_pool.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace holdfast::upstream {

class IdlePool::Idle final : private loop::Watcher, private loop::Timer {
 public:
  Idle(IdlePool& pool, std::string of, std::unique_ptr<net::Transport> transport)
      : server(std::move(of)), pool_(pool), transport_(std::move(transport)) {}

  bool begin() {
    pool_.loop_.timers().arm(*this, pool_.loop_.now() + pool_.limits_.time);
    return watch_.start(pool_.loop_, transport_->fd(), EPOLLIN | EPOLLRDHUP, *this).has_value();
  }
  /// Null when the other side has closed, or has sent what nobody asked for.
  std::unique_ptr<net::Transport> take() {
    watch_.stop();
    char byte;
    const ssize_t got = ::recv(transport_->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (over || got >= 0 || errno != EAGAIN) return nullptr;
    return std::move(transport_);
  }

  const std::string server;
  bool over = false;

 private:
  void on_ready(std::uint32_t /*events*/) override { end(); }
  void on_timer(TimePoint /*now*/) override { end(); }
  void end() {
    over = true;
    watch_.stop();
    pool_.loop_.defer(pool_);
  }

  IdlePool& pool_;
  std::unique_ptr<net::Transport> transport_;
  loop::Watch watch_;  // closed before the transport
};

IdlePool::IdlePool(loop::EventLoop& loop, Limits limits) : loop_(loop), limits_(limits) {}
IdlePool::~IdlePool() = default;

void IdlePool::make_room(const std::string& server) {
  const auto of_server = [&server](const std::unique_ptr<Idle>& idle) { return idle->server == server; };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(idle_, of_server));
  if (count >= limits_.of_one_server) {
    idle_.erase(std::ranges::find_if(idle_, of_server));
  } else if (idle_.size() >= limits_.all) {
    idle_.pop_front();
  }
}

void IdlePool::put(const std::string& server, std::unique_ptr<net::Transport> transport) {
  make_room(server);
  auto idle = std::make_unique<Idle>(*this, server, std::move(transport));
  if (idle->begin()) idle_.push_back(std::move(idle));
}

std::unique_ptr<net::Transport> IdlePool::take(const std::string& server) {
  for (auto at = idle_.end(); at != idle_.begin();) {
    --at;
    if ((*at)->server != server) continue;
    std::unique_ptr<net::Transport> transport = (*at)->take();
    at = idle_.erase(at);
    if (transport) return transport;
  }
  return nullptr;
}

void IdlePool::on_deferred() {
  idle_.remove_if([](const std::unique_ptr<Idle>& idle) { return idle->over; });
}

}  // namespace holdfast::upstream
