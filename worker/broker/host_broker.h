// The broker of one host: what its workers say to each other through shared memory, and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "worker/broker/broker.h"
#include "worker/broker/local_broker.h"

namespace holdfast::broker {

class HostBroker final : public Broker, private broadcast::Listener {
 public:
  explicit HostBroker(std::unique_ptr<LocalBroker> local) : local_(std::move(local)) {}

  void listen(broker::Listener& listener) override;
  /// Of the lane that it publishes on; empty when it has none.
  std::optional<std::uint64_t> incarnation() const;
  bool publish(std::span<const std::byte> payload) override { return local_->publish(payload); }

 private:
  void on_record(const broadcast::Record& record) override;
  void on_origin_gone(const broadcast::Origin& origin) override;
  void on_lost(std::uint64_t records) override;

  const std::unique_ptr<LocalBroker> local_;
  broker::Listener* listener_ = nullptr;
};

}  // namespace holdfast::broker
