#include <algorithm>

#include "common/system_calls.h"
#include "config/nearest_name.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

// Other programs and processes, and the machine itself: no handler in a worker gets at them.
constexpr std::string_view kNeverGiven[] = {
    "fork",
    "vfork",
    "clone",
    "clone3",
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    "mount",
    "umount2",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "open_by_handle_at",
    "quotactl",
    "acct",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "clock_adjtime",
    "iopl",
    "ioperm",
    "modify_ldt",
    "syslog",
    "sethostname",
    "setdomainname",
    "vhangup",
    "uselib",
    "seccomp",
    "personality",
};

Kind<std::string> system_call() {
  return {"name of a system call", schema_type("string"),
          [](Reader& reader, const Node& node, std::string& out) {
            std::string name;
            if (!read_string(reader, node, name)) return false;
            if (std::ranges::find(kNeverGiven, name) != std::end(kNeverGiven))
              return reader.wrong(node, "must not hold calls that reach other programs or the machine itself");
            if (system_call_number(name) < 0) {
              const std::string nearest = nearest_name(name, system_call_names());
              return reader.wrong(node, "must hold names of system calls",
                                  nearest.empty() ? "" : "did you mean `" + nearest + "`?");
            }
            out = std::move(name);
            return true;
          },
          [](const std::string& value, const Config&) { return text_node(value); }};
}

}  // namespace

const Rows<SandboxWishes>& sandbox_wishes_rows() {
  static const Rows<SandboxWishes> rows = make_rows<SandboxWishes>(
      field(
          "system_calls", &SandboxWishes::system_calls, list_of(system_call()), "", Takes::NewWorkers,
          "System calls beside those of the server. The name stands in the log's line of the worker that died "
          "of calling it. Never given are those that start programs, reach other processes or change the "
          "machine.")
          .example("[bind, listen]"),
      field("read", &SandboxWishes::read, list_of(path_kind("path of a file or folder")), "", Takes::NewWorkers,
            "Files that may be read, and folders with all that is beneath them. A file that is replaced by "
            "another is found anew only where its folder stands here.")
          .located()
          .example("[/srv/shop/data]"),
      field("write", &SandboxWishes::write, list_of(path_kind("path of a file or folder")), "",
            Takes::NewWorkers,
            "The same for reading and writing; in folders, files and folders may be made, renamed and removed.")
          .located()
          .example("[/var/lib/shop]"));
  return rows;
}

}  // namespace holdfast::config
