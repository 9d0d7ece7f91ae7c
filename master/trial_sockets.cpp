#include "master/trial_sockets.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/unix_address.h"

namespace holdfast::master {
namespace {

constexpr int kBacklog = 16;

Result<Fd> listen_at(const std::string& path) {
  const Result<sockaddr_un> address = unix_address(path);
  if (!address) return address.error();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket || bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 ||
      listen(socket.get(), kBacklog) != 0)
    return system_error(errno, "cannot listen on " + path);
  return socket;
}

}  // namespace

Result<TrialSockets> TrialSockets::open(std::size_t count) {
  const char* const place = getenv("TMPDIR");
  std::string folder =
      std::string(place == nullptr || *place == '\0' ? "/tmp" : place) + "/holdfast-trial-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr)
    return system_error(errno, "cannot make the folder of a trial " + folder);
  TrialSockets sockets(folder);
  for (std::size_t i = 0; i < count; ++i) {
    Result<Fd> socket = listen_at(sockets.path(i));
    if (!socket) return socket.error();
    sockets.sockets_.push_back(std::move(*socket));
  }
  return sockets;
}

TrialSockets::TrialSockets(TrialSockets&& other) noexcept
    : folder_(std::exchange(other.folder_, "")), sockets_(std::move(other.sockets_)) {}

TrialSockets::~TrialSockets() {
  if (folder_.empty()) return;
  for (std::size_t i = 0; i < sockets_.size(); ++i) unlink(path(i).c_str());
  rmdir(folder_.c_str());
}

}  // namespace holdfast::master
