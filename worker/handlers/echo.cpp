#include "worker/handlers/echo.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace holdfast::handlers {
namespace {

constexpr std::size_t kRing = 64 * 1024;

std::string_view content_type(const api::Request& request) {
  return request.field("Content-Type").value_or("application/octet-stream");
}

/// Both ends of one echo: bytes come in as a sink and go out as a source. The credit given to the sender is the
/// free room of the ring, so it cannot overflow.
class EchoState final : public api::ExchangeState, public api::BodySink, public api::BodySource {
 public:
  EchoState(api::Exchange& exchange, std::size_t room)
      : exchange_(exchange), room_(room), ring_(std::make_unique_for_overwrite<std::byte[]>(room)) {}

  void on_body(std::span<const std::byte> bytes) override {
    const std::size_t end = (begin_ + held_) % room_;
    const std::size_t first = std::min(bytes.size(), room_ - end);
    std::memcpy(ring_.get() + end, bytes.data(), first);
    std::memcpy(ring_.get(), bytes.data() + first, bytes.size() - first);
    held_ += bytes.size();
    answer();
    wake();
  }

  void on_body_end() override {
    complete_ = true;
    answer();
    wake();
  }

  api::Pulled read(std::span<std::byte> room) override {
    const std::size_t taken = take(room);
    const bool last = complete_ && held_ == 0;
    if (taken == 0 && !last) {
      waiting_ = true;
      return {0, api::Pull::Later};
    }
    if (taken > 0 && !complete_) exchange_.grant(taken);
    return {taken, last ? api::Pull::End : api::Pull::More};
  }

 private:
  std::size_t take(std::span<std::byte> room) {
    const std::size_t wanted = std::min(room.size(), held_);
    const std::size_t first = std::min(wanted, room_ - begin_);
    std::memcpy(room.data(), ring_.get() + begin_, first);
    std::memcpy(room.data() + first, ring_.get(), wanted - first);
    held_ -= wanted;
    // An empty ring begins anew: a trickle touches no more of it than it needs.
    begin_ = held_ == 0 ? 0 : (begin_ + wanted) % room_;
    return wanted;
  }

  // With the first bytes and not before: what is wrong with the body from its start on still gets its own
  // status.
  void answer() {
    if (std::exchange(answered_, true)) return;
    const api::Request& request = exchange_.request();
    const api::Field type{"Content-Type", content_type(request)};
    exchange_.respond({200, {&type, 1}}, api::Body::stream(*this, request.content_length));
  }

  void wake() {
    if (std::exchange(waiting_, false)) exchange_.body_ready();
  }

  api::Exchange& exchange_;
  const std::size_t room_;
  const std::unique_ptr<std::byte[]> ring_;
  std::size_t begin_ = 0;
  std::size_t held_ = 0;
  bool complete_ = false;
  bool waiting_ = false;
  bool answered_ = false;
};

}  // namespace

void Echo::handle(api::Exchange& exchange) {
  const api::Request& request = exchange.request();
  const std::uint64_t announced = request.content_length.value_or(kRing);
  if (!request.has_body || announced == 0) {
    const api::Field type{"Content-Type", content_type(request)};
    return exchange.respond({200, {&type, 1}}, api::Body::none());
  }

  const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(announced, kRing));
  auto owned = std::make_unique<EchoState>(exchange, room);
  EchoState& state = *owned;
  exchange.attach(std::move(owned));
  exchange.receive_body(state, room);
}

}  // namespace holdfast::handlers
