#include "worker/upstream/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace holdfast::upstream {
namespace {

constexpr std::size_t kMostAddresses = 16;

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

std::string reason_of(int code, int system_code) {
  switch (code) {
    case EAI_NONAME:
    case EAI_NODATA:
      return "the name is not known";
    case EAI_AGAIN:
      return "the name cannot be looked up now: no name server answers";
    case EAI_SYSTEM:
      return std::string("the name cannot be looked up: ") + std::strerror(system_code);
    default:
      return std::string("the name cannot be looked up: ") + ::gai_strerror(code);
  }
}

}  // namespace

/// Belongs to the pool; its resolver may be gone when it is done.
class Lookup final : public api::Work {
 public:
  Lookup(Resolver& resolver, std::string key, std::string host, std::uint16_t port)
      : resolver_(&resolver), key_(std::move(key)), host_(std::move(host)), port_(port) {}
  ~Lookup() override {
    if (resolver_ != nullptr) resolver_->on_dropped(*this);
  }

  void run() noexcept override;
  void done() override {
    if (Resolver* const resolver = std::exchange(resolver_, nullptr)) resolver->on_done(*this);
  }
  void forget() { resolver_ = nullptr; }
  const std::string& key() const { return key_; }
  std::vector<Endpoint> take_addresses() { return std::move(addresses_); }
  std::string take_problem() { return std::move(problem_); }

 private:
  Resolver* resolver_;
  const std::string key_;
  const std::string host_;
  const std::uint16_t port_;
  std::vector<Endpoint> addresses_;
  std::string problem_;
};

void Lookup::run() noexcept {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host_.c_str(), std::to_string(port_).c_str(), &hints, &found);
  const int system_code = errno;
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  if (code != 0) {
    problem_ = reason_of(code, system_code);
    return;
  }
  for (const addrinfo* at = found; at != nullptr && addresses_.size() < kMostAddresses; at = at->ai_next)
    if (at->ai_family == AF_INET || at->ai_family == AF_INET6)
      addresses_.push_back(Endpoint::from_sockaddr(at->ai_addr, at->ai_addrlen));
  if (addresses_.empty()) problem_ = "the name has no address";
}

void Question::forget() {
  if (among_ == nullptr) return;
  among_->erase(std::ranges::find(*among_, this));
  among_ = nullptr;
}

Resolver::~Resolver() {
  for (auto& [key, name] : names_) {
    if (name.lookup != nullptr) name.lookup->forget();
    for (Question* question : name.waiting) question->among_ = nullptr;
  }
}

/// The place of a name; null: too many are being looked up.
Resolver::Name* Resolver::find(const std::string& key) {
  if (const auto known = names_.find(key); known != names_.end()) return &known->second;
  if (names_.size() >= keep_.names) {
    auto oldest = names_.end();
    for (auto at = names_.begin(); at != names_.end(); ++at)
      if (at->second.lookup == nullptr && (oldest == names_.end() || at->second.until < oldest->second.until))
        oldest = at;
    if (oldest == names_.end()) return nullptr;
    names_.erase(oldest);
  }
  return &names_[key];
}

void Resolver::ask(Question& question, const std::string& host, std::uint16_t port) {
  const std::string key = host + ":" + std::to_string(port);
  Name* const name = find(key);
  if (name == nullptr) return question.on_no_address("too many names are being looked up");
  if (name->lookup == nullptr && name->until > loop_.now()) {
    // Copies: what the question does next may ask for other names.
    if (name->addresses.empty()) return question.on_no_address(std::string(name->problem));
    return question.on_addresses(std::vector<Endpoint>(name->addresses));
  }
  if (name->lookup == nullptr) {
    auto lookup = std::make_unique<Lookup>(*this, key, host, port);
    name->lookup = lookup.get();
    if (!pool_.submit(std::move(lookup))) return question.on_no_address("too many names wait to be looked up");
  }
  name->waiting.push_back(&question);
  question.among_ = &name->waiting;
}

// The name stays marked as being looked up until all are told: it is not dropped meanwhile, and who asks for it
// then is told as well.
void Resolver::answer(Name& name) {
  while (!name.waiting.empty()) {
    Question& question = *name.waiting.front();
    question.forget();
    if (name.addresses.empty()) {
      question.on_no_address(name.problem);
    } else {
      question.on_addresses(name.addresses);
    }
  }
  name.lookup = nullptr;
}

void Resolver::on_done(Lookup& lookup) {
  Name& name = names_[lookup.key()];
  name.addresses = lookup.take_addresses();
  name.problem = lookup.take_problem();
  name.until = loop_.now() + (name.addresses.empty() ? keep_.failed : keep_.found);
  answer(name);
}

// Refused by the pool, or the worker ends.
void Resolver::on_dropped(const Lookup& lookup) {
  if (const auto name = names_.find(lookup.key()); name != names_.end()) name->second.lookup = nullptr;
}

}  // namespace holdfast::upstream
