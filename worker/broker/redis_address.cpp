#include "worker/broker/redis_address.h"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace holdfast::broker {
namespace {

constexpr std::size_t kMostAddresses = 64;

Result<std::vector<RedisAddress>> resolve(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  if (failed == EAI_SYSTEM) return system_error(errno, "look up " + host);
  if (failed != 0) return Error{ErrorKind::Unavailable, 0, "look up " + host + ": " + ::gai_strerror(failed)};
  std::vector<RedisAddress> addresses;
  for (const addrinfo* at = found; at != nullptr && addresses.size() < kMostAddresses; at = at->ai_next) {
    RedisAddress address;
    if (at->ai_addrlen > sizeof address.storage) continue;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
    addresses.push_back(address);
  }
  if (addresses.empty()) return Error{ErrorKind::Unavailable, 0, "look up " + host + ": it has no address"};
  return addresses;
}

}  // namespace

std::optional<RedisAddress> literal_address(const std::string& host, std::uint16_t port) {
  const Result<std::vector<RedisAddress>> address = resolve(host, port, AI_NUMERICHOST);
  if (!address) return std::nullopt;
  return address->front();
}

class AddressLookup::Question final : public api::Work {
 public:
  Question(AddressLookup& lookup, const std::string& host, std::uint16_t port)
      : lookup_(&lookup), host_(host), port_(port) {}
  void forget() { lookup_ = nullptr; }
  void run() noexcept override { answer_ = resolve(host_, port_, 0); }
  void done() override {
    if (lookup_ == nullptr) return;
    lookup_->open_ = nullptr;
    lookup_->asker_.on_addresses(answer_);
  }

 private:
  AddressLookup* lookup_;  // null: gone
  const std::string host_;
  const std::uint16_t port_;
  Result<std::vector<RedisAddress>> answer_ = Error{};
};

AddressLookup::~AddressLookup() {
  if (open_ != nullptr) open_->forget();
}

bool AddressLookup::start(const std::string& host, std::uint16_t port) {
  auto question = std::make_unique<Question>(*this, host, port);
  Question* const open = question.get();
  if (!pool_.submit(std::move(question))) return false;
  open_ = open;
  return true;
}

}  // namespace holdfast::broker
