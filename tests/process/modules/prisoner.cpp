// A handler for tests that tries what the sandbox is there for: the last segment of the path says what, the
// query with what. It answers with what came of it: "done", or the name of an error.
#include <fcntl.h>
#include <holdfast/module.h>
#include <holdfast/query.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

namespace api = holdfast::api;

namespace {

long own_rename(const std::string& path) {
  return ::rename(path.c_str(), (path + ".renamed").c_str());
}

long closed(int fd) {
  if (fd >= 0) ::close(fd);
  return fd;
}

long start_program() {
  const char* const arguments[] = {"/bin/true", nullptr};
  return ::execv(arguments[0], const_cast<char* const*>(arguments));
}

long bind_anywhere() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int result = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int code = errno;
  closed(fd);
  errno = code;
  return result;
}

long try_call(const std::string& what) {
  if (what == "ptrace") return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  if (what == "unshare") return ::syscall(SYS_unshare, 0x10000000);  // a user namespace
  if (what == "execve") return start_program();
  if (what == "fork") return ::fork();
  if (what == "packets") return closed(::socket(AF_PACKET, SOCK_RAW, 0));
  if (what == "netlink") return closed(::socket(AF_NETLINK, SOCK_RAW, 0));
  if (what == "kill_parent") return ::kill(::getppid(), SIGTERM);
  if (what == "bind") return bind_anywhere();
  if (what == "unnamed") return ::syscall(100'000);
  return -1;
}

long try_file(const std::string& what, const std::string& path) {
  if (what == "read") return closed(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (what == "write") return closed(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (what == "rename") return own_rename(path);
  if (what == "unlink") return ::unlink(path.c_str());
  return -1;
}

class Prisoner final : public api::Handler {
 public:
  explicit Prisoner(api::Setup& setup) {
    if (const std::string_view first = setup.settings().text("first"); !first.empty())
      try_call(std::string(first));
  }

  void handle(api::Exchange& exchange) override {
    const std::string what(exchange.request().parameter("what"));
    const auto path = api::query_value(exchange.request().query, "path");
    errno = 0;
    long result = 0;
    if (what == "thread")
      std::thread([&result] { result = try_call("ptrace"); }).join();
    else
      result = path ? try_file(what, *path) : try_call(what);
    exchange.respond({}, api::Body::copy(result >= 0 ? "done" : ::strerrorname_np(errno)));
  }
};

constexpr api::SettingRow kSettings[] = {
    {"first", api::SettingKind::Text, "", "What is tried when the handler is made."}};

}  // namespace

HOLDFAST_MODULE(Prisoner, kSettings)
