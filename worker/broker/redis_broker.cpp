#include "worker/broker/redis_broker.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "worker/broker/redis_record.h"

namespace holdfast::broker {
namespace {

/// A worker without a lane has no incarnation of the segment's: one that no worker with a lane has.
std::uint64_t incarnation_of(const HostBroker& host) {
  if (const auto incarnation = host.incarnation()) return *incarnation;
  return std::uint64_t{1} << 63 | static_cast<std::uint64_t>(::getpid());
}

std::string record(RedisRecord::Kind kind, const Origin& origin, std::span<const std::byte> payload = {}) {
  return encode({kind, origin, std::chrono::system_clock::now(), payload});
}

}  // namespace

RedisBroker::RedisBroker(loop::EventLoop& loop, api::WorkPool& pool, std::unique_ptr<HostBroker> host,
                         std::uint64_t own_host, const config::ChatBroker& server, std::string_view password,
                         const Limits& limits)
    : loop_(loop),
      limits_(limits),
      host_(std::move(host)),
      own_{own_host, incarnation_of(*host_)},
      others_(limits.silence, limits.origins),
      link_(loop, pool,
            {server.host, server.port, server.channel, std::string(password),
             record(RedisRecord::Kind::Hello, own_)},
            *this) {}

RedisBroker::~RedisBroker() {
  link_.publish(record(RedisRecord::Kind::Gone, own_));
}

void RedisBroker::listen(broker::Listener& listener) {
  listener_ = &listener;
  host_->listen(listener);
  link_.start();
  next_beat_ = loop_.now() + limits_.beat;
  arm();
}

// First to the own host: this worker may end in between.
bool RedisBroker::publish(std::span<const std::byte> payload) {
  if (payload.size() > kMostPayload) return false;
  const bool here = host_->publish(payload);
  link_.publish(record(RedisRecord::Kind::Message, own_, payload));
  return here;
}

void RedisBroker::on_linked() {
  reunite(loop_.now());
}

void RedisBroker::reunite(TimePoint now) {
  next_reunion_ = now + limits_.reunions;
  wants_reunion_ = false;
  listener_->on_reunion();
}

void RedisBroker::on_published(std::span<const std::byte> message) {
  const std::optional<RedisRecord> record = decode_redis_record(message);
  if (!record || record->origin.host == own_.host) return;
  if (record->kind == RedisRecord::Kind::Gone) {
    if (others_.forget(record->origin)) listener_->on_origin_gone(record->origin);
    return;
  }
  const std::size_t known = others_.size();
  if (!others_.heard(record->origin, loop_.now())) return tell_crowd();
  // It was given up for lost, or what it said to newcomers was: nothing else tells who its clients are.
  if (others_.size() > known && record->kind == RedisRecord::Kind::Alive) wants_reunion_ = true;
  if (record->kind == RedisRecord::Kind::Message)
    listener_->on_message({record->origin, record->time, record->payload});
}

void RedisBroker::tell_crowd() {
  if (!crowd_told_.allow(loop_.now())) return;
  log().warning(
      "a worker of another host is not heard",
      {{"known", others_.size()},
       {"problem", "more workers speak on the redis channel than can be told apart; see who else uses it"}});
}

// A beat comes before anybody who was heard after the last one can be called silent.
void RedisBroker::on_timer(TimePoint now) {
  for (const Origin& origin : others_.take_silent(now)) listener_->on_origin_gone(origin);
  if (now >= next_beat_) {
    next_beat_ = now + limits_.beat;
    link_.publish(record(RedisRecord::Kind::Alive, own_));
    if (link_.take_gap()) wants_reunion_ = true;
    // Not each time: who is there may be more to tell than there is room for.
    if (wants_reunion_ && link_.linked() && now >= next_reunion_) reunite(now);
  }
  arm();
}

void RedisBroker::arm() {
  loop_.timers().arm(*this, std::min(next_beat_, others_.next_silence()));
}

}  // namespace holdfast::broker
