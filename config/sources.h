// The files that a configuration was loaded from, kept word for word, so that the same configuration can be had
// again later whatever stands on disk by then: by a successor of the process that loaded it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace holdfast::config {

/// A value.
struct Sources {
  std::map<std::string, std::string> texts;                  // by path
  std::map<std::string, std::vector<std::string>> patterns;  // of includes, and the files that matched

  /// Both as one text, of any bytes.
  std::string packed() const;
  /// Empty for what no Sources were packed into.
  static std::optional<Sources> unpack(std::string_view packed);
};

/// As long as it lives, what this process reads as configuration is kept.
class RecordedSources {
 public:
  RecordedSources();
  RecordedSources(const RecordedSources&) = delete;
  RecordedSources& operator=(const RecordedSources&) = delete;
  ~RecordedSources();
  Sources take() { return std::move(sources_); }

 private:
  Sources sources_;
  Sources* former_;
};

/// As long as it lives, configuration is read from `sources`, which outlives it, instead of from disk: a file
/// that is not among them is none that exists.
class ReplayedSources {
 public:
  explicit ReplayedSources(const Sources& sources);
  ReplayedSources(const ReplayedSources&) = delete;
  ReplayedSources& operator=(const ReplayedSources&) = delete;
  ~ReplayedSources();

 private:
  const Sources* former_;
};

// -- for the loader, around its reading from disk

/// The recorded text, when sources are replayed; a null inside: there is no such file.
std::optional<const std::string*> replayed_text(const std::string& path);
std::optional<std::vector<std::string>> replayed_pattern(const std::string& pattern);
void record_text(const std::string& path, const std::string& text);
void record_pattern(const std::string& pattern, const std::vector<std::string>& files);

}  // namespace holdfast::config
