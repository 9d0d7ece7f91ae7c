// A worker's way to a Redis server: a connection that is subscribed to a channel and one that publishes on it.
// Looks after both: when either is lost, both are made anew, for as long as it takes; the log tells when Redis
// is lost and when it is back, not how often it was tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/api/work.h"
#include "common/log.h"
#include "worker/broker/reconnect_delay.h"
#include "worker/broker/redis_address.h"
#include "worker/broker/redis_connection.h"
#include "worker/loop/event_loop.h"

namespace holdfast::broker {

class RedisLink final : private RedisConnection::User, private AddressLookup::Asker, private loop::Timer {
 public:
  /// Told in the loop's thread; may publish from there.
  class User {
   public:
    /// Others can be heard, and hear, from here on; again after each interruption.
    virtual void on_linked() = 0;
    /// Somebody's bytes on the channel, our own too; alive for the call.
    virtual void on_published(std::span<const std::byte> message) = 0;

   protected:
    ~User() = default;
  };
  struct Server {
    std::string host;  // a name or an address
    std::uint16_t port = 0;
    std::string channel;
    std::string password;  // empty: none
    std::string greeting;  // the first message on each connection; shows that we may publish at all
  };
  /// `loop`, `pool` and `user` outlive it.
  RedisLink(loop::EventLoop& loop, api::WorkPool& pool, Server server, User& user);
  /// What was published before it goes is tried once.
  ~RedisLink();
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;

  /// Once. Connects at the end of this turn at the earliest.
  void start();
  /// On its way at the end of this turn; copied. False: there is no link, or Redis takes too little of what it
  /// is given; then the message is dropped, and counted.
  bool publish(std::string_view message);
  bool linked() const { return subscribed_ && greeted_; }
  /// True once after messages were dropped for lack of room and there is room again.
  bool take_gap();

  /// A link that lasted so long is a good one: the next attempt after it comes quickly.
  static constexpr Milliseconds kGood{5000};

 private:
  void on_reply(RedisConnection& from, const redisReply& reply) override;
  void on_lost(RedisConnection& from, const std::string& why) override;
  void on_addresses(const Result<std::vector<RedisAddress>>& addresses) override;
  void on_timer(TimePoint now) override;
  void connect(const RedisAddress& address);
  void subscription_answered(const redisReply& reply);
  void check_linked();
  void lose(const std::string& why);
  void tell_drop();
  std::string place() const;

  loop::EventLoop& loop_;
  const Server server_;
  User& user_;
  AddressLookup lookup_;
  RedisConnection subscriber_;
  RedisConnection publisher_;
  ReconnectDelay delay_;
  std::size_t attempts_ = 0;
  bool subscribed_ = false;
  bool greeted_ = false;
  bool told_lost_ = false;
  TimePoint linked_since_;
  TimePoint lost_since_;
  std::uint64_t dropped_ = 0;
  bool gap_ = false;
  LogRate drops_told_{1, Milliseconds(10'000)};
};

}  // namespace holdfast::broker
