// The chat over several hosts: two servers that know nothing of each other but the address of one Redis server,
// which comes and goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/redis_server.h"
#include "tests/support/server_process.h"
#include "tests/support/websocket_client.h"

namespace holdfast::support {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr int kWorkers = 2;
constexpr std::string_view kLinked = "redis joins the chats of several hosts";
constexpr std::string_view kLost = "redis cannot be reached";
constexpr std::string_view kBack = "redis is back";

ServerConfig joined_by(const RedisServer& redis, const std::string& password_file = {}) {
  ServerConfig config;
  config.workers = kWorkers;
  config.routes = "      - {path: /chat, chat: {rate: 0, history: 0, broker: \"redis://127.0.0.1:" +
                  std::to_string(redis.port()) + "/room\"" +
                  (password_file.empty() ? "" : ", broker_password: \"" + password_file + "\"") + "}}\n";
  return config;
}

/// Each worker has logged the event since `mark`.
bool all_tell(ServerProcess& server, std::string_view event, std::size_t mark = 0) {
  int told = 0;
  return server.log()
      .wait([&](const LogLine& line) { return line.event == event && ++told == kWorkers; }, mark, 30s)
      .has_value();
}

/// The text behind the first `"key":"` of what follows `place`.
std::string text_of(std::string_view json, std::string_view place, std::string_view key) {
  const std::size_t from = json.find(place);
  if (from == std::string_view::npos) return {};
  const std::string mark = "\"" + std::string(key) + "\":\"";
  const std::size_t at = json.find(mark, from);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + mark.size();
  return std::string(json.substr(begin, json.find('"', begin) - begin));
}

/// A client in the one room. It keeps account of who is there and what it heard of whom.
class Member {
 public:
  explicit Member(const ServerProcess& server) : client_(server.port(), "/chat?room=lobby") {
    const std::string welcome = client_.next_text();
    id_ = text_of(welcome, "\"you\":{", "id");
    for (std::size_t at = welcome.find("\"members\":["); at < welcome.find(']');) {
      at = welcome.find("\"id\":\"", at + 1);
      if (at < welcome.find(']')) present_.insert(text_of(welcome.substr(at), "", "id"));
    }
    present_.insert(id_);
  }
  void say(int number) {
    EXPECT_EQ(client_.send_text(R"({"type":"message","text":")" + std::to_string(number) + "\"}"), Outcome::Ok);
  }
  void leave() {
    client_.send_close(1000);
    EXPECT_EQ(client_.next_close(), 1000);
  }
  bool listen() {
    const std::string json = client_.next_text();
    const std::string type = text_of(json, "", "type");
    if (type == "message")
      heard_[text_of(json, "\"from\":{", "id")].push_back(std::stoi(text_of(json, "", "text")));
    const std::string who = text_of(json, "\"who\":{", "id");
    // Nobody comes who is here, nor leaves who is not.
    if (type == "join") surprises_ += present_.insert(who).second ? 0 : 1;
    if (type == "leave") surprises_ += present_.erase(who) == 1 ? 0 : 1;
    return !json.empty();
  }
  bool hear(const Member& sender, int last) {
    const std::vector<int>& heard = heard_[sender.id()];
    while (heard.empty() || heard.back() != last)
      if (!listen()) return false;
    return true;
  }
  bool see(const std::set<std::string>& people) {
    while (present_ != people)
      if (!listen()) return false;
    return surprises_ == 0;
  }
  const std::string& id() const { return id_; }
  const std::vector<int>& heard(const Member& sender) { return heard_[sender.id()]; }

 private:
  WebSocketClient client_;
  std::string id_;
  std::set<std::string> present_;
  int surprises_ = 0;
  std::map<std::string, std::vector<int>> heard_;
};

using Members = std::vector<std::unique_ptr<Member>>;

void come(Members& members, const ServerProcess& server, int count) {
  for (int i = 0; i < count; ++i) members.push_back(std::make_unique<Member>(server));
}

void all_see_each_other(const Members& members) {
  std::set<std::string> people;
  for (const auto& member : members) people.insert(member->id());
  for (const auto& member : members) EXPECT_TRUE(member->see(people));
}

void say_all(const Members& members, int first, int last) {
  for (int number = first; number <= last; ++number)
    for (const auto& member : members) member->say(number);
}

/// Each has heard of each of `senders` exactly these, in this order.
void expect_heard(const Members& listeners, const Members& senders, const std::vector<int>& numbers) {
  for (const auto& listener : listeners) {
    for (const auto& sender : senders) {
      EXPECT_TRUE(listener->hear(*sender, numbers.back()));
      EXPECT_EQ(listener->heard(*sender), numbers);
    }
  }
}

std::vector<int> numbers(int first, int last) {
  std::vector<int> all;
  for (int number = first; number <= last; ++number) all.push_back(number);
  return all;
}

Members joined(Members one, Members& other) {
  for (auto& member : other) one.push_back(std::move(member));
  other.clear();
  return one;
}

class ChatOverHosts : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::installed()) GTEST_SKIP() << "redis-server is not installed";
  }
};

TEST_F(ChatOverHosts, everybody_hears_everybody_once_and_in_order) {
  RedisServer redis;
  ASSERT_TRUE(redis.start());
  ServerProcess one(joined_by(redis)), other(joined_by(redis));
  ASSERT_TRUE(all_tell(one, kLinked) && all_tell(other, kLinked));
  Members members;
  come(members, one, 6);
  come(members, other, 6);
  all_see_each_other(members);
  say_all(members, 1, 100);
  expect_heard(members, members, numbers(1, 100));
  say_all(members, 101, 101);
  expect_heard(members, members, numbers(1, 101));
}

