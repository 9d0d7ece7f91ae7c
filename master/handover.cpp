#include "master/handover.h"

#include <charconv>
#include <concepts>
#include <sstream>

namespace holdfast::master {
namespace {

constexpr std::string_view kFirstWord = "holdfast-handover";

bool is_plain(char c) {
  return c > ' ' && c < 0x7f && c != '%';
}

std::string encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain(c))
      out += c;
    else
      (out += '%').append({kDigits[byte >> 4], kDigits[byte & 15]});
  }
  return out.empty() ? "%" : out;  // a word is never empty
}

std::optional<std::string> decoded(std::string_view word) {
  if (word == "%") return "";
  std::string out;
  while (!word.empty()) {
    if (word.front() != '%') {
      out += word.front();
      word.remove_prefix(1);
      continue;
    }
    unsigned byte = 0;
    if (word.size() < 3 || std::from_chars(word.data() + 1, word.data() + 3, byte, 16).ptr != word.data() + 3)
      return std::nullopt;
    out += static_cast<char>(byte);
    word.remove_prefix(3);
  }
  return out;
}

/// Writes one record.
class Line {
 public:
  Line(std::string& out, std::string_view key) : out_(out) { out_ += key; }
  ~Line() { out_ += '\n'; }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  Line& number(std::integral auto value) { return word(std::to_string(value)); }
  Line& text(std::string_view value) { return word(encoded(value)); }
  Line& time(TimePoint value) { return number(value.time_since_epoch().count()); }

 private:
  Line& word(const std::string& word) {
    out_ += ' ';
    out_ += word;
    return *this;
  }
  std::string& out_;
};

/// Reads the words of one record in the order in which they were written.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  std::string_view next() {
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (word.empty()) good_ = false;
    return word;
  }
  template <class Number>
  void take(Number& value) {
    const std::string_view word = next();
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) good_ = false;
  }
  void take(bool& value) {
    int number = 0;
    take(number);
    value = number != 0;
  }
  void take(std::string& value) {
    std::optional<std::string> text = decoded(next());
    if (text)
      value = std::move(*text);
    else
      good_ = false;
  }
  void take(TimePoint& value) {
    Duration::rep count = 0;
    take(count);
    value = TimePoint(Duration(count));
  }
  void take(Endpoint& value) {
    std::string text;
    take(text);
    const Result<Endpoint> endpoint = Endpoint::parse(text);
    if (endpoint)
      value = *endpoint;
    else
      good_ = false;
  }
  bool at_end() const { return rest_.empty(); }
  bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

void write_endpoint(std::string& out, const HandedEndpoint& endpoint) {
  Line line(out, "endpoint");
  line.text(endpoint.need.name).text(endpoint.need.bind.text()).text(endpoint.actual.text());
  line.number(endpoint.need.admin ? 1 : 0).number(endpoint.need.sockets);
  line.number(endpoint.chosen).number(endpoint.shared ? 1 : 0);
  line.number(endpoint.map).number(endpoint.mapped);
  for (const int socket : endpoint.sockets) line.number(socket);
}

void read_endpoint(Words& words, HandedEndpoint& endpoint) {
  words.take(endpoint.need.name);
  words.take(endpoint.need.bind);
  words.take(endpoint.actual);
  words.take(endpoint.need.admin);
  words.take(endpoint.need.sockets);
  words.take(endpoint.chosen);
  words.take(endpoint.shared);
  words.take(endpoint.map);
  words.take(endpoint.mapped);
  while (words.good() && !words.at_end()) words.take(endpoint.sockets.emplace_back());
}

void write_process(std::string& out, const HandedProcess& process) {
  const SlotProcess& known = process.known;
  Line line(out, "process");
  line.number(known.id).number(process.slot);
  line.number(known.generation).number(process.current ? 1 : 0);
  line.number(process.seat).number(process.pid).number(process.pidfd).number(process.control);
  line.number(static_cast<int>(known.state)).time(known.started).time(known.ready_at).time(known.deadline);
  line.number(known.was_hung ? 1 : 0).number(known.accepting ? 1 : 0).text(known.problem);
  line.number(process.log).number(process.log_opening);
}

