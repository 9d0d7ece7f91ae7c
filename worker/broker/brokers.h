// Makes the brokers of a worker as its configuration wants them.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "config/config.h"
#include "worker/broker/broker.h"
#include "worker/loop/event_loop.h"

namespace holdfast::broadcast {
class Segment;
}

namespace holdfast::broker {

class Brokers {
 public:
  /// `loop` and `segment` outlive this and what it makes; `seat` is this worker's.
  Brokers(loop::EventLoop& loop, const broadcast::Segment& segment, std::uint32_t seat)
      : loop_(loop), segment_(segment), seat_(seat) {}

  /// `redis` without a host: among the workers of this host only. Takes a lane and a thread each time.
  std::unique_ptr<Broker> open(const config::ChatBroker& redis, std::string_view password);

 private:
  loop::EventLoop& loop_;
  const broadcast::Segment& segment_;
  const std::uint32_t seat_;
};

}  // namespace holdfast::broker
