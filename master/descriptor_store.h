// The listening sockets as the service manager keeps them for us: what is queued in them waits there while no
// process of ours lives, through a restart of the server or the end of a master that was killed.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "master/listener_set.h"
#include "master/systemd_notify.h"

namespace holdfast::master {

/// "stored/http/3": the name of the fourth socket of the listener http.
std::string stored_name(std::string_view listener, std::size_t index);
/// The other way round; empty for names that are not of this kind.
struct StoredAs {
  std::string listener;
  std::size_t index = 0;
};
std::optional<StoredAs> parse_stored_name(std::string_view name);

/// What was given at the start, as offers for ListenerSet::offer(). What is no listening socket is closed.
std::vector<OfferedSocket> offers_of(std::vector<GivenDescriptor> given);

/// What the manager keeps now.
class DescriptorStore {
 public:
  /// The manager has these already.
  void note(const std::vector<OfferedSocket>& offers);
  /// Tells the manager what has changed, so that it keeps these and no others.
  void keep(const std::vector<HandedEndpoint>& endpoints, const SystemdNotify& manager);

 private:
  std::map<std::string, ino_t> stored_;  // the socket of that name
};

}  // namespace holdfast::master
