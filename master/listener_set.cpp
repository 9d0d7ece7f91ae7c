#include "master/listener_set.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "common/log.h"

namespace holdfast::master {
namespace {

constexpr int kBacklog = 65535;  // the kernel cuts it to net.core.somaxconn
constexpr mode_t kTrafficMode = 0666;
constexpr mode_t kAdminMode = 0660;

std::string path_of(const Endpoint& endpoint) {
  return endpoint.text().substr(std::string_view("unix:").size());
}

Error cannot_listen(int code, const Endpoint& bind) {
  Error error = system_error(code, "cannot listen on " + bind.text());
  if (code != EACCES || bind.is_unix()) return error;
  error.context = error.message() + " (ports below 1024 need root or CAP_NET_BIND_SERVICE)";
  error.system_code = 0;
  return error;
}

Endpoint address_of_socket(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), length);
}

bool set_option(const Fd& socket, int level, int option, int value) {
  return setsockopt(socket.get(), level, option, &value, sizeof value) == 0;
}

/// A stream socket bound to the endpoint; the error is an errno.
std::pair<Fd, int> bound_socket(const Endpoint& bind, bool share_port) {
  Fd socket(::socket(bind.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return {Fd(), errno};
  if (!bind.is_unix()) {
    if (!set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1)) return {Fd(), errno};
    if (share_port && !set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1)) return {Fd(), errno};
    // Accepted sockets inherit it: answers leave whole, so waiting for more to send would only cost time.
    if (!set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1)) return {Fd(), errno};
    if (bind.family() == AF_INET6 && !set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0)) return {Fd(), errno};
  }
  if (::bind(socket.get(), bind.address(), bind.length()) != 0) return {Fd(), errno};
  return {std::move(socket), 0};
}

/// Removes the file of a unix socket that nobody listens on any more.
void remove_stale_file(const Endpoint& bind) {
  struct stat file {};
  if (lstat(path_of(bind).c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return;
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), bind.address(), bind.length()) != 0 && errno == ECONNREFUSED)
    unlink(path_of(bind).c_str());
}

Result<Fd> listening_socket(const Endpoint& bind, mode_t mode) {
  auto [socket, code] = bound_socket(bind, true);
  if (code == 0 && listen(socket.get(), kBacklog) != 0) code = errno;
  if (code == 0 && bind.is_unix() && chmod(path_of(bind).c_str(), mode) != 0) code = errno;
  if (code != 0) return cannot_listen(code, bind);
  return std::move(socket);
}

/// As those that we open ourselves are.
void ready_to_accept(int socket) {
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // no harm to other kinds
}

}  // namespace

ListenerSet::~ListenerSet() {
  for (Held& held : held_) close_endpoint(held);
}

Result<void> ListenerSet::prepare(const std::vector<EndpointNeed>& needs) {
  for (Held& held : held_) held.settled = held.sockets.size();
  for (const EndpointNeed& need : needs) {
    Result<void> opened = open_missing(need);
    if (opened) continue;
    rollback();
    return opened;
  }
  return {};
}

Result<void> ListenerSet::open_missing(const EndpointNeed& need) {
  if (find(need) == nullptr && !take_offers(need)) {
    if (need.bind.is_unix()) remove_stale_file(need.bind);
    if (Result<void> free = check_nobody_listens(need.bind); !free) return free;
    held_.emplace_back(need, need.bind);
  }
  return open_more(*find(need), need);
}

Result<void> ListenerSet::open_more(Held& held, const EndpointNeed& need) {
  if (held.shared) return {};
  if (held.chosen > 0 && held.sockets.size() < need.sockets) steer(held);
  while (held.sockets.size() < need.sockets) {
    Result<Fd> socket = listening_socket(held.actual, need.admin ? kAdminMode : kTrafficMode);
    if (!socket) return socket.error();
    if (held.sockets.empty() && !need.bind.is_unix()) held.actual = address_of_socket(socket->get());
    held.sockets.push_back(std::move(*socket));
  }
  return {};
}

/// Whether the endpoint could be made of offered sockets.
bool ListenerSet::take_offers(const EndpointNeed& need) {
  const auto has_address = [&need](const OfferedSocket& offer) {
    return need.bind.port() == 0 && !need.bind.is_unix() ? offer.listener == need.name
                                                         : address_of_socket(offer.socket.get()) == need.bind;
  };
  Held held(need, need.bind);
  const auto use = [&held](OfferedSocket& offer) {
    ready_to_accept(offer.socket.get());
    held.actual = address_of_socket(offer.socket.get());
    held.sockets.push_back(std::move(offer.socket));
  };
  // Those that were kept, in their order in the kernel's group, up to the first that is missing.
  for (bool found = true; found;) {
    found = false;
    for (OfferedSocket& offer : offers_) {
      if (!offer.socket || offer.index != held.sockets.size() || offer.listener != need.name ||
          !has_address(offer))
        continue;
      use(offer);
      found = true;
      break;
    }
  }
  const auto use_first = [&](auto fits) {
    for (OfferedSocket& offer : offers_)
      if (held.sockets.empty() && offer.socket && !offer.index && fits(offer)) {
        use(offer);
        held.shared = true;
      }
  };
  use_first([&need](const OfferedSocket& offer) { return offer.listener == need.name; });
  use_first(has_address);
  if (held.sockets.empty()) return false;
  held.chosen = held.shared ? 0 : held.sockets.size();
  held.unsettled = !held.shared;
  // A program that is still there holds the sockets in its map.
  if (!held.shared && !need.bind.is_unix()) stop_steering(held.sockets.front().get());
  held_.push_back(std::move(held));
  return true;
}

