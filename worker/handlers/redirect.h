// Sends the client elsewhere. The query of the request goes along unless the target has one of its own.
#pragma once

#include <string>
#include <string_view>

#include "common/api/handler.h"
#include "config/config.h"

namespace holdfast::handlers {

class Redirect final : public api::Handler {
 public:
  /// `action.to` holds no control bytes (make_handler refuses those).
  explicit Redirect(const config::RedirectAction& action);
  void handle(api::Exchange& exchange) override;

 private:
  /// The Location value; what is not constant lives in the exchange's memory.
  std::string_view location(api::Exchange& exchange) const;

  std::string to_;
  std::uint16_t status_;
  std::size_t query_at_;  // where a query belongs: before the fragment
  bool takes_query_;
};

}  // namespace holdfast::handlers
