// Owns every connection of a worker: limits, the walk that drains them, and their destruction, which happens in
// one place at the end of a turn.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/limits/connection_total.h"
#include "common/stats/worker_stats.h"
#include "worker/net/address_counter.h"
#include "worker/net/connection.h"
#include "worker/net/refusals.h"

namespace holdfast::net {

/// Told when room appears: connections were destroyed.
class RoomWatcher {
 public:
  virtual void on_connection_room() = 0;

 protected:
  ~RoomWatcher() = default;
};

class ConnectionTable {
 public:
  struct Limits {
    std::uint64_t connections = 0;
    std::uint64_t connections_per_ip = 0;  // 0: no limit
  };
  /// This process among all workers, which share the limits. What it refers to outlives the table.
  struct Workers {
    const limits::SharedLimits& limits;
    std::uint32_t seat;
    std::uint32_t count;  // of the configuration
  };
  /// Without `workers` the process is alone, and addresses are not counted.
  ConnectionTable(loop::EventLoop& loop, stats::WorkerStats& stats, const Limits& limits,
                  const std::optional<Workers>& workers = std::nullopt);
  ~ConnectionTable();
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  bool full() const { return total_ ? total_->full(size()) : size() >= limits_.connections; }
  /// Whether a connection from this address may be there now; one that may not is counted as refused. What
  /// comes through a PROXY header is judged by the socket first, and by the client's address once it is known.
  bool welcomes(const ListenerContext& listener, const PeerAddress& peer);
  /// One that was welcome has not come to be added.
  void not_added(const ListenerContext& listener, const PeerAddress& peer);
  /// Takes the connection in and lets it begin. Throws bad_alloc when there is no memory for it.
  void add(ListenerContext& listener, std::unique_ptr<Transport> transport, const PeerAddress& peer);

  void begin_drain(Drain how);
  bool draining() const { return draining_; }
  /// The kind that was asked for, also for connections that become idle later.
  Drain drain_kind() const { return drain_kind_; }
  std::size_t size() const { return connections_.size(); }
  /// Ends all of them now. Answers that have not left in full are cut by a reset: to an orderly end a client
  /// might take a body without a length for whole.
  void close_all();
  Refusals& refusals() { return refusals_; }

  /// Whether another handshake may go on in this turn of the loop: so few that those who wait for an answer do
  /// not notice a crowd of newcomers.
  bool may_shake_hands();

  /// End of turn: destroys what was closed. The only place where connections end.
  void destroy_closed();
  void watch_room(RoomWatcher& watcher) { room_watchers_.push_back(&watcher); }
  void unwatch_room(RoomWatcher& watcher) { std::erase(room_watchers_, &watcher); }

  /// Protocols that were replaced wait here for the end of the turn.
  void bury(std::unique_ptr<Protocol> protocol) { buried_.push_back(std::move(protocol)); }

 private:
  friend class Connection;
  void closed(Connection& connection);
  /// The client behind a PROXY header is known now; false: it may not be there.
  bool introduced(Connection& connection);
  /// Counts the address of one that may; whoever takes the connection in owns the count.
  bool may_stay(const ListenerContext& listener, const PeerAddress& peer);

  loop::EventLoop& loop_;
  Limits limits_;
  bool draining_ = false;
  Drain drain_kind_ = Drain::Gently;
  std::uint64_t next_id_ = 1;
  TimePoint handshakes_at_{};  // the turn of
  std::uint32_t handshakes_ = 0;
  stats::Cell open_;
  stats::Cell accepted_;
  stats::WorkerStats& stats_;
  Refusals refusals_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> closed_;
  std::vector<std::unique_ptr<Protocol>> buried_;
  std::optional<limits::ConnectionTotal> total_;
  AddressCounter addresses_;
  std::vector<RoomWatcher*> room_watchers_;
};

}  // namespace holdfast::net
