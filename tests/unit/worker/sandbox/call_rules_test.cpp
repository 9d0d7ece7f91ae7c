#include "worker/sandbox/call_rules.h"

#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>

#include "common/system_calls.h"
#include "tests/unit/worker/sandbox/filter_machine.h"

namespace holdfast::sandbox {
namespace {

constexpr std::uint64_t kThread = 0x00010000;

TEST(CallRules, let_serving_through_and_nothing_that_reaches_beyond) {
  const auto program = seccomp_filter(call_rules(42, {}));
  for (const char* name : {"read", "write", "sendfile", "accept4", "epoll_pwait", "openat2", "futex", "mmap"})
    EXPECT_EQ(ask(program, system_call_number(name)), SECCOMP_RET_ALLOW) << name;
  for (const char* name : {"execve", "execveat", "ptrace", "mount", "unshare", "setns", "bpf", "keyctl",
                           "finit_module", "bind", "listen", "unlinkat", "renameat2", "setuid",
                           "io_uring_setup", "process_vm_writev", "seccomp", "chroot"})
    EXPECT_EQ(ask(program, system_call_number(name)), SECCOMP_RET_TRAP) << name;
}

TEST(CallRules, look_at_arguments_where_it_matters) {
  const auto program = seccomp_filter(call_rules(42, {}));
  EXPECT_EQ(ask(program, SYS_clone, {kThread | 0xF00}), SECCOMP_RET_ALLOW) << "a thread";
  EXPECT_EQ(ask(program, SYS_clone, {17}), SECCOMP_RET_TRAP) << "a process";
  EXPECT_EQ(ask(program, SYS_clone3), SECCOMP_RET_ERRNO | ENOSYS);
  EXPECT_EQ(ask(program, SYS_socket, {AF_INET6}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(program, SYS_socket, {AF_PACKET}), SECCOMP_RET_TRAP);
  EXPECT_EQ(ask(program, SYS_socket, {AF_NETLINK}), SECCOMP_RET_ERRNO | EAFNOSUPPORT);
  EXPECT_EQ(ask(program, SYS_kill, {42, 6}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(program, SYS_kill, {43, 6}), SECCOMP_RET_TRAP);
  EXPECT_EQ(ask(program, SYS_kill, {static_cast<std::uint64_t>(-1), 6}), SECCOMP_RET_TRAP) << "everybody";
  EXPECT_EQ(ask(program, SYS_prlimit64, {0, 7, 0}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(program, SYS_prlimit64, {0, 7, 0x7000'0000'0000}), SECCOMP_RET_TRAP);
  EXPECT_EQ(ask(program, SYS_prctl, {15}), SECCOMP_RET_ALLOW) << "a thread's name";
  EXPECT_EQ(ask(program, SYS_prctl, {22}), SECCOMP_RET_TRAP) << "seccomp";
  EXPECT_EQ(ask(program, SYS_ioctl, {0, 0x5412}), SECCOMP_RET_TRAP) << "input of a terminal";
}

TEST(CallRules, add_what_routes_ask_for) {
  const auto asked = seccomp_filter(call_rules(42, {{"bind", "socket"}, false}));
  EXPECT_EQ(ask(asked, SYS_bind), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(asked, SYS_socket, {AF_PACKET}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(asked, SYS_listen), SECCOMP_RET_TRAP);
  EXPECT_EQ(ask(asked, SYS_unlinkat), SECCOMP_RET_TRAP);
  EXPECT_EQ(ask(seccomp_filter(call_rules(42, {{}, true})), SYS_unlinkat), SECCOMP_RET_ALLOW);
}

}  // namespace
}  // namespace holdfast::sandbox
