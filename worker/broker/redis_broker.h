// The broker of several hosts: workers of this host are reached as by HostBroker, whatever Redis does, those of
// others by a Redis channel. Each worker is subscribed for itself, and passes over what comes from its own
// host, so that it hears each message once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"
#include "worker/broker/broker.h"
#include "worker/broker/host_broker.h"
#include "worker/broker/redis_link.h"
#include "worker/broker/remote_origins.h"
#include "worker/loop/event_loop.h"

namespace holdfast::broker {

class RedisBroker final : public Broker, private RedisLink::User, private loop::Timer {
 public:
  struct Limits {
    Milliseconds beat{5000};        // between two signs of life; shorter than `silence`
    Milliseconds silence{20'000};   // after so long an origin is gone
    std::size_t origins = 4096;     // of other hosts, at a time
    Milliseconds reunions{30'000};  // between two, but for those of a new link
  };
  /// `own_host`: see Segment::host_id(). `loop` and `pool` outlive it.
  RedisBroker(loop::EventLoop& loop, api::WorkPool& pool, std::unique_ptr<HostBroker> host,
              std::uint64_t own_host, const config::ChatBroker& server, std::string_view password,
              const Limits& limits);
  RedisBroker(loop::EventLoop& loop, api::WorkPool& pool, std::unique_ptr<HostBroker> host,
              std::uint64_t own_host, const config::ChatBroker& server, std::string_view password)
      : RedisBroker(loop, pool, std::move(host), own_host, server, password, Limits{}) {}
  /// Says farewell to other hosts, if there is a way.
  ~RedisBroker();

  void listen(broker::Listener& listener) override;
  /// What Redis does not take is lost for other hosts alone, and makes the answer no other.
  bool publish(std::span<const std::byte> payload) override;

 private:
  void on_linked() override;
  void on_published(std::span<const std::byte> message) override;
  void on_timer(TimePoint now) override;
  void arm();
  void reunite(TimePoint now);
  void tell_crowd();

  loop::EventLoop& loop_;
  const Limits limits_;
  const std::unique_ptr<HostBroker> host_;
  const Origin own_;
  RemoteOrigins others_;
  RedisLink link_;
  broker::Listener* listener_ = nullptr;
  TimePoint next_beat_ = kNever;
  TimePoint next_reunion_;
  bool wants_reunion_ = false;
  LogRate crowd_told_{1, Milliseconds(60'000)};
};

}  // namespace holdfast::broker
