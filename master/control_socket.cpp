#include "master/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace holdfast::master {
namespace {

constexpr std::size_t kMostClients = 16;
constexpr std::size_t kLongestWord = 64;
constexpr std::chrono::seconds kPatience{5};
constexpr Milliseconds kPause{250};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  return address;
}

/// False when a live server answers there, or something else than a socket lies there.
bool remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) return true;
  if (!S_ISSOCK(file.st_mode)) return false;
  const Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return false;
  return errno == ECONNREFUSED && unlink(path.c_str()) == 0;
}

/// The mask makes the file private from its first moment. 0 or an errno.
int bind_private(const Fd& listener, const sockaddr_un& address) {
  const mode_t before = umask(0177);
  const int code =
      bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  umask(before);
  return code;
}

bool may_speak(const Fd& socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

void send_text(const Fd& socket, std::string_view text, int descriptor = -1) {
  iovec piece{const_cast<char*>(text.data()), text.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) {
    header.msg_control = room;
    header.msg_controllen = sizeof room;
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(c), &descriptor, sizeof descriptor);
  }
  // An answer fits into the socket's buffer; a client that has gone needs none.
  (void)sendmsg(socket.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

std::string control_path_of(const std::string& pid_file) {
  if (pid_file.empty()) return "";
  constexpr std::string_view kSuffix = ".pid";
  const bool has_suffix = std::string_view(pid_file).ends_with(kSuffix);
  return (has_suffix ? pid_file.substr(0, pid_file.size() - kSuffix.size()) : pid_file) + ".control";
}

Result<ControlSocket> ControlSocket::open(const std::string& path) {
  const std::string context = "cannot listen on the control socket " + path;
  const sockaddr_un address = address_of(path);
  if (path.size() >= sizeof address.sun_path) return system_error(ENAMETOOLONG, context);
  if (!remove_stale(path, address)) return system_error(EADDRINUSE, context);
  Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener) return system_error(errno, context);
  if (const int code = bind_private(listener, address); code != 0) return system_error(code, context);
  if (listen(listener.get(), static_cast<int>(kMostClients)) != 0) return system_error(errno, context);
  return ControlSocket(path, std::move(listener));
}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_(std::exchange(other.path_, "")),
      listener_(std::move(other.listener_)),
      listen_again_at_(other.listen_again_at_),
      clients_(std::move(other.clients_)),
      last_id_(other.last_id_) {}

ControlSocket::~ControlSocket() {
  if (!path_.empty()) unlink(path_.c_str());
}

void ControlSocket::add_to(PollSet& set) const {
  if (clients_.size() < kMostClients && listen_again_at_ == kNever)
    set.add(listener_.get(), Source::ControlListener);
  for (const auto& [id, client] : clients_) set.add(client.socket.get(), Source::ControlClient, id);
}

TimePoint ControlSocket::next_deadline() const {
  TimePoint next = listen_again_at_;
  for (const auto& [id, client] : clients_) next = std::min(next, client.deadline);
  return next;
}

void ControlSocket::on_listener(TimePoint now) {
  while (clients_.size() < kMostClients) {
    Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      // Whoever waits in the queue would wake us again at once.
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) listen_again_at_ = now + kPause;
      return;
    }
    if (!may_speak(socket)) {
      send_text(socket, "failed only root and the server's own user may steer it\n");
      continue;
    }
    clients_[++last_id_] = {std::move(socket), "", now + kPatience};
  }
}

std::optional<std::string> ControlSocket::on_client(ClientId id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return std::nullopt;
  Client& client = found->second;
  char bytes[kLongestWord];
  const ssize_t count = recv(client.socket.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (count <= 0 || client.asked.size() > kLongestWord) {
    clients_.erase(found);
    return std::nullopt;
  }
  if (client.deadline == kNever) return std::nullopt;  // one word is all we listen to
  client.asked.append(bytes, static_cast<std::size_t>(count));
  const std::size_t end = client.asked.find('\n');
  if (end == std::string::npos) return std::nullopt;
  client.deadline = kNever;
  return client.asked.substr(0, end);
}

int ControlSocket::socket_of(ClientId id) const {
  const auto found = clients_.find(id);
  return found == clients_.end() ? -1 : found->second.socket.get();
}

ControlSocket::ClientId ControlSocket::adopt_client(Fd socket) {
  clients_[++last_id_] = {std::move(socket), "", kNever};
  return last_id_;
}

void ControlSocket::on_time(TimePoint now) {
  if (listen_again_at_ <= now) listen_again_at_ = kNever;
  std::erase_if(clients_, [now](const auto& entry) { return entry.second.deadline <= now; });
}

void ControlSocket::answer(ClientId id, std::string_view text) {
  answer_and_hold(id, text);
  clients_.erase(id);
}

void ControlSocket::answer_and_hold(ClientId id, std::string_view text) {
  const auto found = clients_.find(id);
  if (found != clients_.end()) send_text(found->second.socket, text);
}

void ControlSocket::hand_over(ClientId id, int descriptor) {
  const auto found = clients_.find(id);
  if (found != clients_.end()) send_text(found->second.socket, "ok\n", descriptor);
}

}  // namespace holdfast::master
