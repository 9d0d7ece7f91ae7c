#include "worker/handlers/chat_hub.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/log.h"

namespace holdfast::handlers {
namespace {

// A newcomer is told so many members by name, and how many there are.
constexpr std::size_t kMostNamed = 1000;
// Of rooms that this worker has no client in, nobody has said how much is to be kept.
constexpr std::size_t kUsualHistory = 50;

}  // namespace

class ChatRoom {
 public:
  struct Remote {
    std::string name;
    broker::Origin origin;
    bool uncalled = false;  // by the roll that is being called
  };
  std::string key;
  std::string scope;
  std::string name;
  std::vector<ChatClient*> clients;
  std::map<std::string, Remote, std::less<>> others;  // members on other workers, by identity
  std::deque<std::string> history;
  std::size_t most_history = kUsualHistory;
  bool notices = true;
  std::uint32_t shown_at = stats::kNotPresent;  // among the present rooms of this worker
  std::list<ChatRoom>::iterator self;

  bool is_empty() const { return clients.empty() && others.empty(); }
};

ChatHub::ChatHub(std::unique_ptr<broker::Broker> broker, stats::WorkerStats* stats)
    : broker_(std::move(broker)) {
  if (stats != nullptr) {
    presence_ = &stats->presence();
    clients_ = stats->cell(stats::Metric::ChatClients);
    messages_ = stats->cell(stats::Metric::ChatMessages);
  }
  if (broker_) broker_->listen(*this);
}

ChatHub::~ChatHub() = default;

// -- rooms

ChatRoom* ChatHub::room_of(std::string_view scope, std::string_view name) {
  std::string key(scope);
  key.append(1, '\0').append(name);
  if (const auto known = by_name_.find(key); known != by_name_.end()) {
    rooms_.splice(rooms_.begin(), rooms_, known->second);
    return &*known->second;
  }
  if (rooms_.size() >= kMostRooms) make_place();
  if (rooms_.size() >= kMostRooms) return nullptr;
  ChatRoom& made = rooms_.emplace_front();
  made.key = std::move(key);
  made.scope = scope;
  made.name = name;
  made.self = rooms_.begin();
  by_name_.emplace(made.key, made.self);
  return &made;
}

/// The room that was used longest ago, of those that nobody is in.
void ChatHub::make_place() {
  for (auto room = rooms_.rbegin(); room != rooms_.rend(); ++room)
    if (room->is_empty()) return forget(*room);
}

void ChatHub::forget(ChatRoom& room) {
  trim(room, 0);
  by_name_.erase(room.key);
  rooms_.erase(room.self);
}

/// Each worker shows its own clients.
void ChatHub::show_presence(ChatRoom& room) {
  if (presence_ == nullptr) return;
  const std::size_t members = room.clients.size();
  if (room.shown_at != stats::kNotPresent) {
    presence_->set(room.shown_at, members);
    if (members == 0) room.shown_at = stats::kNotPresent;
  } else if (members > 0) {
    room.shown_at = presence_->enter(room.scope, room.name, members);
  }
}

void ChatHub::keep(ChatRoom& room, std::string said) {
  if (room.most_history == 0) return;
  history_bytes_ += said.size();
  room.history.push_back(std::move(said));
  trim(room, room.most_history);
  // Rooms that were used longest ago lose what was said first.
  for (auto old = rooms_.rbegin(); history_bytes_ > kMostHistory && old != rooms_.rend(); ++old) trim(*old, 0);
}

void ChatHub::trim(ChatRoom& room, std::size_t most) {
  while (room.history.size() > most) {
    history_bytes_ -= room.history.front().size();
    room.history.pop_front();
  }
}

// -- this worker's clients

ChatRoom* ChatHub::join(ChatClient& client, std::string_view name, const Settings& settings, std::int64_t now) {
  ChatRoom* const room = room_of(settings.scope, name);
  if (room == nullptr) return nullptr;
  room->most_history = settings.history;
  room->notices = settings.notices;
  trim(*room, settings.history);
  publish({ChatRecord::Kind::Join, now, room->scope, room->name, client.id, client.name, {}, {}});
  if (clients_) clients_.add();
  welcome(*room, client);
  room->clients.push_back(&client);
  show_presence(*room);
  notify(*room, "join", {client.id, client.name}, now, &client);
  return room;
}

void ChatHub::welcome(ChatRoom& room, ChatClient& client) {
  std::vector<ChatPerson> members{{client.id, client.name}};
  for (const ChatClient* other : room.clients)
    if (members.size() < kMostNamed) members.push_back({other->id, other->name});
  for (const auto& [id, other] : room.others)
    if (members.size() < kMostNamed) members.push_back({id, other.name});
  const std::vector<std::string_view> history(room.history.begin(), room.history.end());
  const std::size_t count = 1 + room.clients.size() + room.others.size();
  client.tell(chat_welcome(room.name, {client.id, client.name}, members, count, history));
}

void ChatHub::leave(ChatRoom& room, ChatClient& client, std::int64_t now) {
  std::erase(room.clients, &client);
  show_presence(room);
  if (clients_) clients_.subtract();
  publish({ChatRecord::Kind::Leave, now, room.scope, room.name, client.id, client.name, {}, {}});
  notify(room, "leave", {client.id, client.name}, now);
}

void ChatHub::say(ChatRoom& room, const ChatClient& client, std::string_view text, std::string_view ref,
                  std::int64_t now) {
  const std::string id = client.id + "." + std::to_string(++said_);
  const ChatSaid said{id, room.name, {client.id, client.name}, text, now, {}};
  publish({ChatRecord::Kind::Message, now, room.scope, room.name, client.id, client.name, text, id});
  if (messages_) messages_.add();
  std::string json = chat_message(said);
  if (ref.empty()) {
    tell(room, json);
  } else {
    tell(room, json, &client);
    ChatSaid echo = said;
    echo.ref = ref;
    for (ChatClient* const own : room.clients)
      if (own == &client && !own->tell(chat_message(echo))) return keep(room, std::move(json)), own->drop();
  }
  keep(room, std::move(json));
}

void ChatHub::rename(ChatRoom& room, ChatClient& client, std::string_view name, std::int64_t now) {
  client.name = name;
  publish({ChatRecord::Kind::Rename, now, room.scope, room.name, client.id, client.name, {}, {}});
  tell(room, chat_notice("rename", {client.id, client.name}, now));
}

/// Slow readers are let go when nobody walks through the room any more: their leaving changes it.
void ChatHub::tell(ChatRoom& room, std::string_view json, const ChatClient* but) {
  std::vector<ChatClient*> slow;
  for (ChatClient* const client : room.clients)
    if (client != but && !client->tell(json)) slow.push_back(client);
  for (ChatClient* const client : slow) client->drop();
}

void ChatHub::notify(ChatRoom& room, std::string_view type, const ChatPerson& who, std::int64_t time,
                     const ChatClient* but) {
  if (room.notices && !room.clients.empty()) tell(room, chat_notice(type, who, time), but);
}

// -- the other workers

void ChatHub::publish(const ChatRecord& record) {
  if (!broker_) return;
  const std::string bytes = encode(record);
  broker_->publish(std::as_bytes(std::span(bytes)));
}

void ChatHub::on_message(const broker::Message& message) {
  const std::optional<ChatRecord> record = decode_chat_record(message.payload);
  if (!record) return;
  if (record->kind == ChatRecord::Kind::Ask) return present_all();
  if (record->kind == ChatRecord::Kind::Roll) return begin_roll(message.origin);
  if (record->kind == ChatRecord::Kind::RollEnd) return end_roll(message.origin, record->text);
  if (const auto roll = rolls_.find(message.origin); roll != rolls_.end())
    roll->second += record->kind == ChatRecord::Kind::Present ? 1 : 0;
  ChatRoom* const room = room_of(record->scope, record->room);
  if (room == nullptr) return;
  switch (record->kind) {
    case ChatRecord::Kind::Message:
      return take_message(*room, *record);
    case ChatRecord::Kind::Join:
    case ChatRecord::Kind::Present:
    case ChatRecord::Kind::Rename:
      return take_arrival(*room, message.origin, *record);
    case ChatRecord::Kind::Leave:
      return take_departure(*room, record->member, record->time);
    case ChatRecord::Kind::Ask:
    case ChatRecord::Kind::Roll:
    case ChatRecord::Kind::RollEnd:
    case ChatRecord::Kind::kCount:
      return;
  }
}

void ChatHub::take_message(ChatRoom& room, const ChatRecord& record) {
  std::string json =
      chat_message({record.id, record.room, {record.member, record.name}, record.text, record.time, {}});
  tell(room, json);
  keep(room, std::move(json));
}

// Whoever is heard of for the first time has come, whatever the occasion.
void ChatHub::take_arrival(ChatRoom& room, const broker::Origin& origin, const ChatRecord& record) {
  const auto known = room.others.find(record.member);
  if (known == room.others.end()) {
    room.others.emplace(record.member, ChatRoom::Remote{std::string(record.name), origin, false});
    return notify(room, "join", {record.member, record.name}, record.time);
  }
  known->second.origin = origin;
  known->second.uncalled = false;
  if (known->second.name == record.name) return;
  known->second.name = record.name;
  tell(room, chat_notice("rename", {record.member, record.name}, record.time));
}

void ChatHub::take_departure(ChatRoom& room, std::string_view member, std::int64_t time) {
  const auto known = room.others.find(member);
  if (known == room.others.end()) return;
  const auto gone = room.others.extract(known);
  notify(room, "leave", {gone.key(), gone.mapped().name}, time);
}

void ChatHub::on_origin_gone(const broker::Origin& origin) {
  rolls_.erase(origin);
  let_go(origin, true);
}

void ChatHub::begin_roll(const broker::Origin& origin) {
  rolls_[origin] = 0;
  for (ChatRoom& room : rooms_)
    for (auto& [id, other] : room.others) other.uncalled = other.origin == origin || other.uncalled;
}

// A roll that did not come whole says nothing of who is not here.
void ChatHub::end_roll(const broker::Origin& origin, std::string_view called) {
  const auto roll = rolls_.extract(origin);
  if (roll && std::to_string(roll.mapped()) == called) let_go(origin, false);
}

/// Clients of this worker: all, or those that its roll did not call.
void ChatHub::let_go(const broker::Origin& origin, bool all) {
  const std::int64_t now = chat_time();
  for (ChatRoom& room : rooms_) {
    std::vector<std::string> gone;
    for (const auto& [id, other] : room.others)
      if (other.origin == origin && (all || other.uncalled)) gone.push_back(id);
    for (const std::string& id : gone) take_departure(room, id, now);
  }
}

// Those who can be heard again say who is there, and so do we.
void ChatHub::on_reunion() {
  publish({ChatRecord::Kind::Ask, 0, {}, {}, {}, {}, {}, {}});
  present_all();
}

void ChatHub::present_all() {
  const std::int64_t now = chat_time();
  std::uint64_t called = 0;
  publish({ChatRecord::Kind::Roll, now, {}, {}, {}, {}, {}, {}});
  for (const ChatRoom& room : rooms_) {
    for (const ChatClient* client : room.clients) {
      publish({ChatRecord::Kind::Present, now, room.scope, room.name, client->id, client->name, {}, {}});
      ++called;
    }
  }
  publish({ChatRecord::Kind::RollEnd, now, {}, {}, {}, {}, std::to_string(called), {}});
}

}  // namespace holdfast::handlers
