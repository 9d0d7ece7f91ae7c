#include "tests/support/log_collector.h"

#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "tests/support/deadline.h"

namespace holdfast::support {
namespace {

std::optional<WallTime> parse_time(std::string_view text) {
  std::tm parts{};
  int milliseconds = 0;
  const int found =
      std::sscanf(std::string(text).c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &milliseconds);
  if (found != 7) return {};
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return std::chrono::system_clock::from_time_t(::timegm(&parts)) + Milliseconds(milliseconds);
}

std::string_view take_word(std::string_view& rest) {
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

// key=value or key="value with blanks"
void take_field(std::string_view& rest, LogLine& line) {
  const std::size_t equals = rest.find('=');
  const std::string key(rest.substr(0, equals));
  rest.remove_prefix(equals + 1);
  std::size_t end = 0;
  if (rest.starts_with('"')) {
    rest.remove_prefix(1);
    end = rest.find('"');
  } else {
    end = rest.find(' ');
  }
  line.fields[key] = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), end == std::string_view::npos ? rest.size() : end + 1));
}

bool starts_with_field(std::string_view rest) {
  const std::size_t equals = rest.find('=');
  return equals != std::string_view::npos && equals > 0 &&
         rest.substr(0, equals).find(' ') == std::string_view::npos;
}

}  // namespace

std::string LogLine::field(const std::string& key) const {
  const auto found = fields.find(key);
  return found == fields.end() ? std::string() : found->second;
}

long LogLine::number(const std::string& key) const {
  return std::strtol(field(key).c_str(), nullptr, 10);
}

LogLine parse_log_line(std::string_view text) {
  LogLine line;
  line.raw = text;
  std::string_view rest = text;
  line.time = parse_time(take_word(rest));
  if (!line.time) return line;
  line.level = take_word(rest);
  for (;;) {
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    if (rest.empty()) break;
    if (starts_with_field(rest)) {
      take_field(rest, line);
    } else {
      if (!line.event.empty()) line.event += ' ';
      line.event += take_word(rest);
    }
  }
  return line;
}

LogCollector::LogCollector(Fd stream) : stream_(std::move(stream)) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == 0) {
    stop_read_.reset(ends[0]);
    stop_write_.reset(ends[1]);
  }
  reader_ = std::thread([this] { read_all(); });
}

LogCollector::~LogCollector() {
  stop_write_.reset();
  reader_.join();
}

void LogCollector::read_all() {
  std::string partial;
  pollfd waiting[2] = {{stream_.get(), POLLIN, 0}, {stop_read_.get(), POLLIN, 0}};
  for (;;) {
    ::poll(waiting, 2, -1);
    if (waiting[0].revents == 0) break;
    char room[16384];
    const ssize_t n = ::read(stream_.get(), room, sizeof room);
    if (n <= 0) break;
    partial.append(room, static_cast<std::size_t>(n));
    std::size_t begin = 0;
    for (std::size_t end; (end = partial.find('\n', begin)) != std::string::npos; begin = end + 1)
      add_line(std::string_view(partial).substr(begin, end - begin));
    partial.erase(0, begin);
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  grown_.notify_all();
}

void LogCollector::add_line(std::string_view text) {
  LogLine line = parse_log_line(text);
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
  grown_.notify_all();
}

std::size_t LogCollector::mark() const {
  const std::lock_guard lock(mutex_);
  return lines_.size();
}

std::optional<LogLine> LogCollector::wait(const Match& match, std::size_t mark, Milliseconds in) {
  const Deadline deadline(in);
  std::unique_lock lock(mutex_);
  std::size_t next = mark;
  for (;;) {
    for (; next < lines_.size(); ++next)
      if (match(lines_[next])) return lines_[next];
    if (ended_) return {};
    if (grown_.wait_until(lock, deadline.at()) == std::cv_status::timeout && next == lines_.size()) return {};
  }
}

std::optional<LogLine> LogCollector::wait_event(std::string_view event, std::size_t mark, Milliseconds in) {
  return wait([event](const LogLine& line) { return line.event == event; }, mark, in);
}

std::vector<LogLine> LogCollector::lines(std::size_t mark) const {
  const std::lock_guard lock(mutex_);
  return {lines_.begin() + static_cast<std::ptrdiff_t>(std::min(mark, lines_.size())), lines_.end()};
}

std::string LogCollector::text() const {
  std::string all;
  for (const LogLine& line : lines()) all += line.raw + '\n';
  return all;
}

}  // namespace holdfast::support
