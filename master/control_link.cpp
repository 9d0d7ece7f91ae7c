#include "master/control_link.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "common/unix_address.h"
#include "config/loader.h"
#include "master/control_socket.h"
#include "master/options.h"

namespace holdfast::master {
namespace {

constexpr std::string_view kNoAnswer = "the server ended without an answer\n";

Result<std::string> pid_file_of(const std::string& config_file) {
  const config::Loaded loaded = config::load_file(config_file);
  if (loaded.config) return loaded.config->process.pid_file;
  std::ifstream file(config_file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // Without a file at the usual place, the server may still have its pid file at the usual place.
  const bool is_usual = config_file == kDefaultConfigFile;
  if (!file && !is_usual) return system_error(ENOENT, config_file);
  return pid_file_in_text(text).value_or(std::string(config::kDefaultPidFile));
}

Error not_reached(int code, const std::string& path) {
  if (code == ENOENT || code == ECONNREFUSED)
    return {ErrorKind::Unavailable, 0,
            "no server runs: nobody answers at " + path + " (-c names the configuration of another)"};
  return system_error(code, code == EACCES || code == EPERM
                                ? "asking the server at " + path + " takes root, or its own user"
                                : path);
}

Result<Fd> connect_to(const std::string& path) {
  const Result<sockaddr_un> address = unix_address(path);
  if (!address) return address.error();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return system_error(errno, path);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return not_reached(errno, path);
  return socket;
}

Fd file_among(const msghdr& header) {
  const cmsghdr* c = CMSG_FIRSTHDR(&header);
  if (c == nullptr || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) return Fd();
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(c), sizeof descriptor);
  return Fd(descriptor);
}

}  // namespace

Result<ControlLink> ControlLink::to_server_of(const std::string& config_file) {
  const Result<std::string> pid_file = pid_file_of(config_file);
  if (!pid_file) return Error{ErrorKind::Configuration, 0, pid_file.error().message()};
  const std::string path = control_path_of(*pid_file);
  if (path.empty())
    return Error{ErrorKind::Configuration, 0,
                 config_file + " names no process.pid_file, so a running server cannot be found"};
  Result<Fd> socket = connect_to(path);
  if (!socket) return socket.error();
  return ControlLink(std::move(*socket));
}

bool ControlLink::ask(std::string_view word) const {
  const std::string line = std::string(word) + "\n";
  return send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size());
}

Result<Fd> ControlLink::ask_for_file(std::string_view word) const {
  std::array<char, 512> text{};
  iovec piece{text.data(), text.size()};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))];
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = room;
  header.msg_controllen = sizeof room;
  const ssize_t count = ask(word) ? recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC) : 0;
  Fd file = count > 0 ? file_among(header) : Fd();
  if (file) return file;
  const ControlAnswer answer =
      read_control_answer({text.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))});
  return Error{ErrorKind::Unavailable, 0, answer.text.substr(0, answer.text.find('\n'))};
}

bool ControlLink::read_some(std::string& answer) const {
  std::array<char, 4096> bytes;
  const ssize_t count = recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (count > 0) answer.append(bytes.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

pid_t ControlLink::server() const {
  ucred peer{};
  socklen_t length = sizeof peer;
  return getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.pid : 0;
}

ControlAnswer read_control_answer(std::string_view answer) {
  constexpr std::string_view kOk = "ok ";
  constexpr std::string_view kFailed = "failed ";
  if (answer.starts_with(kOk)) return {kExitOk, std::string(answer.substr(kOk.size()))};
  if (answer.starts_with(kFailed)) answer.remove_prefix(kFailed.size());
  int code = kExitUnavailable;
  const auto [end, error] = std::from_chars(answer.data(), answer.data() + answer.size(), code);
  if (error == std::errc() && end != answer.data() + answer.size() && *end == ' ')
    answer.remove_prefix(static_cast<std::size_t>(end + 1 - answer.data()));
  else
    code = kExitUnavailable;
  return {static_cast<ExitCode>(code), std::string(answer.empty() ? kNoAnswer : answer)};
}

ExitCode complain_of_link(const Error& error) {
  std::fprintf(stderr, "holdfast: %s\n", error.message().c_str());
  return error.kind == ErrorKind::System ? kExitUnavailable : exit_code_for(error.kind);
}

std::optional<std::string> pid_file_in_text(std::string_view text) {
  constexpr std::string_view kKey = "pid_file:";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t key = line.find(kKey);
    if (key == std::string_view::npos || line.find('#') < key) continue;
    line.remove_prefix(key + kKey.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t\"'"), line.size()));
    const std::string_view value = line.substr(0, line.find_first_of(" \t\"',}#\r"));
    return value == "off" ? std::string() : std::string(value);
  }
  return std::nullopt;
}

}  // namespace holdfast::master
