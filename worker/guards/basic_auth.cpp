#include "worker/guards/basic_auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <stdexcept>
#include <utility>

#include "common/ascii.h"
#include "worker/guards/credentials.h"
#include "worker/guards/password.h"
#include "worker/http/exchange.h"

namespace holdfast::guards {
namespace {

constexpr std::size_t kMostKnown = 1024;
constexpr std::chrono::minutes kKnownFor{5};

/// The one Authorization field; with several it is nobody's to choose.
std::string_view authorization_of(const api::Request& request) {
  std::string_view found;
  int count = 0;
  for (const api::Field& field : request.fields) {
    if (field.name.size() != 13 || !ascii_iequals(field.name, "Authorization")) continue;
    found = field.value;
    ++count;
  }
  return count == 1 ? found : std::string_view();
}

}  // namespace

/// An exchange that waits for a check. It may end before: then the check has nobody to tell.
class BasicAuth::Waiting final : public api::ExchangeState {
 public:
  Waiting(const BasicAuth& guard, http::Exchange& exchange, const Credentials& credentials)
      : guard_(guard), exchange_(exchange), user_(credentials.user), digest_(guard.digest_of(credentials)) {}
  ~Waiting() override;

  void wait_for(Check& check) { check_ = &check; }
  void told(bool right) {
    check_ = nullptr;
    if (!right) return guard_.turn_away(exchange_, user_);
    guard_.remember(digest_, exchange_.now());
    guard_.let_in(exchange_, user_);
    exchange_.admitted();
  }

 private:
  const BasicAuth& guard_;
  http::Exchange& exchange_;
  const std::string user_;
  const Digest digest_;
  Check* check_ = nullptr;
};

class BasicAuth::Check final : public api::Work {
 public:
  Check(Waiting& waiting, std::string password, std::string hash, bool known_user)
      : waiting_(&waiting), password_(std::move(password)), hash_(std::move(hash)), known_user_(known_user) {}
  ~Check() override { OPENSSL_cleanse(password_.data(), password_.size()); }

  // A name that nobody has costs as much as one that somebody has, and tells nothing.
  void run() noexcept override {
    try {
      right_ = verify_password(password_, hash_) && known_user_;
    } catch (...) {
      right_ = false;
    }
  }
  void done() override {
    if (waiting_ != nullptr) std::exchange(waiting_, nullptr)->told(right_);
  }
  void forget() { waiting_ = nullptr; }

 private:
  Waiting* waiting_;
  std::string password_;
  const std::string hash_;
  const bool known_user_;
  bool right_ = false;
};

BasicAuth::Waiting::~Waiting() {
  if (check_ != nullptr) check_->forget();
}

BasicAuth::BasicAuth(const config::BasicAuth& settings, api::WorkPool* pool)
    : settings_(settings),
      pool_(pool),
      challenge_("Basic realm=\"" + settings.realm + "\", charset=\"UTF-8\""),
      failures_(5, std::chrono::seconds(1)) {
  if (RAND_bytes(secret_.data(), static_cast<int>(secret_.size())) != 1)
    throw std::runtime_error("no random bytes");
}

BasicAuth::~BasicAuth() = default;

http::Verdict BasicAuth::admit(http::Exchange& exchange) const {
  const std::string_view field = authorization_of(exchange.request());
  std::optional<Credentials> credentials = parse_basic(field);
  if (!credentials) return ask(exchange), http::Verdict::Answered;
  if (is_known(digest_of(*credentials), exchange.now())) {
    let_in(exchange, credentials->user);
    return http::Verdict::Pass;
  }
  const std::string* const hash = hash_of(credentials->user);
  auto waiting = std::make_unique<Waiting>(*this, exchange, *credentials);
  auto check =
      std::make_unique<Check>(*waiting, std::move(credentials->password),
                              hash != nullptr ? *hash : settings_.users.front().second, hash != nullptr);
  Check& submitted = *check;
  if (pool_ == nullptr || !pool_->submit(std::move(check))) {
    constexpr api::Field kRetry{"Retry-After", "1"};
    exchange.fail(503, {&kRetry, 1});
    return http::Verdict::Answered;
  }
  waiting->wait_for(submitted);
  exchange.attach(std::move(waiting));
  return http::Verdict::Later;
}

BasicAuth::Digest BasicAuth::digest_of(const Credentials& credentials) const {
  std::string text(reinterpret_cast<const char*>(secret_.data()), secret_.size());
  text.append(credentials.user).append(1, '\0').append(credentials.password);
  Digest digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("no SHA-256");
  OPENSSL_cleanse(text.data(), text.size());
  return digest;
}

const std::string* BasicAuth::hash_of(std::string_view user) const {
  for (const auto& [name, hash] : settings_.users)
    if (name == user) return &hash;
  return nullptr;
}

bool BasicAuth::is_known(const Digest& digest, TimePoint now) const {
  const auto known = known_.find(digest);
  if (known == known_.end()) return false;
  if (known->second > now) return true;
  known_.erase(known);
  return false;
}

void BasicAuth::remember(const Digest& digest, TimePoint now) const {
  if (known_.size() >= kMostKnown) known_.clear();
  known_.insert_or_assign(digest, now + kKnownFor);
}

void BasicAuth::let_in(http::Exchange& exchange, std::string_view user) const {
  exchange.account.user = exchange.arena().copy(user);
}

void BasicAuth::ask(http::Exchange& exchange) const {
  const api::Field field{"WWW-Authenticate", challenge_};
  exchange.fail(401, {&field, 1});
}

void BasicAuth::turn_away(http::Exchange& exchange, std::string_view user) const {
  if (failures_.allow(exchange.now()))
    log().warning("login failed", {{"user", user},
                                   {"client", exchange.peer_address()},
                                   {"route", exchange.account.route->name},
                                   {"kept_back", failures_.suppressed()}});
  ask(exchange);
}

}  // namespace holdfast::guards
