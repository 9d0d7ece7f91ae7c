// The rules of CORS (the Fetch standard, "HTTP-network-or-cache fetch" and "CORS-preflight fetch"): whether an
// origin may read answers, and what a preflight is told. Made once from a route's configuration; used by the
// guard that answers preflights and by the filter that marks answers.
#pragma once

#include <string>
#include <string_view>

#include "common/api/request.h"
#include "config/config.h"

namespace holdfast::http {

/// A browser asks before the request itself whether it may be made.
bool is_preflight(const api::Request& request);

class CorsRules {
 public:
  explicit CorsRules(const config::Cors& settings);

  /// What Access-Control-Allow-Origin says to `origin`: the origin, "*", or empty when it may not read.
  std::string_view allowed_origin(std::string_view origin) const;
  /// Whether the answer depends on the origin, so that caches must know (Vary).
  bool varies() const { return !any_; }
  bool credentials() const { return settings_.credentials; }
  /// Ready-made lists; empty: not sent.
  std::string_view methods() const { return methods_; }
  std::string_view expose() const { return expose_; }
  std::string_view max_age() const { return max_age_; }
  /// What Access-Control-Allow-Headers says to those that were asked for.
  std::string_view headers(std::string_view asked) const;

 private:
  const config::Cors& settings_;
  bool any_ = false;
  bool any_header_ = false;
  std::string methods_;
  std::string headers_;
  std::string expose_;
  std::string max_age_;
};

}  // namespace holdfast::http
