// `basic_auth`: a name and a password (RFC 7617), checked against the hashes of a password file. A check takes
// as long as its hash wants, so it is done by the pool; who was let in once is known again for some minutes by
// a keyed digest of name and password, which is all that is kept of them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/api/work.h"
#include "common/clock.h"
#include "common/log.h"
#include "config/config.h"
#include "worker/http/request_guard.h"

namespace holdfast::guards {

struct Credentials;

class BasicAuth final : public http::RequestGuard {
 public:
  /// `settings` and `pool` outlive the guard. Without a pool (a trial of the configuration) it cannot be asked.
  BasicAuth(const config::BasicAuth& settings, api::WorkPool* pool);
  ~BasicAuth() override;
  /// 401 for who is not known; 503 when too many checks are waiting.
  http::Verdict admit(http::Exchange& exchange) const override;

 private:
  class Check;
  class Waiting;
  using Digest = std::array<unsigned char, 32>;

  Digest digest_of(const Credentials& credentials) const;
  const std::string* hash_of(std::string_view user) const;
  bool is_known(const Digest& digest, TimePoint now) const;
  void remember(const Digest& digest, TimePoint now) const;
  void let_in(http::Exchange& exchange, std::string_view user) const;
  void ask(http::Exchange& exchange) const;
  void turn_away(http::Exchange& exchange, std::string_view user) const;

  const config::BasicAuth& settings_;
  api::WorkPool* const pool_;
  std::string challenge_;
  Digest secret_;
  // What the guard remembers is no part of what it is.
  mutable std::map<Digest, TimePoint> known_;  // until when
  mutable LogRate failures_;
};

}  // namespace holdfast::guards
