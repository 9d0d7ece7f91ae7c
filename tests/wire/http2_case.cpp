#include "tests/wire/http2_case.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <stdexcept>

#include "tests/support/http2_client.h"

namespace holdfast::wire {
namespace {

using support::big_endian;
using support::FrameType;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::array<const char*, 14> kErrors{"NO_ERROR",
                                              "PROTOCOL_ERROR",
                                              "INTERNAL_ERROR",
                                              "FLOW_CONTROL_ERROR",
                                              "SETTINGS_TIMEOUT",
                                              "STREAM_CLOSED",
                                              "FRAME_SIZE_ERROR",
                                              "REFUSED_STREAM",
                                              "CANCEL",
                                              "COMPRESSION_ERROR",
                                              "CONNECT_ERROR",
                                              "ENHANCE_YOUR_CALM",
                                              "INADEQUATE_SECURITY",
                                              "HTTP_1_1_REQUIRED"};
constexpr std::uint8_t kPadded = 8, kHasPriority = 32;

std::uint32_t number(const std::string& text, int base = 10) {
  std::size_t used = 0;
  const unsigned long value = std::stoul(text, &used, base);
  if (used != text.size()) throw std::runtime_error("not a number: " + text);
  return static_cast<std::uint32_t>(value);
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(number(hex.substr(i, 2), 16));
  return bytes;
}

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, const std::string& payload,
                  std::size_t length) {
  return big_endian(static_cast<std::uint32_t>(length)).substr(1) + static_cast<char>(type) +
         static_cast<char>(flags) + big_endian(stream) + payload;
}

/// Words at blanks; a quoted text is one.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == ' ' && !quoted) {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

/// One frame from its words.
class FrameWriter {
 public:
  explicit FrameWriter(const std::vector<std::string>& words) : words_(words) {}

  std::string write() {
    const std::string& kind = words_.at(0);
    if (kind == "text") return text_meant(words_.at(1));
    if (kind == "frame") return any();
    static const std::map<std::string, FrameType> kinds{
        {"headers", FrameType::Headers},     {"continuation", FrameType::Continuation},
        {"data", FrameType::Data},           {"ping", FrameType::Ping},
        {"reset", FrameType::Reset},         {"settings", FrameType::Settings},
        {"window", FrameType::WindowUpdate}, {"goaway", FrameType::GoAway},
        {"priority", FrameType::Priority}};
    const auto type = kinds.find(kind);
    if (type == kinds.end()) throw std::runtime_error("unknown frame " + kind);
    const bool fields = type->second == FrameType::Headers || type->second == FrameType::Continuation;
    if (fields) flags_ |= support::kEndHeaders;
    for (std::size_t i = 1; i < words_.size(); ++i) take(type->second, words_[i]);
    std::string payload = payload_ + support::field_section(list_);
    if (depends_) payload = *depends_ + payload;
    if (pad_) payload = std::string(1, static_cast<char>(*pad_)) + payload + std::string(*pad_, '\0');
    return frame(static_cast<std::uint8_t>(type->second), flags_, stream_, payload, payload.size());
  }

 private:
  std::string any() const {
    const std::string payload =
        words_.size() > 4 && !words_[4].starts_with("length=") ? from_hex(words_[4]) : "";
    std::size_t length = payload.size();
    if (words_.back().starts_with("length=")) length = number(words_.back().substr(7));
    return frame(static_cast<std::uint8_t>(number(words_.at(1))),
                 static_cast<std::uint8_t>(number(words_.at(2))), number(words_.at(3)), payload, length);
  }

