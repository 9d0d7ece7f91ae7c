// What differs between two configurations, setting by setting: for people who want to know what a reload would
// change before they ask for it. Either side is a text, so that it may be another process's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "config/config.h"
#include "config/sources.h"

namespace holdfast::config {

/// When a difference takes effect.
enum class Effect : std::uint8_t { AtOnce, NewWorkers, Restart };

struct Difference {
  std::string path;    // "process.workers", "sites[shop].routes[/cart].hello"
  std::string before;  // as YAML on one line; empty: it was not there
  std::string after;   // likewise
  Effect effect = Effect::NewWorkers;
};

/// A configuration for comparisons: the effective settings, and checksums of the files that were read for them.
/// Holds no secrets.
std::string comparable_text(const Config& config, const Sources& sources);

/// In the order of the schema; empty: they are the same. Fails for what is no comparable_text(). Values whose
/// names tell that they are secrets are not shown.
Result<std::vector<Difference>> differences(std::string_view before, std::string_view after);

}  // namespace holdfast::config
