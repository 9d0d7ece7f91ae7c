#include "worker/sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "common/fd.h"
#include "common/log.h"

namespace holdfast::sandbox {
namespace {

// Newer than the oldest headers we build with.
constexpr std::uint64_t kTruncate = 1ULL << 14;     // version 3
constexpr std::uint64_t kDeviceCalls = 1ULL << 15;  // ioctl of devices; version 5
constexpr std::uint64_t kScopeSignals = 1ULL << 1;  // version 6

/// landlock_ruleset_attr as of version 6; older kernels take the front of it.
struct RulesetAttributes {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scoped;
};

constexpr std::uint64_t kReading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kUpdating = kReading | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kDeviceCalls;
constexpr std::uint64_t kChanging = kReading | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate |
                                    LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                                    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM;
// What makes sense for a file that is no folder.
constexpr std::uint64_t kOfFiles =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kDeviceCalls;

/// All rights over files that this version knows: those that no rule gives are taken away.
std::uint64_t rights_of_version(int version) {
  std::uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kDeviceCalls;
  return rights;
}

std::uint64_t rights_of(Access access) {
  switch (access) {
    case Access::Read:
      return kReading;
    case Access::Update:
      return kUpdating;
    case Access::Change:
      return kChanging;
  }
  return 0;
}

Result<void> add_rule(int ruleset, const PathRule& rule, std::uint64_t known) {
  const Fd place(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!place || ::fstat(place.get(), &status) != 0) {
    // Most of what libraries look at is missing on any one system.
    if (errno != ENOENT)
      log().debug("left out of the sandbox", {{"problem", system_error(errno, rule.path).message()}});
    return {};
  }
  landlock_path_beneath_attr attributes{};
  attributes.allowed_access = rights_of(rule.access) & known;
  if (!S_ISDIR(status.st_mode)) attributes.allowed_access &= kOfFiles;
  attributes.parent_fd = place.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attributes, 0) != 0)
    return system_error(errno, "landlock rule for " + rule.path);
  return {};
}

}  // namespace

Result<int> landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return system_error(errno, "landlock");
  return static_cast<int>(version);
}

Result<void> enter_landlock(std::span<const PathRule> rules) {
  const Result<int> version = landlock_version();
  if (!version) return version.error();
  const RulesetAttributes attributes{rights_of_version(*version), 0, *version >= 6 ? kScopeSignals : 0};
  const std::size_t size = *version >= 6   ? sizeof attributes
                           : *version >= 4 ? offsetof(RulesetAttributes, scoped)
                                           : offsetof(RulesetAttributes, network);
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset) return system_error(errno, "landlock rules");
  for (const PathRule& rule : rules)
    if (Result<void> added = add_rule(ruleset.get(), rule, attributes.files); !added) return added;
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return system_error(errno, "landlock");
  return {};
}

}  // namespace holdfast::sandbox
