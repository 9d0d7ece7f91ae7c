#include "master/succession.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "common/memory_file.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX has it declared by the program

namespace holdfast::master {
namespace {

// Set when the former binary comes back without a handover that says why.
constexpr const char* kReasonVariable = "HOLDFAST_HANDOVER_REASON";

void let_pass(int fd, bool pass) {
  const int flags = fcntl(fd, F_GETFD);
  if (flags >= 0) fcntl(fd, F_SETFD, pass ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC);
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::string take_variable(const char* name) {
  const char* const value = getenv(name);
  std::string text = value == nullptr ? "" : value;
  unsetenv(name);
  return text;
}

Result<Arrival> read_arrival(int fd) {
  Fd memory(fd);
  const Result<std::string> text = read_memory_file(fd);
  if (!text) return text.error();
  Result<Handover> handover = Handover::parse(*text);
  if (!handover) return handover.error();
  return Arrival{std::move(*handover), std::move(memory)};
}

// -- the net. What its handler needs is made ready before: a handler of a fault can allocate nothing.

constexpr std::array kFaults{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGALRM};
constexpr std::string_view kReasonStart = "HOLDFAST_HANDOVER_REASON=";
constexpr std::string_view kFaultText = "the new binary died of signal ";

struct Net {
  pid_t owner = 0;  // 0: not armed
  Fd memory;        // its own, whatever becomes of that of the arrival
  int binary = -1;
  std::vector<char*> arguments;
  std::string handover_variable;
  std::array<char, 512> reason_variable{};
  std::vector<char*> environment;
};
Net net;

void set_reason(std::string_view reason) {
  const std::size_t room = net.reason_variable.size() - kReasonStart.size() - 1;
  reason = reason.substr(0, room);
  std::memcpy(net.reason_variable.data() + kReasonStart.size(), reason.data(), reason.size());
  net.reason_variable[kReasonStart.size() + reason.size()] = '\0';
}

void run_former_binary() {
  alarm(0);
  execveat(net.binary, "", net.arguments.data(), net.environment.data(), AT_EMPTY_PATH);
}

void on_fault(int number) {
  if (net.owner == getpid()) {
    if (number == SIGALRM) {
      set_reason("the new binary stood still");
    } else {
      char text[64];
      std::memcpy(text, kFaultText.data(), kFaultText.size());
      const auto end = std::to_chars(text + kFaultText.size(), text + sizeof text, number).ptr;
      set_reason({text, static_cast<std::size_t>(end - text)});
    }
    run_former_binary();
  }
  signal(number, SIG_DFL);
  raise(number);
}

void set_handlers(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_NODEFER;
  for (const int number : kFaults) sigaction(number, &action, nullptr);
}

}  // namespace

std::optional<Result<Arrival>> arrive() {
  const std::string descriptor = take_variable(kHandoverVariable);
  const std::string reason = take_variable(kReasonVariable);
  if (descriptor.empty()) return std::nullopt;
  alarm(0);
  int fd = -1;
  std::from_chars(descriptor.data(), descriptor.data() + descriptor.size(), fd);
  Result<Arrival> arrival = read_arrival(fd);
  if (arrival && !reason.empty()) arrival->handover.returned = reason;
  return arrival;
}

Error depart(const Handover& handover, const Destination& to) {
  const Result<Fd> memory = make_memory_file(handover.text());
  if (!memory) return memory.error();
  std::vector<int> passing = handover.descriptors();
  passing.push_back(memory->get());
  for (const int fd : passing) let_pass(fd, true);
  setenv(kHandoverVariable, std::to_string(memory->get()).c_str(), 1);
  const std::vector<char*> arguments = pointers_to(to.arguments);
  if (to.file >= 0)
    execveat(to.file, "", arguments.data(), environ, AT_EMPTY_PATH);
  else
    execve(to.path.c_str(), arguments.data(), environ);
  const int code = errno;
  unsetenv(kHandoverVariable);
  for (const int fd : passing) let_pass(fd, false);
  return system_error(code, "cannot run " + to.path);
}

void close_handed(const Handover& handover) {
  for (const int fd : handover.descriptors()) close(fd);
}

void hold_back_handed(const Handover& handover) {
  for (const int fd : handover.descriptors()) let_pass(fd, false);
}

void CrashNet::arm(const Arrival& arrival, const std::vector<std::string>& arguments,
                   std::chrono::seconds limit) {
  net.memory = Fd(dup(arrival.memory.get()));
  net.binary = arrival.handover.binary_fd;
  net.arguments = pointers_to(arguments);
  net.handover_variable = std::string(kHandoverVariable) + "=" + std::to_string(net.memory.get());
  std::memcpy(net.reason_variable.data(), kReasonStart.data(), kReasonStart.size());
  for (char** variable = environ; *variable != nullptr; ++variable) net.environment.push_back(*variable);
  net.environment.push_back(net.handover_variable.data());
  net.environment.push_back(net.reason_variable.data());
  net.environment.push_back(nullptr);
  net.owner = getpid();
  set_handlers(on_fault);
  sigset_t faults;
  sigemptyset(&faults);
  for (const int number : kFaults) sigaddset(&faults, number);
  sigprocmask(SIG_UNBLOCK, &faults, nullptr);
  set_limit(limit);
}

void CrashNet::set_limit(std::chrono::seconds limit) {
  if (net.owner == getpid()) alarm(static_cast<unsigned>(limit.count()));
}

void CrashNet::disarm() {
  alarm(0);
  set_handlers(SIG_DFL);
  net = {};
}

void CrashNet::fall(const std::string& reason) {
  if (net.owner != getpid()) return;
  set_reason(reason);
  run_former_binary();
}

}  // namespace holdfast::master
