#include "worker/broker/redis_link.h"

#include <hiredis/hiredis.h>
#include <unistd.h>

#include <utility>

namespace holdfast::broker {
namespace {

constexpr std::size_t kMostTold = 200;  // of what Redis says is wrong

std::string_view text_of(const redisReply& reply) {
  return reply.str == nullptr ? std::string_view() : std::string_view(reply.str, reply.len);
}

bool is_text(const redisReply& reply) {
  return reply.type == REDIS_REPLY_STRING;
}

}  // namespace

RedisLink::RedisLink(loop::EventLoop& loop, api::WorkPool& pool, Server server, User& user)
    : loop_(loop),
      server_(std::move(server)),
      user_(user),
      lookup_(pool, *this),
      subscriber_(loop, *this),
      publisher_(loop, *this),
      delay_(static_cast<std::uint_fast32_t>(::getpid())) {}

RedisLink::~RedisLink() = default;

std::string RedisLink::place() const {
  const bool v6 = server_.host.find(':') != std::string::npos;
  return (v6 ? "[" + server_.host + "]" : server_.host) + ":" + std::to_string(server_.port);
}

void RedisLink::start() {
  lost_since_ = loop_.now();
  loop_.timers().arm(*this, loop_.now());
}

void RedisLink::on_timer(TimePoint /*now*/) {
  if (const std::optional<RedisAddress> address = literal_address(server_.host, server_.port))
    return connect(*address);
  if (!lookup_.start(server_.host, server_.port)) lose("its name waits behind too much other work");
}

// A name may have an address that nobody serves beside one that is served: each has its turn.
void RedisLink::on_addresses(const Result<std::vector<RedisAddress>>& addresses) {
  if (!addresses) return lose(addresses.error().message());
  connect((*addresses)[attempts_ % addresses->size()]);
}

void RedisLink::connect(const RedisAddress& address) {
  ++attempts_;
  for (RedisConnection* const connection : {&subscriber_, &publisher_}) {
    if (const Result<void> opened = connection->open(address); !opened) return lose(opened.error().message());
    if (!server_.password.empty()) connection->send({"AUTH", server_.password});
  }
  subscriber_.send({"SUBSCRIBE", server_.channel});
  publisher_.send({"PUBLISH", server_.channel, server_.greeting});
}

void RedisLink::on_reply(RedisConnection& from, const redisReply& reply) {
  if (reply.type == REDIS_REPLY_ERROR)
    return lose("it refuses: " + std::string(text_of(reply).substr(0, kMostTold)));
  if (&from == &subscriber_) return subscription_answered(reply);
  // The number of those who heard it: the greeting is out.
  if (greeted_ || reply.type != REDIS_REPLY_INTEGER) return;
  greeted_ = true;
  check_linked();
}

void RedisLink::subscription_answered(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 3) return;
  const redisReply& what = *reply.element[0];
  const redisReply& channel = *reply.element[1];
  if (!is_text(what) || !is_text(channel) || text_of(channel) != server_.channel) return;
  if (text_of(what) == "message" && is_text(*reply.element[2]))
    return user_.on_published(std::as_bytes(std::span(text_of(*reply.element[2]))));
  if (text_of(what) != "subscribe" || subscribed_) return;
  subscribed_ = true;
  check_linked();
}

void RedisLink::check_linked() {
  if (!linked()) return;
  linked_since_ = loop_.now();
  const auto after = std::chrono::duration_cast<Milliseconds>(loop_.now() - lost_since_).count();
  if (std::exchange(told_lost_, false))
    log().info("redis is back", {{"server", place()}, {"channel", server_.channel}, {"after_ms", after}});
  else
    log().info("redis joins the chats of several hosts", {{"server", place()}, {"channel", server_.channel}});
  user_.on_linked();
}

void RedisLink::on_lost(RedisConnection& /*from*/, const std::string& why) {
  lose(why);
}

void RedisLink::lose(const std::string& why) {
  if (linked()) {
    if (loop_.now() - linked_since_ >= kGood) delay_.reset();
    lost_since_ = loop_.now();
  }
  subscribed_ = greeted_ = gap_ = false;
  subscriber_.close();
  publisher_.close();
  loop_.timers().arm(*this, loop_.now() + delay_.next());
  if (std::exchange(told_lost_, true)) return;
  log().warning("redis cannot be reached",
                {{"server", place()},
                 {"why", why},
                 {"problem",
                  "chats reach the clients of this host alone until it is back; it is tried again and again. "
                  "See whether the server runs, and `broker` and `broker_password` of the route"}});
}

bool RedisLink::publish(std::string_view message) {
  if (!linked()) return false;
  if (publisher_.send({"PUBLISH", server_.channel, message})) return true;
  tell_drop();
  return false;
}

void RedisLink::tell_drop() {
  gap_ = true;
  ++dropped_;
  if (!drops_told_.allow(loop_.now())) return;
  log().warning("messages for other hosts are dropped",
                {{"server", place()},
                 {"dropped", dropped_},
                 {"problem", "redis takes them more slowly than clients of this worker write them"}});
}

bool RedisLink::take_gap() {
  return gap_ && publisher_.waiting() == 0 && std::exchange(gap_, false);
}

}  // namespace holdfast::broker
