#include "worker/net/connection_table.h"

#include <algorithm>
#include <utility>

namespace holdfast::net {
namespace {

bool is_among(const AddressSet* addresses, const PeerAddress& peer) {
  return addresses == nullptr || peer.family == 0 || addresses->contains(peer.mapped());
}

}  // namespace

ConnectionTable::ConnectionTable(loop::EventLoop& loop, stats::WorkerStats& stats, const Limits& limits,
                                 const std::optional<Workers>& workers)
    : loop_(loop),
      limits_(limits),
      open_(stats.cell(stats::Metric::WorkerConnections)),
      accepted_(stats.cell(stats::Metric::WorkerAccepted)),
      stats_(stats),
      refusals_(stats),
      addresses_(workers ? &workers->limits : nullptr, stats.segment(), workers ? workers->seat : 0,
                 limits.connections_per_ip) {
  if (workers) total_.emplace(stats.segment(), workers->seat, limits.connections, workers->count);
}

ConnectionTable::~ConnectionTable() {
  close_all();
  destroy_closed();
}

bool ConnectionTable::may_stay(const ListenerContext& listener, const PeerAddress& peer) {
  const bool allowed = is_among(listener.allowed, peer);
  if (allowed && addresses_.take(peer)) return true;
  refusals_.refused(allowed ? stats::RefusedReason::AddressLimit : stats::RefusedReason::NotAllowed, peer, {},
                    loop_.now());
  return false;
}

bool ConnectionTable::welcomes(const ListenerContext& listener, const PeerAddress& peer) {
  if (!listener.proxy) return may_stay(listener, peer);
  if (is_among(listener.proxies, peer)) return true;
  refusals_.refused(stats::RefusedReason::ProxySource, peer, {}, loop_.now());
  return false;
}

bool ConnectionTable::introduced(Connection& connection) {
  connection.address_counted_ = may_stay(connection.listener(), connection.peer());
  return connection.address_counted_;
}

void ConnectionTable::add(ListenerContext& listener, std::unique_ptr<Transport> transport,
                          const PeerAddress& peer) {
  auto connection = std::make_unique<Connection>(*this, loop_, listener, std::move(transport), peer);
  connection->id_ = next_id_++;
  connection->index_ = static_cast<std::uint32_t>(connections_.size());
  connection->address_counted_ = !listener.proxy;
  Connection& begun = *connection;
  connections_.push_back(std::move(connection));
  open_.add();
  stats_.activity().connections.store(connections_.size(), std::memory_order_relaxed);
  listener.accepted.add();
  accepted_.add();
  begun.begin();
}

void ConnectionTable::not_added(const ListenerContext& listener, const PeerAddress& peer) {
  if (!listener.proxy) addresses_.give_back(peer);
}

void ConnectionTable::closed(Connection& connection) {
  if (connection.address_counted_) addresses_.give_back(connection.peer());
  const std::uint32_t index = connection.index_;
  closed_.push_back(std::move(connections_[index]));
  if (index + 1 != connections_.size()) {
    connections_[index] = std::move(connections_.back());
    connections_[index]->index_ = index;
  }
  connections_.pop_back();
  open_.subtract();
  stats_.activity().connections.store(connections_.size(), std::memory_order_relaxed);
}

void ConnectionTable::begin_drain(Drain how) {
  draining_ = true;
  if (how == Drain::Soon) drain_kind_ = how;
  // Draining closes idle connections, which moves the last one into the gap: from the back each is met once.
  for (std::size_t i = connections_.size(); i > 0; --i)
    if (i <= connections_.size()) connections_[i - 1]->drain(how);
}

void ConnectionTable::close_all() {
  while (!connections_.empty()) connections_.back()->cut();
}

bool ConnectionTable::may_shake_hands() {
  constexpr std::uint32_t kHandshakesPerTurn = 8;
  if (handshakes_at_ != loop_.now()) handshakes_ = 0;
  handshakes_at_ = loop_.now();
  return handshakes_++ < kHandshakesPerTurn;
}

void ConnectionTable::destroy_closed() {
  if (!buried_.empty()) std::exchange(buried_, {});
  if (closed_.empty()) return;
  // A destructor may close nothing more, but it may run handlers' destructors: take the list first.
  const std::vector<std::unique_ptr<Connection>> ending = std::exchange(closed_, {});
  for (RoomWatcher* watcher : room_watchers_) watcher->on_connection_room();
}

}  // namespace holdfast::net