void read_process(Words& words, HandedProcess& process) {
  SlotProcess& known = process.known;
  words.take(known.id);
  words.take(process.slot);
  words.take(known.generation);
  words.take(process.current);
  words.take(process.seat);
  words.take(process.pid);
  words.take(process.pidfd);
  words.take(process.control);
  unsigned state = 0;
  words.take(state);
  constexpr auto kLastState = static_cast<unsigned>(ProcessState::Killing);
  // One that a later version knows: pushed on from where it may be.
  known.state = state > kLastState ? ProcessState::Draining : static_cast<ProcessState>(state);
  words.take(known.started);
  words.take(known.ready_at);
  words.take(known.deadline);
  words.take(known.was_hung);
  words.take(known.accepting);
  words.take(known.problem);
  if (words.at_end()) return;  // of a version that knew no more
  words.take(process.log);
  words.take(process.log_opening);
}

void read_record(std::string_view key, Words& words, Handover& handover) {
  if (key == "version") words.take(handover.version);
  if (key == "binary") words.take(handover.binary), words.take(handover.binary_fd);
  if (key == "returned") words.take(handover.returned.emplace());
  if (key == "segment") words.take(handover.segment);
  if (key == "limits") words.take(handover.limits);
  if (key == "tickets") words.take(handover.tickets);
  if (key == "broadcast") words.take(handover.broadcast);
  if (key == "pid-file") words.take(handover.pid_file);
  if (key == "control-socket") words.take(handover.control_socket);
  if (key == "asker") words.take(handover.askers.emplace_back());
  if (key == "generation") words.take(handover.generation), words.take(handover.last_generation);
  if (key == "last-process") words.take(handover.last_process);
  if (key == "workers") words.take(handover.workers), words.take(handover.wanted);
  if (key == "endpoint") read_endpoint(words, handover.endpoints.emplace_back());
  if (key == "process") read_process(words, handover.processes.emplace_back());
  if (key == "sources") words.take(handover.sources);
}

Error no_handover(std::string_view why) {
  return {ErrorKind::Internal, 0, "what the former binary has left is not understood: " + std::string(why)};
}

}  // namespace

std::string Handover::text() const {
  std::string out;
  Line(out, kFirstWord).number(kHandoverFormat);
  Line(out, "version").text(version);
  Line(out, "binary").text(binary).number(binary_fd);
  if (returned) Line(out, "returned").text(*returned);
  Line(out, "segment").number(segment);
  Line(out, "limits").number(limits);
  Line(out, "tickets").number(tickets);
  Line(out, "broadcast").number(broadcast);
  Line(out, "pid-file").number(pid_file);
  Line(out, "control-socket").number(control_socket);
  for (const int asker : askers) Line(out, "asker").number(asker);
  Line(out, "generation").number(generation).number(last_generation);
  Line(out, "last-process").number(last_process);
  Line(out, "workers").number(workers).number(wanted);
  for (const HandedEndpoint& endpoint : endpoints) write_endpoint(out, endpoint);
  for (const HandedProcess& process : processes) write_process(out, process);
  Line(out, "sources").text(sources);
  return out;
}

Result<Handover> Handover::parse(std::string_view text) {
  Handover handover;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return no_handover("it is cut off");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    Words words(line);
    const std::string_view key = words.next();
    if (std::exchange(first, false)) {
      unsigned format = 0;
      words.take(format);
      if (key != kFirstWord || format != kHandoverFormat) return no_handover("its format is not known");
    } else {
      read_record(key, words, handover);
    }
    if (!words.good()) return no_handover("the record " + std::string(key));
  }
  if (first) return no_handover("it is empty");
  return handover;
}

std::vector<int> Handover::descriptors() const {
  std::vector<int> all{binary_fd, segment, limits, tickets, broadcast, pid_file, control_socket};
  all.insert(all.end(), askers.begin(), askers.end());
  for (const HandedEndpoint& endpoint : endpoints) {
    all.insert(all.end(), endpoint.sockets.begin(), endpoint.sockets.end());
    all.push_back(endpoint.map);
  }
  for (const HandedProcess& process : processes) {
    all.push_back(process.pidfd);
    all.push_back(process.control);
    all.push_back(process.log);
  }
  std::erase_if(all, [](int fd) { return fd < 0; });
  return all;
}

}  // namespace holdfast::master
