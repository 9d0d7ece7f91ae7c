#include "master/descriptor_store.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/ascii.h"

namespace holdfast::master {
namespace {

constexpr std::string_view kPrefix = "stored/";

ino_t identity_of(int socket) {
  struct stat status {};
  return fstat(socket, &status) == 0 ? status.st_ino : 0;
}

bool is_listening_stream(int fd) {
  int type = 0;
  int listening = 0;
  socklen_t length = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_STREAM) return false;
  length = sizeof listening;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening != 0;
}

}  // namespace

std::string stored_name(std::string_view listener, std::size_t index) {
  return std::string(kPrefix) + std::string(listener) + "/" + std::to_string(index);
}

std::optional<StoredAs> parse_stored_name(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const std::size_t slash = name.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint64_t> index = parse_decimal(name.substr(slash + 1));
  if (!index) return std::nullopt;
  return StoredAs{std::string(name.substr(0, slash)), static_cast<std::size_t>(*index)};
}

std::vector<OfferedSocket> offers_of(std::vector<GivenDescriptor> given) {
  std::vector<OfferedSocket> offers;
  for (GivenDescriptor& descriptor : given) {
    if (!is_listening_stream(descriptor.fd.get())) continue;
    const std::optional<StoredAs> stored = parse_stored_name(descriptor.name);
    OfferedSocket offer;
    offer.listener = stored ? stored->listener : descriptor.name;
    if (stored) offer.index = stored->index;
    offer.socket = std::move(descriptor.fd);
    offers.push_back(std::move(offer));
  }
  return offers;
}

void DescriptorStore::note(const std::vector<OfferedSocket>& offers) {
  for (const OfferedSocket& offer : offers)
    if (offer.index) stored_[stored_name(offer.listener, *offer.index)] = identity_of(offer.socket.get());
}

void DescriptorStore::keep(const std::vector<HandedEndpoint>& endpoints, const SystemdNotify& manager) {
  if (!manager.is_there()) return;
  std::map<std::string, ino_t> wanted;
  std::map<std::string, int> sockets;
  for (const HandedEndpoint& endpoint : endpoints) {
    // A socket that the manager listens on itself needs no keeping, and the file of a unix socket goes with us.
    if (endpoint.shared || endpoint.need.bind.is_unix()) continue;
    for (std::size_t i = 0; i < endpoint.sockets.size(); ++i) {
      const std::string name = stored_name(endpoint.need.name, i);
      wanted[name] = identity_of(endpoint.sockets[i]);
      sockets[name] = endpoint.sockets[i];
    }
  }
  for (const auto& [name, identity] : stored_)
    if (const auto found = wanted.find(name); found == wanted.end() || found->second != identity)
      manager.remove(name);
  for (const auto& [name, identity] : wanted)
    if (const auto found = stored_.find(name); found == stored_.end() || found->second != identity)
      manager.store(name, sockets[name]);
  stored_ = std::move(wanted);
}

}  // namespace holdfast::master
