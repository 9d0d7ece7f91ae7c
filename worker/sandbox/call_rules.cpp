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

#include "common/system_calls.h"

namespace holdfast::sandbox {
namespace {

constexpr std::uint64_t kWhole = UINT64_MAX;
constexpr std::uint64_t kInt = UINT32_MAX;  // the kernel looks at the lower half only

// What is served, and the loop that does it.
constexpr int kServing[] = {
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_preadv,
    SYS_pwritev,
    SYS_preadv2,
    SYS_pwritev2,
    SYS_sendfile,
    SYS_splice,
    SYS_tee,
    SYS_close,
    SYS_close_range,
    SYS_lseek,
    SYS_dup,
    SYS_dup3,
    SYS_fcntl,
    SYS_accept,
    SYS_accept4,
    SYS_connect,
    SYS_getsockname,
    SYS_getpeername,
    SYS_getsockopt,
    SYS_setsockopt,
    SYS_sendto,
    SYS_sendmsg,
    SYS_sendmmsg,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_recvmmsg,
    SYS_shutdown,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_epoll_create1,
    SYS_ppoll,
    SYS_pselect6,
    SYS_eventfd2,
    SYS_signalfd4,
    SYS_pipe2,
    SYS_timerfd_create,
    SYS_memfd_create,
    SYS_ftruncate,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_inotify_init1,
    SYS_inotify_add_watch,
    SYS_inotify_rm_watch,
};

// Files are looked at and opened; landlock says which, and for what.
constexpr int kFiles[] = {
    SYS_openat,     SYS_openat2,    SYS_newfstatat, SYS_fstat,   SYS_statx,  SYS_faccessat, SYS_faccessat2,
    SYS_readlinkat, SYS_getdents64, SYS_getcwd,     SYS_fstatfs, SYS_statfs, SYS_fadvise64, SYS_readahead,
};

// Memory, threads, time, signals, and questions about oneself: the C and C++ libraries, and the crash report.
constexpr int kRuntime[] = {
    SYS_brk,
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_madvise,
    SYS_mincore,
    SYS_msync,
    SYS_mlock,
    SYS_mlock2,
    SYS_munlock,
    SYS_membarrier,
    SYS_futex,
    SYS_rseq,
    SYS_set_robust_list,
    SYS_get_robust_list,
    SYS_set_tid_address,
    SYS_exit,
    SYS_exit_group,
    SYS_gettid,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getcpu,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_times,
    SYS_getrusage,
    SYS_setitimer,
    SYS_getitimer,
    SYS_restart_syscall,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_rt_sigsuspend,
    SYS_sigaltstack,
    SYS_getpid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getgroups,
    SYS_getresuid,
    SYS_getresgid,
    SYS_capget,
    SYS_getrandom,
    SYS_uname,
    SYS_sysinfo,
    SYS_getrlimit,
    SYS_umask,
#if defined(__x86_64__)
    // Older forms of calls above, which some libraries still use.
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_getdents,
    SYS_poll,
    SYS_select,
    SYS_epoll_wait,
    SYS_epoll_create,
    SYS_eventfd,
    SYS_signalfd,
    SYS_pipe,
    SYS_dup2,
    SYS_alarm,
    SYS_pause,
    SYS_time,
    SYS_inotify_init,
#endif
};

// For modules whose routes may write somewhere; landlock says where.
constexpr int kChangingFiles[] = {
    SYS_unlinkat,  SYS_renameat2,       SYS_renameat,        SYS_mkdirat,   SYS_linkat,
    SYS_symlinkat, SYS_truncate,        SYS_fsync,           SYS_fdatasync, SYS_syncfs,
    SYS_fallocate, SYS_utimensat,       SYS_copy_file_range, SYS_flock,     SYS_fchmod,
    SYS_fchmodat,  SYS_sync_file_range,
#if defined(__x86_64__)
    SYS_unlink,    SYS_rename,          SYS_mkdir,           SYS_rmdir,     SYS_link,
    SYS_symlink,   SYS_chmod,           SYS_creat,
#endif
};

// Calls that came after the oldest headers we build with.
constexpr std::string_view kNewer[] = {"epoll_pwait2", "futex_waitv"};

ArgumentCase allow_if(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, mask, value, Verdict::Allow, 0};
}

/// Only with one of these values as the argument, an int.
CallRule one_of(int number, unsigned argument, std::initializer_list<std::uint64_t> values) {
  CallRule rule{number, Verdict::Trap};
  for (const std::uint64_t value : values) rule.cases.push_back(allow_if(argument, kInt, value));
  return rule;
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
  const auto allow = [&rules](int number) {
    if (number >= 0) rules.insert_or_assign(number, CallRule{number});
  };
  for (const int number : kServing) allow(number);
  for (const int number : kFiles) allow(number);
  for (const int number : kRuntime) allow(number);
  for (const std::string_view name : kNewer) allow(system_call_number(name));
  for (CallRule& rule : rules_by_argument(self)) rules.insert_or_assign(rule.number, std::move(rule));
  if (wishes.changes_files)
    for (const int number : kChangingFiles) allow(number);
  for (const std::string& name : wishes.names) allow(system_call_number(name));
  std::vector<CallRule> all;
  for (auto& [number, rule] : rules) all.push_back(std::move(rule));
  return all;
}

}  // namespace holdfast::sandbox
