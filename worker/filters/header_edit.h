// Sets and removes response fields of a route, as its `headers` say.
#pragma once

#include <vector>

#include "config/config.h"
#include "worker/http/response_filter.h"

namespace holdfast::filters {

class HeaderEdit final : public http::ResponseFilter {
 public:
  explicit HeaderEdit(const config::HeaderEdits& edits);
  void apply(http::Exchange& exchange, http::Response& response) const override;

 private:
  bool drops(std::string_view name) const;

  const config::HeaderEdits edits_;
  std::vector<api::Field> set_;  // views into edits_
  bool hides_server_ = false;    // the core writes that field, so that only it can leave it out
};

}  // namespace holdfast::filters
