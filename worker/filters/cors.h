// Marks answers for scripts of other sites: which origin may read them.
#pragma once

#include "worker/http/cors_rules.h"
#include "worker/http/response_filter.h"

namespace holdfast::filters {

class Cors final : public http::ResponseFilter {
 public:
  explicit Cors(const config::Cors& settings) : rules_(settings) {}
  void apply(http::Exchange& exchange, http::Response& response) const override;

 private:
  const http::CorsRules rules_;
};

}  // namespace holdfast::filters
