// Answers the preflight requests of browsers, whatever methods the route itself has.
#pragma once

#include "worker/http/cors_rules.h"
#include "worker/http/request_guard.h"

namespace holdfast::guards {

class CorsPreflight final : public http::RequestGuard {
 public:
  explicit CorsPreflight(const config::Cors& settings) : rules_(settings) {}
  /// 204 for a preflight, with leave or without; everything else passes.
  http::Verdict admit(http::Exchange& exchange) const override;

 private:
  const http::CorsRules rules_;
};

}  // namespace holdfast::guards
