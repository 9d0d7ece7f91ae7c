// Which sockets of an SO_REUSEPORT group get the new connections: a classic BPF program on the group, which
// needs no privilege. Sockets stand in their group in the order in which they were made to listen, so the
// staying ones are the first, and those that leave, or whose workers are only starting, are the last.
#pragma once

#include <cstddef>

#include "common/result.h"

namespace holdfast::master {

/// From now on new connections go to the first `count` sockets (at least 1) of the group that `socket` belongs
/// to, evenly at random. Connections that are queued already stay where they are.
Result<void> steer_to_first(int socket, std::size_t count);

}  // namespace holdfast::master
