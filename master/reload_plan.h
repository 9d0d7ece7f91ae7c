// What a reload would change, found by comparing the configuration that serves with the next one. Pure
// functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/endpoint.h"
#include "config/config.h"

namespace holdfast::master {

/// An endpoint that a configuration wants, and by how many sockets.
struct EndpointNeed {
  std::string name;  // of the listener; "admin" for the admin process
  Endpoint bind;
  bool admin = false;
  std::uint32_t sockets = 1;  // one a worker slot; unix sockets and the admin listener have one
  bool operator==(const EndpointNeed&) const = default;
  /// Whether both are served by the same sockets: by address, and where the kernel chooses the port by name,
  /// too.
  bool same_place(const EndpointNeed& other) const;
};

/// Every endpoint of the configuration, listeners in their order, then admin.
std::vector<EndpointNeed> needs_of(const config::Config& config);

struct ReloadPlan {
  std::vector<std::string>
      refused;  // settings that differ but need a restart; not empty: the reload is refused
  std::vector<EndpointNeed> keep;
  std::vector<EndpointNeed> bind;
  std::vector<EndpointNeed> drop;
  std::uint32_t workers_before = 0;
  std::uint32_t workers_after = 0;
};
ReloadPlan plan_reload(const config::Config& serving, const config::Config& next);

}  // namespace holdfast::master
