// Makes the brokers of a worker as its configuration wants them.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/api/work.h"
#include "config/config.h"
#include "worker/broker/broker.h"
#include "worker/loop/event_loop.h"

namespace holdfast::broadcast {
class Segment;
}

namespace holdfast::broker {

class Brokers {
 public:
  /// `loop`, `segment` and `pool` outlive this and what it makes; `seat` is this worker's.
  Brokers(loop::EventLoop& loop, const broadcast::Segment& segment, std::uint32_t seat, api::WorkPool& pool)
      : loop_(loop), segment_(segment), seat_(seat), pool_(pool) {}

  /// `redis` without a host: among the workers of this host only; else among those of all hosts that use this
  /// server and channel, and Redis need not be there. `password` empty: none. Takes a lane and a thread each
  /// time.
  std::unique_ptr<Broker> open(const config::ChatBroker& redis, std::string_view password);

 private:
  loop::EventLoop& loop_;
  const broadcast::Segment& segment_;
  const std::uint32_t seat_;
  api::WorkPool& pool_;
};

}  // namespace holdfast::broker
