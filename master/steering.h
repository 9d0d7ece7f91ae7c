// Which sockets of an SO_REUSEPORT group get the new connections: a BPF program on the group. The classic form
// needs no privilege; the extended one, which looks at the workers' loads, does. Sockets stand in their group
// in the order in which they were made to listen, so the staying ones are the first, and those that leave, or
// whose workers are only starting, are the last.
#pragma once

#include <cstddef>
#include <span>

#include "common/result.h"
#include "master/load_board.h"

namespace holdfast::master {

/// From now on new connections go to the first `count` sockets (at least 1) of the group that `socket` belongs
/// to, evenly at random. Connections that are queued already stay where they are.
Result<void> steer_to_first(int socket, std::size_t count);

/// The sockets of a group as its program sees them. A socket can be in one map only, for as long as it is open
/// or the map is used.
struct SocketMap {
  Fd map;
  std::size_t filled = 0;  // the first so many sockets of the group are in it
};

/// From now on new connections go to one of these sockets of a group, at least 2, the n-th of which slot n
/// serves: of two of them that chance has chosen, to the one whose worker has less to do. (With the best of
/// all, everybody would run to the same one at once.)
Result<void> steer_to_less_loaded(std::span<const int> sockets, const LoadBoard& board, SocketMap& map);

/// Takes the program off the group that a predecessor has put there, and with it its map; the kernel draws.
void stop_steering(int socket);

}  // namespace holdfast::master
