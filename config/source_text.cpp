#include "config/source_text.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/fd.h"
#include "config/sources.h"

namespace holdfast::config {
namespace {

Error unreadable(const char* why) {
  return Error{ErrorKind::Configuration, 0, why};
}

/// " (for the user holdfast)": who reads is easily forgotten where the service is started by another.
std::string for_whom() {
  const passwd* const user = ::getpwuid(::geteuid());
  return user == nullptr ? "" : std::string(" (for the user ") + user->pw_name + ")";
}

Error unreadable(int code) {
  Error error = system_error(code, "cannot be read");
  if (code == EACCES) error = {error.kind, 0, error.message() + for_whom()};
  error.kind = ErrorKind::Configuration;
  return error;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// Length of the well-formed sequence at the start of `text`, 0 when there is none (table 3-7 of Unicode).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!is_continuation(text[i])) return 0;
  const unsigned char second = byte(1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second > 0x9F;
  const bool too_large = lead == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_large ? 0 : length;
}

bool is_refused_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

Mark mark_at(std::string_view text, std::size_t offset, std::uint32_t file) {
  Mark mark{file, 1, 1};
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n') {
      ++mark.line;
      mark.column = 1;
    } else if (!is_continuation(text[i])) {
      ++mark.column;
    }
  }
  return mark;
}

Result<std::string> read_from_disk(const std::string& path) {
  // O_NONBLOCK: a pipe without a writer must not hold up the loader.
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return unreadable(errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return unreadable(errno);
  if (S_ISDIR(status.st_mode)) return unreadable("is a directory, not a file");
  if (!S_ISREG(status.st_mode)) return unreadable("is not a regular file");
  std::string text;
  char buffer[16384];
  while (true) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable(errno);
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > kMaxFileBytes) return unreadable("is larger than 4 MiB");
  }
}

}  // namespace

Result<std::string> read_source(const std::string& path) {
  if (const std::optional<const std::string*> replayed = replayed_text(path)) {
    if (*replayed == nullptr) return unreadable(ENOENT);
    return **replayed;
  }
  Result<std::string> text = read_from_disk(path);
  if (text) record_text(path, *text);
  return text;
}

std::size_t first_bad_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

bool check_encoding(std::string_view text, std::uint32_t file, std::vector<TreeProblem>& problems) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    problems.push_back({Mark{file, 1, 1}, "the file is UTF-16: save it as UTF-8"});
    return false;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!is_refused_control(text[at])) continue;
    const std::string what = text[at] == '\0' ? "a NUL byte" : "a control character";
    problems.push_back({mark_at(text, at, file), what + " in the file: it is not text"});
    return false;
  }
  const std::size_t bad = first_bad_utf8(text);
  if (bad == std::string_view::npos) return true;
  problems.push_back({mark_at(text, bad, file), "not valid UTF-8"});
  return false;
}

SourceLines::SourceLines(std::string_view text) : text_(text), starts_{0} {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    starts_.push_back(at + 1);
}

int SourceLines::indenting_tab(int line) const {
  if (line < 0 || static_cast<std::size_t>(line) >= starts_.size()) return -1;
  const std::size_t start = starts_[static_cast<std::size_t>(line)];
  const std::size_t first = text_.find_first_not_of(' ', start);
  return first != std::string_view::npos && text_[first] == '\t' ? static_cast<int>(first - start) : -1;
}

std::size_t SourceLines::offset_of(int line, int column) const {
  if (line < 0 || static_cast<std::size_t>(line) >= starts_.size()) return text_.size();
  return std::min(starts_[static_cast<std::size_t>(line)] + static_cast<std::size_t>(std::max(column, 0)),
                  text_.size());
}

int SourceLines::character_column(int line, int column) const {
  if (line < 0 || static_cast<std::size_t>(line) >= starts_.size()) return column;
  const std::size_t start = starts_[static_cast<std::size_t>(line)];
  const std::string_view before = text_.substr(start, offset_of(line, column) - start);
  return column - static_cast<int>(std::count_if(before.begin(), before.end(), is_continuation));
}

bool SourceLines::quote_is_closed(int line, int column) const {
  std::size_t at = offset_of(line, column);
  if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return true;
  const char quote = text_[at];
  while (++at < text_.size()) {
    if (quote == '"' && text_[at] == '\\') {
      ++at;
    } else if (text_[at] == quote) {
      if (quote != '\'' || at + 1 >= text_.size() || text_[at + 1] != quote) return true;
      ++at;
    }
  }
  return false;
}

}  // namespace holdfast::config