  void take(FrameType type, const std::string& word) {
    if (word == "end") {
      flags_ |= support::kEndStream;
    } else if (word == "ack") {
      flags_ |= support::kAck;
    } else if (word == "part") {
      flags_ &= static_cast<std::uint8_t>(~support::kEndHeaders);
    } else if (word.starts_with("pad=")) {
      flags_ |= kPadded;
      pad_ = number(word.substr(4));
    } else if (word.starts_with("depends=")) {
      if (type == FrameType::Headers) flags_ |= kHasPriority;
      depends_ = big_endian(number(word.substr(8))) + '\x0f';
    } else if (word.starts_with("hex:")) {
      payload_ += from_hex(word.substr(4));
    } else if (word == "@get") {
      list_ = support::request_fields("GET", "/fixed");
    } else if (word == "@post") {
      list_ = support::request_fields("POST", "/api/echo");
    } else if (type == FrameType::Ping || (type == FrameType::Data && has_stream_)) {
      payload_ += text_meant(word);
    } else if (!has_stream_ && type != FrameType::Settings) {
      stream_ = number(word);
      has_stream_ = true;
    } else {
      take_content(type, word);
    }
  }

  void take_content(FrameType type, const std::string& word) {
    const std::size_t equals = word.find('=', 1);
    switch (type) {
      case FrameType::Headers:
      case FrameType::Continuation:
        list_.emplace_back(text_meant(word.substr(0, equals)), text_meant(word.substr(equals + 1)));
        break;
      case FrameType::Settings:
        payload_ +=
            big_endian(number(word.substr(0, equals))).substr(2) + big_endian(number(word.substr(equals + 1)));
        break;
      case FrameType::WindowUpdate:
        payload_ += big_endian(number(word));
        break;
      case FrameType::Reset:
        payload_ += big_endian(http2_error(word));
        break;
      case FrameType::GoAway:
        payload_ += big_endian(std::exchange(stream_, 0)) + big_endian(http2_error(word));
        break;
      default:
        throw std::runtime_error("what is " + word);
    }
  }

  const std::vector<std::string>& words_;
  std::uint8_t flags_ = 0;
  std::uint32_t stream_ = 0;
  bool has_stream_ = false;
  std::optional<std::uint32_t> pad_;
  std::optional<std::string> depends_;
  std::string payload_;
  support::FieldList list_;
};

void add(Http2Case& to, const std::string& line, int number) {
  if (to.steps.empty()) {
    const bool bare = line == "bare";
    to.steps.emplace_back(bare ? std::string() : std::string(kPreface) + frame(4, 0, 0, "", 0));
    if (bare) return;
  }
  if (line.starts_with("-> ")) {
    std::vector<std::string> words = words_of(line.substr(3));
    Expectation expected{words.at(0), {words.begin() + 1, words.end()}, number};
    to.steps.emplace_back(std::move(expected));
    return;
  }
  const std::string bytes = FrameWriter(words_of(line)).write();
  if (auto* const before = std::get_if<std::string>(&to.steps.back()))
    *before += bytes;
  else
    to.steps.emplace_back(bytes);
}

}  // namespace

std::uint32_t http2_error(const std::string& name) {
  const auto* const found = std::ranges::find(kErrors, name);
  if (found == kErrors.end()) throw std::runtime_error("unknown error code " + name);
  return static_cast<std::uint32_t>(found - kErrors.begin());
}

std::string text_meant(const std::string& word) {
  if (word.size() > 1 && word.front() == 'x' && word.find_first_not_of("0123456789", 1) == std::string::npos)
    return std::string(number(word.substr(1)), 'x');
  if (word.size() < 2 || word.front() != '"' || word.back() != '"') return word;
  std::string text;
  for (std::size_t i = 1; i + 1 < word.size(); ++i) {
    if (word[i] != '\\') {
      text += word[i];
      continue;
    }
    const char c = word[++i];
    text += c == 'r' ? '\r' : c == 'n' ? '\n' : c;
  }
  return text;
}

std::vector<Http2Case> load_http2_cases(const std::string& file) {
  std::ifstream in(file);
  std::vector<Http2Case> cases;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    try {
      if (line.starts_with("== "))
        cases.push_back({line.substr(3), {}});
      else
        add(cases.at(cases.size() - 1), line, number);
    } catch (const std::exception& wrong) {
      throw std::runtime_error(file + ":" + std::to_string(number) + ": " + wrong.what());
    }
  }
  if (cases.empty()) throw std::runtime_error(file + ": no case in it");
  return cases;
}

}  // namespace holdfast::wire
