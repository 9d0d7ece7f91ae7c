#include "config/sources.h"

#include <charconv>
#include <utility>

namespace holdfast::config {
namespace {

// One loader runs at a time in a process, the master's; no other thread loads.
Sources* recording = nullptr;
const Sources* replaying = nullptr;

void put(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

/// Takes one text that put() has written; empty when there is none.
std::optional<std::string> take(std::string_view& packed) {
  std::size_t length = 0;
  const char* const end = packed.data() + packed.size();
  const auto [after, error] = std::from_chars(packed.data(), end, length);
  if (error != std::errc() || after == end || *after != ':') return std::nullopt;
  packed.remove_prefix(static_cast<std::size_t>(after + 1 - packed.data()));
  if (length > packed.size()) return std::nullopt;
  std::string text(packed.substr(0, length));
  packed.remove_prefix(length);
  return text;
}

std::optional<std::size_t> take_count(std::string_view& packed) {
  const std::optional<std::string> text = take(packed);
  std::size_t count = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), count).ec != std::errc())
    return std::nullopt;
  return count;
}

bool take_texts(std::string_view& packed, Sources& sources) {
  const std::optional<std::size_t> count = take_count(packed);
  if (!count) return false;
  for (std::size_t i = 0; i < *count; ++i) {
    std::optional<std::string> path = take(packed);
    std::optional<std::string> text = take(packed);
    if (!path || !text) return false;
    sources.texts[*path] = std::move(*text);
  }
  return true;
}

bool take_patterns(std::string_view& packed, Sources& sources) {
  const std::optional<std::size_t> count = take_count(packed);
  if (!count) return false;
  for (std::size_t i = 0; i < *count; ++i) {
    const std::optional<std::string> pattern = take(packed);
    const std::optional<std::size_t> files = take_count(packed);
    if (!pattern || !files) return false;
    std::vector<std::string>& matched = sources.patterns[*pattern];
    for (std::size_t n = 0; n < *files; ++n) {
      std::optional<std::string> file = take(packed);
      if (!file) return false;
      matched.push_back(std::move(*file));
    }
  }
  return true;
}

}  // namespace

std::string Sources::packed() const {
  std::string out;
  put(out, std::to_string(texts.size()));
  for (const auto& [path, text] : texts) {
    put(out, path);
    put(out, text);
  }
  put(out, std::to_string(patterns.size()));
  for (const auto& [pattern, files] : patterns) {
    put(out, pattern);
    put(out, std::to_string(files.size()));
    for (const std::string& file : files) put(out, file);
  }
  return out;
}

std::optional<Sources> Sources::unpack(std::string_view packed) {
  Sources sources;
  if (!take_texts(packed, sources) || !take_patterns(packed, sources) || !packed.empty()) return std::nullopt;
  return sources;
}

RecordedSources::RecordedSources() : former_(std::exchange(recording, &sources_)) {}

RecordedSources::~RecordedSources() {
  recording = former_;
}

ReplayedSources::ReplayedSources(const Sources& sources) : former_(std::exchange(replaying, &sources)) {}

ReplayedSources::~ReplayedSources() {
  replaying = former_;
}

std::optional<const std::string*> replayed_text(const std::string& path) {
  if (replaying == nullptr) return std::nullopt;
  const auto found = replaying->texts.find(path);
  return found == replaying->texts.end() ? nullptr : &found->second;
}

std::optional<std::vector<std::string>> replayed_pattern(const std::string& pattern) {
  if (replaying == nullptr) return std::nullopt;
  const auto found = replaying->patterns.find(pattern);
  return found == replaying->patterns.end() ? std::vector<std::string>() : found->second;
}

void record_text(const std::string& path, const std::string& text) {
  if (recording != nullptr) recording->texts[path] = text;
}

void record_pattern(const std::string& pattern, const std::vector<std::string>& files) {
  if (recording != nullptr) recording->patterns[pattern] = files;
}

}  // namespace holdfast::config
