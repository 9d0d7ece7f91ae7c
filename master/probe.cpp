#include "master/probe.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"
#include "common/unix_address.h"

namespace holdfast::master {
namespace {

constexpr std::size_t kLongestStatusLine = 1024;

Result<Fd> connect_to(const std::string& path) {
  const Result<sockaddr_un> address = unix_address(path);
  if (!address) return address.error();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return system_error(errno, "make a socket");
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return system_error(errno, "connect");
  return socket;
}

/// The beginning of the answer up to its first line's end, or what there is at the deadline or at its end.
std::string read_first_line(const Fd& socket, TimePoint deadline) {
  std::string text;
  while (text.size() < kLongestStatusLine && text.find('\n') == std::string::npos) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now()).count();
    pollfd wait{socket.get(), POLLIN, 0};
    if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) <= 0) break;
    char buffer[512];
    const ssize_t got = recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

/// 0: it is no status line.
int status_of(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  int status = 0;
  if (line.starts_with(kVersion))
    std::from_chars(line.data() + kVersion.size(), line.data() + line.size(), status);
  return status;
}

std::string problem_of(const ProbeOrder& order) {
  const TimePoint deadline = Clock::now() + order.timeout;
  const Result<Fd> socket = connect_to(order.socket);
  if (!socket) return socket.error().message();
  const std::string request = "GET " + order.path + " HTTP/1.1\r\nHost: " + order.host +
                              "\r\nUser-Agent: holdfast-probe\r\nConnection: close\r\n\r\n";
  if (send(socket->get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return "the request was not taken: " + std::string(strerror(errno));
  const std::string line = read_first_line(*socket, deadline);
  const int status = status_of(line);
  if (status == order.status) return "";
  if (status != 0) return "status " + std::to_string(status) + " instead of " + std::to_string(order.status);
  if (Clock::now() >= deadline) return "no answer within " + std::to_string(order.timeout.count()) + " ms";
  return line.empty() ? "the connection ended without an answer" : "the answer is no HTTP/1.1";
}

}  // namespace

std::string run_probes(const std::vector<ProbeOrder>& orders) {
  std::string problems;
  for (const ProbeOrder& order : orders) {
    const std::string problem = problem_of(order);
    if (!problem.empty())
      problems.append(problems.empty() ? "" : "\n")
          .append("probe GET " + order.path + " of " + order.host + ": ") += problem;
  }
  return problems;
}

}  // namespace holdfast::master
