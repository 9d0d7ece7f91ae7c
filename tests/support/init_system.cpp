#include "tests/support/init_system.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace holdfast::support {
namespace {

std::string value_of(const std::string& notice, const std::string& key) {
  const std::size_t at = ("\n" + notice).find("\n" + key + "=");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 1;
  return notice.substr(begin, notice.find('\n', begin) - begin);
}

bool is_same(int a, int b) {
  struct stat first {};
  struct stat second {};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_ino == second.st_ino;
}

}  // namespace

InitSystem::InitSystem()
    : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  const std::string path = folder_ / "notify";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("bind " + path);
  thread_ = std::thread([this] { run(); });
}

InitSystem::~InitSystem() {
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void InitSystem::run() {
  for (;;) {
    pollfd waits[2] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    ::poll(waits, 2, -1);
    if (waits[1].revents != 0) return;
    char text[4096];
    iovec piece{text, sizeof text};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))];
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = room;
    header.msg_controllen = sizeof room;
    const ssize_t count = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
    if (count < 0) continue;
    int descriptor = -1;
    if (const cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr && c->cmsg_type == SCM_RIGHTS)
      std::memcpy(&descriptor, CMSG_DATA(c), sizeof descriptor);
    take({text, static_cast<std::size_t>(count)}, Fd(descriptor));
  }
}

void InitSystem::take(const std::string& notice, Fd descriptor) {
  const std::lock_guard lock(mutex_);
  const std::string name = value_of(notice, "FDNAME");
  const auto known = [&descriptor](const Kept& kept) { return is_same(kept.fd.get(), descriptor.get()); };
  if (value_of(notice, "FDSTORE") == "1" && descriptor && std::ranges::none_of(kept_, known))
    kept_.push_back({name, std::move(descriptor)});
  if (value_of(notice, "FDSTOREREMOVE") == "1")
    std::erase_if(kept_, [&name](const Kept& kept) { return kept.name == name; });
  notices_.push_back(notice);
  heard_.notify_all();
}

void InitSystem::listen(const std::string& name, Fd socket) {
  const std::lock_guard lock(mutex_);
  kept_.push_back({name, std::move(socket)});
}

SpawnOptions InitSystem::options() const {
  const std::lock_guard lock(mutex_);
  SpawnOptions options;
  options.environment.push_back("NOTIFY_SOCKET=" + (folder_ / "notify"));
  std::string names;
  for (const Kept& kept : kept_) {
    options.listen_descriptors.push_back(kept.fd.get());
    names += (names.empty() ? "" : ":") + kept.name;
  }
  if (!names.empty()) options.environment.push_back("LISTEN_FDNAMES=" + names);
  return options;
}

std::vector<std::string> InitSystem::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const Kept& kept : kept_) names.push_back(kept.name);
  return names;
}

std::vector<std::string> InitSystem::notices() const {
  const std::lock_guard lock(mutex_);
  return notices_;
}

bool InitSystem::wait_notice(const std::string& text, std::size_t from, Milliseconds in) {
  std::unique_lock lock(mutex_);
  return heard_.wait_for(lock, in, [&] {
    for (std::size_t i = from; i < notices_.size(); ++i)
      if (notices_[i].find(text) != std::string::npos) return true;
    return false;
  });
}

}  // namespace holdfast::support
