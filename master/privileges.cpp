#include "master/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace holdfast::master {

Result<std::optional<Identity>> resolve_identity(const config::Process& process) {
  if (process.user.empty() || geteuid() != 0) return std::optional<Identity>();
  Identity identity;
  const passwd* user = getpwnam(process.user.c_str());
  if (user == nullptr) return Error{ErrorKind::Configuration, 0, "no such user: " + process.user};
  identity.user = user->pw_uid;
  identity.group = user->pw_gid;
  if (!process.group.empty()) {
    const group* found = getgrnam(process.group.c_str());
    if (found == nullptr) return Error{ErrorKind::Configuration, 0, "no such group: " + process.group};
    identity.group = found->gr_gid;
  }
  int count = 64;
  identity.groups.resize(static_cast<std::size_t>(count));
  if (getgrouplist(process.user.c_str(), identity.group, identity.groups.data(), &count) < 0) {
    identity.groups.resize(static_cast<std::size_t>(count));
    getgrouplist(process.user.c_str(), identity.group, identity.groups.data(), &count);
  }
  identity.groups.resize(static_cast<std::size_t>(count));
  return std::optional(identity);
}

Result<void> become(const Identity& identity) {
  if (setgroups(identity.groups.size(), identity.groups.data()) != 0) return system_error(errno, "set groups");
  if (setresgid(identity.group, identity.group, identity.group) != 0) return system_error(errno, "set group");
  if (setresuid(identity.user, identity.user, identity.user) != 0) return system_error(errno, "set user");
  // A change of user takes away core dumps and the process's own /proc entries.
  prctl(PR_SET_DUMPABLE, 1);
  return {};
}

void forbid_privileges() {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (geteuid() == 0) return;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  syscall(SYS_capset, &header, none);
}

void close_descriptors_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned from = 3;
  for (const int fd : kept) {
    if (fd < static_cast<int>(from)) continue;
    if (static_cast<unsigned>(fd) > from) syscall(SYS_close_range, from, static_cast<unsigned>(fd) - 1, 0);
    from = static_cast<unsigned>(fd) + 1;
  }
  syscall(SYS_close_range, from, ~0U, 0);
}

void offer_to_oom_killer() {
  constexpr int kBeforeTheMaster = 100;  // of 1000: as if a tenth of all memory more were in use
  constexpr int kHighest = 1000;
  const char* const path = "/proc/self/oom_score_adj";
  int score = 0;
  if (std::ifstream in(path); !(in >> score)) return;
  std::ofstream(path) << std::min(score + kBeforeTheMaster, kHighest) << '\n';
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace holdfast::master
