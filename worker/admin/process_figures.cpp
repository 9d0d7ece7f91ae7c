#include "worker/admin/process_figures.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "common/ascii.h"
#include "common/fd.h"

namespace holdfast::admin {

namespace {

std::string proc_path(std::uint64_t pid, std::string_view name) {
  return "/proc/" + std::to_string(pid) + '/' + std::string(name);
}

/// The text of a small file under /proc, or nothing when the process is gone.
std::optional<std::string> read_proc(std::uint64_t pid, std::string_view name) {
  const Fd fd(::open(proc_path(pid, name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::array<char, 4096> text;
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(size));
}

/// The word at `index`, counted from 0, of text separated by spaces; 0 when it is no number.
std::uint64_t number_at(std::string_view text, int index) {
  for (; index > 0; --index) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return 0;
    text.remove_prefix(space + 1);
  }
  return parse_decimal(text.substr(0, text.find_first_of(" \n"))).value_or(0);
}

struct CpuTicks {
  std::uint64_t own = 0;       // user and system
  std::uint64_t children = 0;  // of children that were waited for
};

std::optional<CpuTicks> cpu_ticks(std::uint64_t pid) {
  const auto text = read_proc(pid, "stat");
  if (!text) return std::nullopt;
  // The command's name stands in parentheses and may hold anything; the fields are counted from behind it.
  const std::size_t name_end = text->rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(*text).substr(name_end + 2);
  return CpuTicks{number_at(rest, 11) + number_at(rest, 12), number_at(rest, 13) + number_at(rest, 14)};
}

/// A worker that dies while we look is either still in its own file or already in the master's sum of children:
/// the sum holds if that did not change meanwhile.
std::optional<double> cpu_seconds(std::uint64_t master, const std::vector<stats::ProcessView>& workers) {
  constexpr int kTries = 5;
  std::uint64_t total = 0;
  for (int tries = 0; tries < kTries; ++tries) {
    const auto before = cpu_ticks(master);
    if (!before) return std::nullopt;
    total = before->own + before->children;
    for (const stats::ProcessView& worker : workers)
      if (const auto ticks = cpu_ticks(worker.pid)) total += ticks->own + ticks->children;
    const auto after = cpu_ticks(master);
    if (after && after->children == before->children) break;
  }
  return static_cast<double>(total) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::optional<std::uint64_t> resident_bytes(std::uint64_t pid) {
  const auto text = read_proc(pid, "statm");
  if (!text) return std::nullopt;
  return number_at(*text, 1) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<std::uint64_t> open_descriptors(std::uint64_t pid) {
  struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::string path = proc_path(pid, "fd");
  // Since Linux 6.2 their number is the directory's size, which may be asked of processes whose list may not be
  // read: those of another account, and from inside of a sandbox all others.
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && status.st_size > 0)
    return static_cast<std::uint64_t>(status.st_size);
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return std::nullopt;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(directory.get()))
    if (entry->d_name[0] != '.') ++count;
  return count;
}

std::optional<std::uint64_t> descriptor_limit(std::uint64_t pid) {
  const auto text = read_proc(pid, "limits");
  if (!text) return std::nullopt;
  constexpr std::string_view kName = "Max open files";
  const std::size_t at = text->find(kName);
  if (at == std::string::npos) return std::nullopt;
  std::string_view rest = trim_ows(std::string_view(*text).substr(at + kName.size()));
  return parse_decimal(rest.substr(0, rest.find(' ')));
}

/// The sum of `read(pid)` over all processes; nothing when a process that lives does not let itself be read.
template <class Read>
std::optional<std::uint64_t> sum_over(std::uint64_t master, const std::vector<stats::ProcessView>& workers,
                                      Read read) {
  auto sum = read(master);
  if (!sum) return std::nullopt;
  for (const stats::ProcessView& worker : workers) {
    if (worker.pid == 0) continue;
    const auto part = read(worker.pid);
    if (part)
      *sum += *part;
    else if (::access(proc_path(worker.pid, "stat").c_str(), F_OK) == 0)
      return std::nullopt;
  }
  return sum;
}

}  // namespace

ProcessFigures read_process_figures(std::uint64_t master, const std::vector<stats::ProcessView>& workers) {
  if (master == 0) return {};
  return {cpu_seconds(master, workers), sum_over(master, workers, resident_bytes),
          sum_over(master, workers, open_descriptors), sum_over(master, workers, descriptor_limit)};
}

}  // namespace holdfast::admin
