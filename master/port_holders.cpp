#include "master/port_holders.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "common/ascii.h"

namespace holdfast::master {
namespace {

namespace fs = std::filesystem;

/// "0100007F:1F90", or with 32 digits: words of the address as they lie in memory, and the port.
std::optional<Endpoint> endpoint_in(const std::string& text) {
  constexpr std::size_t kWord = 8;
  const std::size_t colon = text.find(':');
  if ((colon != kWord && colon != 4 * kWord) || text.size() != colon + 5) return std::nullopt;
  const auto hex = [&text](std::size_t at, std::size_t length) {
    return static_cast<std::uint32_t>(std::strtoul(text.substr(at, length).c_str(), nullptr, 16));
  };
  const auto port = static_cast<std::uint16_t>(hex(colon + 1, 4));
  if (colon == kWord) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = hex(0, kWord);
    return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  for (std::size_t word = 0; word < 4; ++word) {
    const std::uint32_t value = hex(word * kWord, kWord);
    std::memcpy(&address.sin6_addr.s6_addr[word * sizeof value], &value, sizeof value);
  }
  return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

std::optional<std::string> text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

bool is_any(const Endpoint& address) {
  const std::string host = address.host_text();
  return host == "0.0.0.0" || host == "::";
}

bool has_open(const fs::path& process, const std::string& socket) {
  std::error_code error;
  for (fs::directory_iterator one(process / "fd", error), end; !error && one != end; one.increment(error))
    if (std::error_code gone; fs::read_symlink(one->path(), gone).string() == socket) return true;
  return false;
}

/// 0 for the first process, and where it is not told.
pid_t parent_of(pid_t pid) {
  const std::optional<std::string> text = text_of("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = text ? text->rfind(')') : std::string::npos;
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(text->substr(name_end + 1));
  std::string state;
  pid_t parent = 0;
  rest >> state >> parent;
  return parent;
}

}  // namespace

std::vector<ListeningPort> listening_in(const std::string& text) {
  constexpr const char* kListening = "0A";
  std::vector<ListeningPort> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
    const std::optional<Endpoint> address = endpoint_in(local);
    const std::optional<std::uint64_t> socket = parse_decimal(inode);
    if (state == kListening && address && socket) found.push_back({*address, *socket});
  }
  return found;
}

std::optional<std::vector<ListeningPort>> listening_ports() {
  const std::optional<std::string> v4 = text_of("/proc/net/tcp");
  const std::optional<std::string> v6 = text_of("/proc/net/tcp6");
  if (!v4 && !v6) return std::nullopt;
  return listening_in(v4.value_or("") + v6.value_or(""));
}

bool stand_in_each_others_way(const Endpoint& held, const Endpoint& wanted) {
  if (held.is_unix() || wanted.is_unix() || held.port() != wanted.port()) return false;
  if (held.host_text() == wanted.host_text()) return true;
  // "::" stands for all addresses of IPv4, too, as listeners bind it here.
  const auto covers = [](const Endpoint& all, const Endpoint& one) {
    return is_any(all) && (all.family() == AF_INET6 || one.family() == AF_INET);
  };
  return covers(held, wanted) || covers(wanted, held);
}

std::vector<PortHolder> holders_of(std::uint64_t inode) {
  const std::string socket = "socket:[" + std::to_string(inode) + "]";
  std::vector<PortHolder> found;
  std::error_code error;
  for (fs::directory_iterator one("/proc", error), end; !error && one != end; one.increment(error)) {
    const std::optional<std::uint64_t> pid = parse_decimal(one->path().filename().string());
    if (!pid || !has_open(one->path(), socket)) continue;
    std::string name = text_of(one->path() / "comm").value_or("");
    name.erase(std::min(name.find('\n'), name.size()));
    found.push_back({static_cast<pid_t>(*pid), name});
  }
  return found;
}

bool descends_from(pid_t pid, pid_t ancestor) {
  for (; pid > 0; pid = parent_of(pid))
    if (pid == ancestor) return true;
  return false;
}

}  // namespace holdfast::master
