// Who listens on a TCP port of this machine, as far as /proc tells whoever asks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/endpoint.h"

namespace holdfast::master {

/// A socket that listens.
struct ListeningPort {
  Endpoint address;
  std::uint64_t inode = 0;
};
/// Of a text as /proc/net/tcp and tcp6 have it; what is not understood is passed over.
std::vector<ListeningPort> listening_in(const std::string& text);
/// Of this machine; empty: /proc does not tell.
std::optional<std::vector<ListeningPort>> listening_ports();

/// Whether one that listens at `held` keeps another from `wanted`: the same port, and an address in common.
bool stand_in_each_others_way(const Endpoint& held, const Endpoint& wanted);

struct PortHolder {
  pid_t pid = 0;
  std::string name;
};
/// The processes that have such a socket open, of those that may be looked at.
std::vector<PortHolder> holders_of(std::uint64_t inode);
/// Whether `pid` is `ancestor` or descends from it.
bool descends_from(pid_t pid, pid_t ancestor);

}  // namespace holdfast::master
