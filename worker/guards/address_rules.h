// `allow` and `deny`: by the client's address.
#pragma once

#include "common/address_set.h"
#include "worker/http/request_guard.h"

namespace holdfast::guards {

class AddressRules final : public http::RequestGuard {
 public:
  /// An empty `allow` allows everybody; `deny` has the last word.
  AddressRules(AddressSet allow, AddressSet deny) : allow_(std::move(allow)), deny_(std::move(deny)) {}
  /// 403 for those who may not ask.
  http::Verdict admit(http::Exchange& exchange) const override;

 private:
  const AddressSet allow_;
  const AddressSet deny_;
};

}  // namespace holdfast::guards
