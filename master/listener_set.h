// Every listening socket of the server, by endpoint and worker slot. The master owns one for its whole life:
// processes inherit the sockets and come and go, the sockets stay, and so does what is queued in them.
//
// An endpoint of TCP has one SO_REUSEPORT socket a slot. When the number of workers falls, new connections are
// steered to the sockets of the staying slots. Those of the leaving slots are not closed, since closing would
// reset the connections that are queued in them, or whose handshake is under way: a staying slot serves them as
// well, and they wait there, empty and at no cost, until there are more workers again. When the number rises,
// the new sockets get their first connection only once the new workers serve.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/endpoint.h"
#include "common/fd.h"
#include "common/result.h"
#include "master/load_board.h"
#include "master/reload_plan.h"
#include "master/steering.h"

namespace holdfast::master {

/// An endpoint as one master leaves it to another; descriptors by number.
struct HandedEndpoint {
  EndpointNeed need;
  Endpoint actual;
  std::vector<int> sockets;
  std::size_t chosen = 0;  // the first so many get new connections
  bool shared = false;     // one socket for all workers
  int map = -1;            // of the program that balances them, and how many of them are in it
  std::size_t mapped = 0;
};

/// A socket that the service manager has given at the start.
struct OfferedSocket {
  std::string listener;  // its name: FileDescriptorName= of the socket unit, or that it was kept under
  std::optional<std::size_t> index;  // that was kept for us: its place among the sockets of the listener
  Fd socket;
};

class ListenerSet {
 public:
  ListenerSet() = default;
  ListenerSet(ListenerSet&&) = default;
  ListenerSet& operator=(ListenerSet&&) = delete;
  /// Closes everything and removes the files of unix sockets.
  ~ListenerSet();

  /// Sockets that the first prepare() may use: one that was kept, for a listener of its name and address;
  /// another one for the listener of its name, or without one of that name for a listener of its address. Such
  /// a one is shared by all workers, since nothing can be bound beside it.
  void offer(std::vector<OfferedSocket> offers) { offers_ = std::move(offers); }
  /// The names of those that nothing was made of; they are closed.
  std::vector<std::string> close_unused_offers();

  /// Opens what is needed and not there yet. On failure the newly opened ones are closed again; the error names
  /// the endpoint; its system_code is EADDRINUSE when somebody else listens there.
  Result<void> prepare(const std::vector<EndpointNeed>& needs);
  /// From the next commit() on new connections go to workers that have less to do; null: as the kernel draws.
  /// The board outlives its use.
  void balance_by(const LoadBoard* board);
  /// Keeps what prepare() has opened and closes the endpoints that are not among the needs.
  void commit(const std::vector<EndpointNeed>& needs);
  /// Closes what the last prepare() has opened.
  void rollback();

  /// What is held, for a successor. Sockets that the last prepare() has opened are left out.
  std::vector<HandedEndpoint> handed() const;
  /// Takes a predecessor's over; at the start, in place of a first prepare() and commit().
  void adopt(const std::vector<HandedEndpoint>& endpoints);

  /// The sockets of an endpoint that the process of `slot` serves when there are `workers` of them; borrowed.
  std::vector<int> sockets_of(const EndpointNeed& need, std::uint32_t slot, std::uint32_t workers) const;
  /// Where it really listens: with the port that the kernel has chosen.
  Endpoint address_of(const EndpointNeed& need) const;
  /// Whether it was opened since the last call; for the log.
  bool take_news(const EndpointNeed& need);

 private:
  struct Held {
    Held(EndpointNeed opened_for, const Endpoint& address) : need(std::move(opened_for)), actual(address) {}

    EndpointNeed need;  // that it was opened for
    Endpoint actual;
    std::vector<Fd> sockets;
    std::size_t settled = 0;  // sockets that were there before prepare()
    std::size_t chosen = 0;   // of these, the first so many get new connections
    bool news = true;
    bool shared = false;     // one socket for all workers
    SocketMap map{};         // once they were balanced by load
    bool unsettled = false;  // how the group is steered now is not what is wanted, or is not known
  };

  Result<void> open_missing(const EndpointNeed& need);
  Result<void> open_more(Held& held, const EndpointNeed& need);
  bool take_offers(const EndpointNeed& need);
  Result<void> check_nobody_listens(const Endpoint& bind) const;
  Held* find(const EndpointNeed& need);
  const Held* find(const EndpointNeed& need) const;
  static void close_endpoint(Held& held);
  void steer(Held& held);

  std::vector<Held> held_;
  std::vector<OfferedSocket> offers_;
  const LoadBoard* board_ = nullptr;
};

}  // namespace holdfast::master
