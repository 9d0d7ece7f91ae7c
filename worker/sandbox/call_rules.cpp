#include "worker/sandbox/call_rules.h"

#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <map>
#include <string_view>
#include <utility>

#include "common/system_calls.h"

namespace holdfast::sandbox {
namespace {

constexpr std::uint64_t kWhole = UINT64_MAX;
constexpr std::uint64_t kInt = UINT32_MAX;  // the kernel looks at the lower half only

// Names that a kind of machine, or the headers it was built with, do not have are passed over.

// What is served, and the loop that does it.
constexpr std::string_view kServing =
    "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 sendfile splice tee close "
    "close_range lseek dup dup2 dup3 fcntl accept accept4 connect getsockname getpeername getsockopt "
    "setsockopt sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg shutdown epoll_ctl epoll_wait "
    "epoll_pwait epoll_pwait2 epoll_create epoll_create1 poll ppoll select pselect6 eventfd eventfd2 "
    "signalfd signalfd4 pipe pipe2 timerfd_create timerfd_settime timerfd_gettime memfd_create ftruncate "
    "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch";

// Files are looked at and opened; landlock says which, and for what.
constexpr std::string_view kFiles =
    "open openat openat2 stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2 "
    "readlink readlinkat getdents getdents64 getcwd fadvise64 readahead";

// Memory, threads, time, signals, and questions about oneself: the C and C++ libraries, and the crash report.
constexpr std::string_view kRuntime =
    "brk mmap munmap mprotect mremap madvise mincore msync mlock mlock2 munlock membarrier futex "
    "futex_waitv rseq set_robust_list get_robust_list set_tid_address exit exit_group gettid sched_yield "
    "sched_getaffinity getcpu time clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday "
    "times getrusage alarm setitimer getitimer pause restart_syscall rt_sigaction rt_sigprocmask "
    "rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack getpid getppid getuid geteuid "
    "getgid getegid getgroups getresuid getresgid capget getrandom uname sysinfo getrlimit umask";

// Questions that libraries of modules ask, and that reveal nothing.
constexpr std::string_view kQuestions =
    "sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min getpriority getpgid "
    "getsid";

// For modules whose routes may write somewhere; landlock says where.
constexpr std::string_view kChangingFiles =
    "unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir link linkat symlink symlinkat creat "
    "truncate fsync fdatasync syncfs sync_file_range fallocate utimensat copy_file_range flock chmod "
    "fchmod fchmodat";

ArgumentCase allow_if(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, mask, value, Verdict::Allow, 0};
}

/// Only with one of these values as the argument, an int.
CallRule one_of(int number, unsigned argument, std::initializer_list<std::uint64_t> values) {
  CallRule rule{number, Verdict::Trap};
  for (const std::uint64_t value : values) rule.cases.push_back(allow_if(argument, kInt, value));
  return rule;
}

template <class Take>
void for_each_word(std::string_view words, Take take) {
  while (!words.empty()) {
    const std::size_t space = std::min(words.find(' '), words.size());
    take(words.substr(0, space));
    words.remove_prefix(std::min(space + 1, words.size()));
  }
}

std::vector<CallRule> rules_by_argument(pid_t self) {
  const auto me = static_cast<std::uint32_t>(self);
  // Name servers and other hosts are asked, syslog told. The C library asks netlink which kinds of addresses
  // there are, and can do without an answer.
  CallRule sockets = one_of(SYS_socket, 0, {AF_INET, AF_INET6, AF_UNIX});
  sockets.cases.push_back({0, kInt, AF_NETLINK, Verdict::Refuse, EAFNOSUPPORT});
  return {
      std::move(sockets),
      one_of(SYS_socketpair, 0, {AF_UNIX}),
      // Threads, never processes. The flags of clone3 stand in memory, where they cannot be judged: told that
      // it is missing, the C library takes clone.
      {SYS_clone, Verdict::Trap, 0, {allow_if(0, CLONE_THREAD, CLONE_THREAD)}},
      {SYS_clone3, Verdict::Refuse, ENOSYS, {}},
      // Itself alone: a fault takes its course, another process is left in peace.
      {SYS_tgkill, Verdict::Trap, 0, {allow_if(0, kInt, me)}},
      {SYS_kill, Verdict::Trap, 0, {allow_if(0, kInt, me)}},
      // Limits are asked for, not set.
      {SYS_prlimit64, Verdict::Trap, 0, {allow_if(2, kWhole, 0)}},
      one_of(SYS_prctl, 0, {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_VMA}),
      one_of(SYS_ioctl, 1, {FIONREAD, FIONBIO, FIOCLEX, TCGETS, TIOCGWINSZ, TIOCOUTQ}),
  };
}

}  // namespace

std::vector<CallRule> call_rules(pid_t self, const CallWishes& wishes) {
  std::map<int, CallRule> rules;
  const auto allow = [&rules](std::string_view name) {
    if (const int number = system_call_number(name); number >= 0)
      rules.insert_or_assign(number, CallRule{number});
  };
  for (const std::string_view names : {kServing, kFiles, kRuntime, kQuestions}) for_each_word(names, allow);
  for (CallRule& rule : rules_by_argument(self)) rules.insert_or_assign(rule.number, std::move(rule));
  if (wishes.changes_files) for_each_word(kChangingFiles, allow);
  for (const std::string& name : wishes.names) allow(name);
  std::vector<CallRule> all;
  for (auto& [number, rule] : rules) all.push_back(std::move(rule));
  return all;
}

}  // namespace holdfast::sandbox
