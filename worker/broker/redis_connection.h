// One connection to a Redis server in the event loop: commands go out, replies come in, and a server that stops
// to answer is noticed. Replies are parsed by hiredis; its asynchronous form is not used, since that one ends
// the process (by assert) for a reply that nobody asked for, and bounds nothing of what a server sends.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"
#include "worker/broker/redis_address.h"
#include "worker/loop/event_loop.h"

struct redisReader;
struct redisReply;

namespace holdfast::broker {

class RedisConnection final : private loop::Watcher, private loop::Deferred, private loop::Timer {
 public:
  /// Told in the loop's thread, never from within a call of the connection. May close any connection from
  /// there.
  class User {
   public:
    /// `reply` is alive for the call. What comes is not trusted to answer anything.
    virtual void on_reply(RedisConnection& from, const redisReply& reply) = 0;
    /// Ended, by whatever way but close(); it may be opened again. `why` is alive for the call.
    virtual void on_lost(RedisConnection& from, const std::string& why) = 0;

   protected:
    ~User() = default;
  };
  struct Patience {
    /// After so long without a word from the server it is asked for one,
    Milliseconds idle{5000};
    /// and it has so long to say one; also to accept the connection and answer the first command.
    Milliseconds answer{5000};
  };
  /// `loop` and `user` outlive it.
  RedisConnection(loop::EventLoop& loop, User& user, const Patience& patience)
      : loop_(loop), user_(user), patience_(patience) {}
  RedisConnection(loop::EventLoop& loop, User& user) : RedisConnection(loop, user, Patience{}) {}
  /// As close().
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  /// Begins to connect; whatever was open is closed. Commands may be given at once.
  Result<void> open(const RedisAddress& address);
  /// One command and its arguments; copied, on its way at the end of this turn. False: not open, or more than
  /// kMostWaiting would wait for the server to read it.
  bool send(std::initializer_list<std::string_view> words);
  /// Tries once to get rid of what waits, then ends. The user is told nothing.
  void close();
  bool is_open() const { return static_cast<bool>(socket_); }
  /// Bytes that have not left.
  std::size_t waiting() const { return output_.size() - sent_; }

  static constexpr std::size_t kMostWaiting = std::size_t{4} * 1024 * 1024;
  /// Bytes of one reply; a message needs a good 60 KiB.
  static constexpr std::size_t kMostReply = std::size_t{256} * 1024;

 private:
  struct FreeReader {
    void operator()(redisReader* reader) const;
  };

  void on_ready(std::uint32_t events) override;
  void on_deferred() override;
  void on_timer(TimePoint now) override;
  bool finish_connecting();
  bool write();
  void read();
  void take_replies(std::size_t arrived);
  void watch_for_room();
  void lose(const std::string& why);

  loop::EventLoop& loop_;
  User& user_;
  const Patience patience_;
  Fd socket_;
  loop::Watch watch_;  // goes before the descriptor
  std::unique_ptr<redisReader, FreeReader> reader_;
  std::string output_;
  std::size_t sent_ = 0;     // of it
  std::size_t partial_ = 0;  // bytes of a reply that is not whole; never less than there are
  TimePoint heard_;
  bool connecting_ = false;
  bool asked_ = false;  // nothing has come since
  bool wants_room_ = false;
};

}  // namespace holdfast::broker
