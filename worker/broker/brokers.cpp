#include "worker/broker/brokers.h"

#include <utility>

#include "common/broadcast/segment.h"
#include "worker/broker/host_broker.h"
#include "worker/broker/redis_broker.h"

namespace holdfast::broker {

std::unique_ptr<Broker> Brokers::open(const config::ChatBroker& redis, std::string_view password) {
  auto host = std::make_unique<HostBroker>(LocalBroker::open(loop_, segment_, seat_));
  if (redis.host.empty()) return host;
  return std::make_unique<RedisBroker>(loop_, pool_, std::move(host), segment_.host_id(), redis, password);
}

}  // namespace holdfast::broker
