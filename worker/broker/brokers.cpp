#include "worker/broker/brokers.h"

#include "worker/broker/host_broker.h"

namespace holdfast::broker {

std::unique_ptr<Broker> Brokers::open(const config::ChatBroker& /*redis*/, std::string_view /*password*/) {
  return std::make_unique<HostBroker>(LocalBroker::open(loop_, segment_, seat_));
}

}  // namespace holdfast::broker
