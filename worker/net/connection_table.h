// Owns every connection of a worker: limits, the walk that drains them, and their destruction, which happens in
// one place at the end of a turn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/log.h"
#include "common/stats/worker_stats.h"
#include "worker/net/connection.h"

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
    std::uint64_t connections = 0;         // of this worker
    std::uint64_t connections_per_ip = 0;  // 0: no limit
  };
  ConnectionTable(loop::EventLoop& loop, stats::WorkerStats& stats, const Limits& limits);
  ~ConnectionTable();
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  bool full() const { return connections_.size() >= limits_.connections; }
  /// False when this address has all the connections it may have.
  bool address_has_room(const PeerAddress& peer) const;
  /// Takes the connection in and lets it begin. Its address is counted at once, unless it begins by telling
  /// another.
  void add(ListenerContext& listener, std::unique_ptr<Transport> transport, const PeerAddress& peer);
  /// Counts the connection under its peer's address; false, and not counted, when that one has no room.
  bool count_address(Connection& connection);
  /// A connection is closed for a reason of ours: counted, and told in the log at a bounded rate.
  void refused(const Connection& connection, stats::RefusedReason reason, std::string_view detail);

  void begin_drain(Drain how);
  bool draining() const { return draining_; }
  std::size_t size() const { return connections_.size(); }
  void close_all();

  /// End of turn: destroys what was closed. The only place where connections end.
  void destroy_closed();
  void watch_room(RoomWatcher& watcher) { room_watchers_.push_back(&watcher); }
  void unwatch_room(RoomWatcher& watcher) { std::erase(room_watchers_, &watcher); }

  /// Protocols that were replaced wait here for the end of the turn.
  void bury(std::unique_ptr<Protocol> protocol) { buried_.push_back(std::move(protocol)); }

 private:
  friend class Connection;
  void closed(Connection& connection);
  static std::string address_key(const PeerAddress& peer);

  loop::EventLoop& loop_;
  Limits limits_;
  bool draining_ = false;
  std::uint64_t next_id_ = 1;
  stats::Cell open_;
  stats::WorkerStats& stats_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> closed_;
  std::vector<std::unique_ptr<Protocol>> buried_;
  std::unordered_map<std::string, std::uint32_t> by_address_;
  std::vector<RoomWatcher*> room_watchers_;
  LogRate refusal_lines_{5, Milliseconds(10'000)};
};

}  // namespace holdfast::net
