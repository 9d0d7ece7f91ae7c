// The rooms of a worker's chats: its own clients, everybody else as the other workers tell, and what was said
// last. What a client says is told to the other workers first and to its own clients then, so that nobody has
// heard what a worker that dies now took with it.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/stats/worker_stats.h"
#include "worker/broker/broker.h"
#include "worker/handlers/chat_protocol.h"
#include "worker/handlers/chat_record.h"

namespace holdfast::handlers {

/// A client of this worker in a room.
class ChatClient {
 public:
  /// A JSON text for it. False: it reads too slowly; it is let go by drop() when all others have been told.
  virtual bool tell(std::string_view json) = 0;
  virtual void drop() = 0;

  std::string id;
  std::string name;

 protected:
  ~ChatClient() = default;
};

class ChatRoom;

class ChatHub final : private broker::Listener {
 public:
  /// What rooms of one route have in common.
  struct Settings {
    std::string_view scope;  // of the route; lives as long as the hub
    std::size_t history = 0;
    bool notices = true;
  };
  /// `broker`: null, this worker is alone. `stats` outlives the hub.
  ChatHub(std::unique_ptr<broker::Broker> broker, stats::WorkerStats* stats);
  ~ChatHub();

  /// Puts the client into the room, shows it the room, and tells the others. Null when this worker holds more
  /// rooms than it can. The room lives until leave().
  ChatRoom* join(ChatClient& client, std::string_view room, const Settings& settings, std::int64_t now);
  void leave(ChatRoom& room, ChatClient& client, std::int64_t now);
  /// To everybody in the room, the client too, with its `ref`.
  void say(ChatRoom& room, const ChatClient& client, std::string_view text, std::string_view ref,
           std::int64_t now);
  void rename(ChatRoom& room, ChatClient& client, std::string_view name, std::int64_t now);

  static constexpr std::size_t kMostRooms = 20'000;
  static constexpr std::size_t kMostHistory = std::size_t{16} * 1024 * 1024;  // bytes, of all rooms

 private:
  using Rooms = std::list<ChatRoom>;

  // broker::Listener
  void on_message(const broker::Message& message) override;
  void on_origin_gone(const broker::Origin& origin) override;
  void on_reunion() override;

  ChatRoom* room_of(std::string_view scope, std::string_view name);
  void make_place();
  void forget(ChatRoom& room);
  void show_presence(ChatRoom& room);
  void publish(const ChatRecord& record);
  void present_all();
  void begin_roll(const broker::Origin& origin);
  void end_roll(const broker::Origin& origin, std::string_view called);
  void let_go(const broker::Origin& origin, bool all);
  void take_message(ChatRoom& room, const ChatRecord& record);
  void take_arrival(ChatRoom& room, const broker::Origin& origin, const ChatRecord& record);
  void take_departure(ChatRoom& room, std::string_view member, std::int64_t time);
  void keep(ChatRoom& room, std::string said);
  void trim(ChatRoom& room, std::size_t most);
  void tell(ChatRoom& room, std::string_view json, const ChatClient* but = nullptr);
  void notify(ChatRoom& room, std::string_view type, const ChatPerson& who, std::int64_t time,
              const ChatClient* but = nullptr);
  void welcome(ChatRoom& room, ChatClient& client);

  const std::unique_ptr<broker::Broker> broker_;
  Rooms rooms_;  // the one that was used last comes first
  std::unordered_map<std::string, Rooms::iterator> by_name_;
  std::map<broker::Origin, std::uint64_t> rolls_;  // that are being called: so many names until now
  std::size_t history_bytes_ = 0;
  std::uint64_t said_ = 0;
  stats::PresenceBlock* presence_ = nullptr;  // null: nobody looks
  stats::Cell clients_;
  stats::Cell messages_;
};

}  // namespace holdfast::handlers
