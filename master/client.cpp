#include "master/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "common/fd.h"
#include "common/result.h"
#include "common/stats/stats_segment.h"
#include "config/loader.h"
#include "master/control_socket.h"
#include "master/exit_status.h"
#include "worker/worker.h"

namespace holdfast::master {
namespace {

constexpr int kSecond = 1000;
constexpr int kLongestEnd = 5 * kSecond;  // from the server's last word to the end of its process

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// `holdfast reload` must reach the server with a broken file too: the server is the one to judge it.
std::string pid_file_of(const std::string& config_file) {
  const config::Loaded loaded = config::load_file(config_file);
  if (loaded.config) return loaded.config->process.pid_file;
  return pid_file_in_text(read_text(config_file)).value_or(std::string(config::kDefaultPidFile));
}

Result<Fd> connect_to(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) return system_error(ENAMETOOLONG, path);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return system_error(errno, path);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_error(errno, "no server answers at " + path);
  return socket;
}

bool ask(const Fd& server, std::string word) {
  word += '\n';
  return send(server.get(), word.data(), word.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(word.size());
}

std::string read_answer(const Fd& server) {
  std::string answer;
  char bytes[4096];
  for (;;) {
    const ssize_t count = recv(server.get(), bytes, sizeof bytes, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return answer;
    answer.append(bytes, static_cast<std::size_t>(count));
  }
}

/// Watches the process at the other end, so that `stop` returns when it is really gone.
Fd watch_peer(const Fd& server) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (getsockopt(server.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid <= 0) return Fd();
  return Fd(static_cast<int>(syscall(SYS_pidfd_open, peer.pid, 0)));
}

/// Prints the outcome: what went well to stdout, what did not to stderr.
int report(std::string_view answer) {
  constexpr std::string_view kOk = "ok ";
  constexpr std::string_view kFailed = "failed ";
  if (answer.starts_with(kOk)) {
    std::fwrite(answer.data() + kOk.size(), 1, answer.size() - kOk.size(), stdout);
    return kExitOk;
  }
  if (answer.starts_with(kFailed)) answer.remove_prefix(kFailed.size());
  if (answer.empty()) answer = "the server ended without an answer\n";
  std::fwrite(answer.data(), 1, answer.size(), stderr);
  return kExitUnavailable;
}

std::string_view word_for(Command command) {
  switch (command) {
    case Command::Stop:
      return "stop";
    case Command::Upgrade:
      return "upgrade";
    case Command::Unfuse:
      return "unfuse";
    default:
      return "reload";
  }
}

int ask_and_wait(const Fd& server, Command command) {
  const Fd process = command == Command::Stop ? watch_peer(server) : Fd();
  if (!ask(server, std::string(word_for(command)))) return report("");
  const std::string answer = read_answer(server);
  pollfd end{process.get(), POLLIN, 0};
  if (process) poll(&end, 1, kLongestEnd);
  return report(answer);
}

/// The statistics that the server hands over; empty when it does not.
Fd receive_segment(const Fd& server) {
  char text[64];
  iovec piece{text, sizeof text};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))];
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = room;
  header.msg_controllen = sizeof room;
  if (recvmsg(server.get(), &header, MSG_CMSG_CLOEXEC) <= 0) return Fd();
  const cmsghdr* c = CMSG_FIRSTHDR(&header);
  if (c == nullptr || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) return Fd();
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(c), sizeof descriptor);
  return Fd(descriptor);
}

void print_status(const stats::Segment& segment, const Options& options) {
  const std::string text = options.json ? worker::status_json(segment) : worker::status_text(segment);
  if (options.watch && isatty(STDOUT_FILENO)) std::fputs("\033[H\033[2J", stdout);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!text.ends_with('\n')) std::fputc('\n', stdout);
  std::fflush(stdout);
}

int show_status(const Fd& server, const Options& options) {
  if (!ask(server, "status")) return report("");
  const Fd memory = receive_segment(server);
  if (!memory) return report("failed the server did not hand its statistics over\n");
  Result<stats::Segment> segment = stats::Segment::attach(memory.get());
  if (!segment) return report("failed " + segment.error().message() + "\n");
  print_status(*segment, options);
  // The line stays silent while the server lives.
  pollfd line{server.get(), POLLIN, 0};
  while (options.watch && poll(&line, 1, kSecond) == 0) print_status(*segment, options);
  return kExitOk;
}

}  // namespace

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

int run_client(const Options& options) {
  const std::string path = control_path_of(pid_file_of(options.config_file));
  if (path.empty()) {
    std::fprintf(stderr, "holdfast: %s names no process.pid_file, so a running server cannot be found\n",
                 options.config_file.c_str());
    return kExitConfiguration;
  }
  const Result<Fd> server = connect_to(path);
  if (!server) {
    std::fprintf(stderr, "holdfast: %s\n", server.error().message().c_str());
    return server.error().kind == ErrorKind::Permission ? kExitPermission : kExitUnavailable;
  }
  return options.command == Command::Status ? show_status(*server, options)
                                            : ask_and_wait(*server, options.command);
}

}  // namespace holdfast::master
