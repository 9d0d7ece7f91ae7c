// Answers with status, fields and body from the configuration, prepared once.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/api/handler.h"
#include "config/config.h"

namespace holdfast::handlers {

class FixedResponse final : public api::Handler {
 public:
  /// Field names are tokens and values hold no CR, LF or NUL (make_handler refuses others).
  explicit FixedResponse(const config::RespondAction& action);
  FixedResponse(const FixedResponse&) = delete;
  FixedResponse& operator=(const FixedResponse&) = delete;
  void handle(api::Exchange& exchange) override;

 private:
  const std::uint16_t status_;
  const std::string body_;
  const std::vector<std::pair<std::string, std::string>> headers_;
  std::vector<api::Field> fields_;  // views into headers_
  std::string text_;                // of the fields, as they are sent
};

}  // namespace holdfast::handlers