TEST_F(ChatOverHosts, a_host_that_ends_takes_its_clients_along) {
  RedisServer redis;
  ASSERT_TRUE(redis.start());
  ServerConfig leaving = joined_by(redis);
  leaving.process = "shutdown_timeout: 1s";
  ServerProcess one(joined_by(redis)), other(leaving);
  other.allow("worker overdue");  // clients that do not answer the farewell
  ASSERT_TRUE(all_tell(one, kLinked) && all_tell(other, kLinked));
  Members here, there;
  come(here, one, 2);
  come(there, other, 4);
  const std::set<std::string> left{here[0]->id(), here[1]->id()};
  const Member& far = *there.back();
  there.back()->say(1);
  for (const auto& member : here) EXPECT_TRUE(member->hear(far, 1));
  other.stop();
  for (const auto& member : here) EXPECT_TRUE(member->see(left));
}

TEST_F(ChatOverHosts, hosts_chat_by_themselves_while_redis_is_away_and_find_each_other_again) {
  RedisServer redis;
  ASSERT_TRUE(redis.start());
  ServerProcess one(joined_by(redis)), other(joined_by(redis));
  one.allow(std::string(kLost));
  other.allow(std::string(kLost));
  ASSERT_TRUE(all_tell(one, kLinked) && all_tell(other, kLinked));
  Members here, there;
  come(here, one, 4);
  come(there, other, 4);
  say_all(here, 1, 10);
  say_all(there, 1, 10);
  expect_heard(here, there, numbers(1, 10));
  expect_heard(there, here, numbers(1, 10));

  const std::size_t mark_one = one.log().mark(), mark_other = other.log().mark();
  redis.kill();
  ASSERT_TRUE(all_tell(one, kLost, mark_one) && all_tell(other, kLost, mark_other));
  say_all(here, 11, 20);
  say_all(there, 11, 20);
  expect_heard(here, here, numbers(1, 20));
  expect_heard(there, there, numbers(1, 20));
  // Nobody far away can know yet.
  there.back()->leave();
  there.pop_back();
  come(there, other, 1);

  ASSERT_TRUE(redis.start());
  ASSERT_TRUE(all_tell(one, kBack, mark_one) && all_tell(other, kBack, mark_other));
  Members members = joined(std::move(here), there);
  all_see_each_other(members);
  say_all(members, 21, 30);
  for (const auto& listener : members)
    for (const auto& sender : members) EXPECT_TRUE(listener->hear(*sender, 30));
  // What was said meanwhile is not told afterwards.
  std::vector<int> expected = numbers(1, 10);
  for (const int number : numbers(21, 30)) expected.push_back(number);
  EXPECT_EQ(members.front()->heard(*members[4]), expected);
  EXPECT_EQ(members[4]->heard(*members.front()), expected);
  EXPECT_EQ(members.front()->heard(*members[1]), numbers(1, 30));
}

TEST_F(ChatOverHosts, redis_that_stops_to_answer_is_lost_and_found) {
  RedisServer redis;
  ASSERT_TRUE(redis.start());
  ServerProcess server(joined_by(redis));
  server.allow(std::string(kLost));
  ASSERT_TRUE(all_tell(server, kLinked));
  const std::size_t mark = server.log().mark();
  redis.freeze();
  EXPECT_TRUE(all_tell(server, kLost, mark));
  redis.thaw();
  EXPECT_TRUE(all_tell(server, kBack, mark));
}

TEST_F(ChatOverHosts, a_server_that_starts_before_redis_waits_for_it) {
  RedisServer redis;
  ServerProcess one(joined_by(redis)), other(joined_by(redis));
  one.allow(std::string(kLost));
  other.allow(std::string(kLost));
  ASSERT_TRUE(all_tell(one, kLost) && all_tell(other, kLost));
  Members members;
  come(members, one, 2);
  come(members, other, 2);
  ASSERT_TRUE(redis.start());
  ASSERT_TRUE(all_tell(one, kBack) && all_tell(other, kBack));
  all_see_each_other(members);
}

TEST_F(ChatOverHosts, the_password_opens_redis_and_a_wrong_one_is_told) {
  const TempDir secrets;
  RedisServer redis("open sesame");
  ASSERT_TRUE(redis.start());
  const std::string right = secrets.write("right", "open sesame\n");
  const std::string wrong = secrets.write("wrong", "open barley\n");
  ServerProcess one(joined_by(redis, right)), other(joined_by(redis, right)), stranger(joined_by(redis, wrong));
  stranger.allow(std::string(kLost));
  ASSERT_TRUE(all_tell(one, kLinked) && all_tell(other, kLinked));
  const auto refused = stranger.log().wait_event(kLost, 0, 10s);
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->raw, HasSubstr("it refuses: WRONGPASS"));
  EXPECT_THAT(refused->raw, HasSubstr("broker_password"));
  EXPECT_THAT(stranger.log().text(), ::testing::Not(HasSubstr("barley")));
  Members members;
  come(members, one, 2);
  come(members, other, 2);
  all_see_each_other(members);
}

}  // namespace
}  // namespace holdfast::support
