#include "worker/upstream/client.h"

#include <utility>

#include "worker/upstream/call.h"

namespace holdfast::upstream {

/// What the handler holds. The call outlives it by the rest of the turn.
class Client::Handle final : public api::OutgoingCall {
 public:
  Handle(Client& client, std::unique_ptr<Call> call) : client_(client), call_(std::move(call)) {}
  ~Handle() override { client_.retire(std::move(call_)); }
  void grant(std::size_t bytes) override { call_->grant(bytes); }

 private:
  Client& client_;
  std::unique_ptr<Call> call_;
};

Client::Client(loop::EventLoop& loop, api::WorkPool& lookups, const Limits& limits)
    : loop_(loop),
      limits_(limits),
      resolver_(loop, lookups, limits.names),
      idle_(loop, limits.idle),
      room_(std::make_unique<std::array<std::byte, kRoom>>()) {}

Client::~Client() = default;

std::unique_ptr<api::OutgoingCall> Client::start(const api::OutgoingRequest& request,
                                                 api::CallListener& listener) {
  return std::make_unique<Handle>(*this, std::make_unique<Call>(*this, request, listener));
}

bool Client::admit() {
  if (calls_ >= limits_.calls) return false;
  ++calls_;
  return true;
}

void Client::retire(std::unique_ptr<Call> call) {
  call->cancel();
  retired_.push_back(std::move(call));
  loop_.defer(*this);
}

void Client::on_deferred() {
  retired_.clear();
}

Result<const net::TlsAuthorities*> Client::authorities(const std::string& file) {
  if (const auto known = authorities_.find(file); known != authorities_.end()) return known->second.get();
  if (authorities_.size() >= kMostAuthorities)
    return Error{ErrorKind::Configuration, 0, "too many files of authorities are in use"};
  Result<std::unique_ptr<net::TlsAuthorities>> made = net::TlsAuthorities::make(file);
  if (!made) return made.error();
  return (authorities_[file] = std::move(*made)).get();
}

namespace {

class NoCall final : public api::OutgoingCall {
 public:
  void grant(std::size_t /*bytes*/) override {}
};

}  // namespace

std::unique_ptr<api::OutgoingCall> NoClient::start(const api::OutgoingRequest& /*request*/,
                                                   api::CallListener& /*listener*/) {
  return std::make_unique<NoCall>();
}

}  // namespace holdfast::upstream