std::vector<std::string> ListenerSet::close_unused_offers() {
  std::vector<std::string> names;
  for (const OfferedSocket& offer : offers_)
    if (offer.socket && !offer.index) names.push_back(offer.listener);
  offers_.clear();
  return names;
}

// With SO_REUSEPORT a second server of the same user would silently share the port; a bind without it tells.
// Our own sockets on the port would answer for a stranger, so then the look is left out.
Result<void> ListenerSet::check_nobody_listens(const Endpoint& bind) const {
  if (bind.is_unix() || bind.port() == 0) return {};
  for (const Held& held : held_)
    if (held.actual == bind) return cannot_listen(EADDRINUSE, bind);
  for (const Held& held : held_)
    if (!held.need.bind.is_unix() && held.actual.port() == bind.port()) return {};
  if (const int code = bound_socket(bind, false).second; code != 0) return cannot_listen(code, bind);
  return {};
}

void ListenerSet::commit(const std::vector<EndpointNeed>& needs) {
  std::erase_if(held_, [&needs](Held& held) {
    const bool needed = std::any_of(needs.begin(), needs.end(),
                                    [&held](const EndpointNeed& n) { return n.same_place(held.need); });
    if (!needed) close_endpoint(held);
    return !needed;
  });
  for (Held& held : held_) held.settled = held.sockets.size();
  for (const EndpointNeed& need : needs) {
    Held* const held = find(need);
    if (held == nullptr || (held->chosen == need.sockets && !held->unsettled)) continue;
    held->unsettled = false;
    const bool is_first = std::exchange(held->chosen, need.sockets) == 0;
    // At first the kernel's own choice is right: every socket has its worker.
    if (!is_first || board_ != nullptr) steer(*held);
  }
}

void ListenerSet::balance_by(const LoadBoard* board) {
  if (std::exchange(board_, board) == board) return;
  for (Held& held : held_) held.unsettled = true;
}

void ListenerSet::steer(Held& held) {
  if (held.need.bind.is_unix() || held.shared) return;
  if (board_ != nullptr && held.chosen > 1 && held.chosen <= held.sockets.size()) {
    std::vector<int> sockets;
    for (std::size_t i = 0; i < held.chosen; ++i) sockets.push_back(held.sockets[i].get());
    const Result<void> steered = steer_to_less_loaded(sockets, *board_, held.map);
    if (steered) return;
    log().warning("connections not steered by load", {{"problem", steered.error().message()}});
  }
  if (const Result<void> steered = steer_to_first(held.sockets.front().get(), held.chosen); !steered)
    log().warning("connections not steered", {{"problem", steered.error().message()}});
}

void ListenerSet::rollback() {
  std::erase_if(held_, [](Held& held) {
    if (held.settled == 0) close_endpoint(held);
    held.sockets.resize(held.settled);
    return held.settled == 0;
  });
}

std::vector<HandedEndpoint> ListenerSet::handed() const {
  std::vector<HandedEndpoint> all;
  for (const Held& held : held_) {
    HandedEndpoint endpoint{held.need,          held.actual,    {}, held.chosen, held.shared,
                            held.map.map.get(), held.map.filled};
    for (std::size_t i = 0; i < held.settled; ++i) endpoint.sockets.push_back(held.sockets[i].get());
    if (held.settled > 0) all.push_back(std::move(endpoint));
  }
  return all;
}

void ListenerSet::adopt(const std::vector<HandedEndpoint>& endpoints) {
  for (const HandedEndpoint& endpoint : endpoints) {
    Held held(endpoint.need, endpoint.actual);
    held.settled = endpoint.sockets.size();
    held.chosen = endpoint.chosen;
    held.news = false;
    held.shared = endpoint.shared;
    held.map = {Fd(endpoint.map), endpoint.mapped};
    held.unsettled = true;
    for (const int socket : endpoint.sockets) held.sockets.emplace_back(socket);
    held_.push_back(std::move(held));
  }
}

std::vector<int> ListenerSet::sockets_of(const EndpointNeed& need, std::uint32_t slot,
                                         std::uint32_t workers) const {
  std::vector<int> sockets;
  const Held* held = find(need);
  if (held == nullptr) return sockets;
  for (std::size_t i = 0; i < held->sockets.size(); ++i)
    if (need.bind.is_unix() || held->shared || i % workers == slot) sockets.push_back(held->sockets[i].get());
  return sockets;
}

Endpoint ListenerSet::address_of(const EndpointNeed& need) const {
  const Held* held = find(need);
  return held == nullptr ? need.bind : held->actual;
}

bool ListenerSet::take_news(const EndpointNeed& need) {
  Held* held = find(need);
  return held != nullptr && std::exchange(held->news, false);
}

ListenerSet::Held* ListenerSet::find(const EndpointNeed& need) {
  return const_cast<Held*>(std::as_const(*this).find(need));
}

const ListenerSet::Held* ListenerSet::find(const EndpointNeed& need) const {
  const auto held =
      std::find_if(held_.begin(), held_.end(), [&need](const Held& h) { return h.need.same_place(need); });
  return held == held_.end() ? nullptr : &*held;
}

void ListenerSet::close_endpoint(Held& held) {
  // The file of a socket that the service manager has made is its own.
  if (held.need.bind.is_unix() && !held.sockets.empty() && !held.shared)
    unlink(path_of(held.need.bind).c_str());
  held.sockets.clear();
}

}  // namespace holdfast::master
