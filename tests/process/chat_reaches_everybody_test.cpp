// The chat over several workers: every message reaches every member exactly once and in each sender's order,
// while workers are killed and configurations reloaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/tested_build.h"
#include "tests/support/websocket_client.h"

namespace holdfast::support {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const int kClients = tested_is_sanitized() ? 200 : 1000;
const int kRooms = tested_is_sanitized() ? 4 : 20;

ServerConfig with_chat(const std::string& settings = "rate: 0") {
  ServerConfig config;
  config.workers = 4;
  config.process = "shutdown_timeout: 60s";
  config.routes = "      - {path: /chat, chat: {" + settings + "}}\n";
  return config;
}

/// The text behind the first `"key":"`.
std::string text_of(std::string_view json, std::string_view key) {
  const std::string mark = "\"" + std::string(key) + "\":\"";
  const std::size_t at = json.find(mark);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + mark.size();
  return std::string(json.substr(begin, json.find('"', begin) - begin));
}
/// ... of the person that `whom` ("from", "who", "you") names.
std::string id_of(std::string_view json, std::string_view whom) {
  const std::size_t at = json.find("\"" + std::string(whom) + "\":{");
  return at == std::string_view::npos ? std::string() : text_of(json.substr(at), "id");
}

class Member {
 public:
  Member(std::uint16_t port, int room) : room_(room) { connect(port); }

  void connect(std::uint16_t port) {
    client_ = std::make_unique<WebSocketClient>(port, "/chat?room=" + std::to_string(room_));
    alive_ = client_->open();
    heard_.clear();
    left_.clear();
    id_ = id_of(client_->next_text(), "you");
  }
  void say(int number) {
    if (alive_)
      alive_ =
          client_->send_text(R"({"type":"message","text":")" + std::to_string(number) + "\"}") == Outcome::Ok;
  }
  /// Takes one message of the server; false: the connection has ended.
  bool listen() {
    const std::string json = client_->next_text();
    if (json.empty()) return alive_ = false;
    const std::string type = text_of(json, "type");
    if (type == "message") heard_[id_of(json, "from")].push_back(std::stoi(text_of(json, "text")));
    if (type == "leave") left_.insert(id_of(json, "who"));
    return true;
  }
  /// Listens until the sender's last word is heard.
  bool hear(const std::string& sender, int last) {
    while (heard_[sender].empty() || heard_[sender].back() != last)
      if (!listen()) return false;
    return true;
  }
  bool hear_leave(const std::string& sender) {
    while (!left_.contains(sender))
      if (!listen()) return false;
    return true;
  }
  void hear_out() {
    while (listen()) continue;
  }

  int room() const { return room_; }
  const std::string& id() const { return id_; }
  bool alive() const { return alive_; }
  const std::vector<int>& heard(const std::string& sender) { return heard_[sender]; }
  WebSocketClient& client() { return *client_; }

 private:
  int room_;
  std::unique_ptr<WebSocketClient> client_;
  std::string id_;
  bool alive_ = false;
  std::map<std::string, std::vector<int>> heard_;
  std::set<std::string> left_;
};

class Crowd {
 public:
  Crowd(std::uint16_t port, int size, int rooms) {
    for (int i = 0; i < size; ++i) members_.push_back(std::make_unique<Member>(port, i % rooms));
  }
  void all_say(int number) {
    for (const auto& member : members_) member->say(number);
  }
  /// Each living member hears each living member of its room say `number` last; how many did not.
  int deaf_to(int number) {
    int deaf = 0;
    for (const auto& member : members_)
      for (const auto& sender : members_)
        if (member->alive() && sender->alive() && member->room() == sender->room())
          deaf += member->hear(sender->id(), number) ? 0 : 1;
    return deaf;
  }
  const std::vector<std::unique_ptr<Member>>& members() const { return members_; }

 private:
  std::vector<std::unique_ptr<Member>> members_;
};

std::vector<int> numbers(int first, int last) {
  std::vector<int> all;
  for (int i = first; i <= last; ++i) all.push_back(i);
  return all;
}

bool is_prefix(const std::vector<int>& part, const std::vector<int>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

TEST(chat, reaches_everybody_exactly_once_while_a_worker_is_killed) {
  ServerProcess server(with_chat("rate: 0, notices: true, history: 0"));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  server.allow("worker died");
  Crowd crowd(server.port(), kClients, kRooms);
  crowd.all_say(0);
  ASSERT_EQ(crowd.deaf_to(0), 0);

  crowd.all_say(1);
  const pid_t victim = server.workers().at(1);
  ASSERT_EQ(::kill(victim, SIGKILL), 0);
  crowd.all_say(2);
  // Who was on it sees the connection end, and how much of what it said was heard.
  std::vector<Member*> dead;
  crowd.all_say(3);
  for (const auto& member : crowd.members()) {
    if (member->alive() && !member->hear(member->id(), 3)) dead.push_back(member.get());
    if (!member->alive() && (dead.empty() || dead.back() != member.get())) dead.push_back(member.get());
  }
  EXPECT_GT(dead.size(), 0U);
  EXPECT_LT(dead.size(), static_cast<std::size_t>(kClients) / 2);
  for (Member* const member : dead) member->hear_out();
  ASSERT_EQ(crowd.deaf_to(3), 0) << "nobody else notices";
  for (const auto& member : crowd.members()) {
    if (!member->alive()) continue;
    for (const auto& sender : crowd.members()) {
      if (member->room() != sender->room()) continue;
      if (sender->alive()) {
        EXPECT_EQ(member->heard(sender->id()), numbers(0, 3));
        continue;
      }
      EXPECT_TRUE(member->hear_leave(sender->id()));
      const std::vector<int>& heard = member->heard(sender->id());
      EXPECT_TRUE(is_prefix(heard, numbers(0, 3)));
      EXPECT_TRUE(is_prefix(sender->heard(sender->id()), heard)) << "what its sender has seen was seen by all";
    }
  }

  for (Member* const member : dead) member->connect(server.port());
  crowd.all_say(4);
  EXPECT_EQ(crowd.deaf_to(4), 0);
}

TEST(chat, goes_on_across_a_reload) {
  ServerProcess server(with_chat());
  ASSERT_TRUE(server.ready());
  Crowd crowd(server.port(), 60, 2);
  crowd.all_say(0);
  ASSERT_EQ(server.reload().event, "reload complete");
  crowd.all_say(1);
  ASSERT_EQ(crowd.deaf_to(1), 0);
  Member newcomer(server.port(), 0);
  newcomer.say(7);
  crowd.all_say(2);
  EXPECT_EQ(crowd.deaf_to(2), 0);
  for (const auto& member : crowd.members()) {
    if (member->room() != newcomer.room()) continue;
    EXPECT_TRUE(member->hear(newcomer.id(), 7));
    EXPECT_EQ(member->heard(crowd.members()[0]->id()), numbers(0, 2));
    EXPECT_TRUE(newcomer.hear(member->id(), 2)) << "from a worker of the generation before";
  }
}

TEST(chat, history_and_presence_outlive_the_workers) {
  ServerProcess server(with_chat());
  ASSERT_TRUE(server.ready());
  Member anna(server.port(), 0);
  anna.say(41);
  ASSERT_TRUE(anna.hear(anna.id(), 41));
  ASSERT_EQ(server.reload().event, "reload complete");
  WebSocketClient late(server.port(), "/chat?room=0&name=Late");
  const std::string welcome = late.next_text();
  EXPECT_THAT(welcome, HasSubstr("\"text\":\"41\"")) << "said to a worker that has been replaced";
  const bool known = welcome.find(anna.id()) != std::string::npos;
  EXPECT_TRUE(known || late.next_text().find(anna.id()) != std::string::npos);
}

TEST(chat, presence_is_in_the_status) {
  ServerProcess server(with_chat());
  ASSERT_TRUE(server.ready());
  const auto shown = [&server] {
    std::string text;
    const JsonValue status = server.status();
    for (const JsonValue& room : status["chat"]["rooms"].items())
      text += room["chat"].text() + " " + room["room"].text() + "=" +
              std::to_string(static_cast<int>(room["members"].number())) + "; ";
    return text;
  };
  EXPECT_EQ(shown(), "");
  {
    // Over four workers, as the kernel likes.
    const Crowd crowd(server.port(), 30, 2);
    EXPECT_EQ(shown(), "main:/chat 0=15; main:/chat 1=15; ");
    EXPECT_EQ(server.status()["chat"]["clients"].number(), 30);
  }
  EXPECT_TRUE(eventually(10s, [&] { return shown().empty(); }));
}

TEST(chat, refuses_what_is_too_fast_too_long_or_no_message) {
  ServerConfig config = with_chat("rate: 1, burst: 3, max_text: 10");
  config.workers = 1;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  WebSocketClient client(server.port(), "/chat?name=Anna");
  EXPECT_THAT(client.next_text(), AllOf(HasSubstr(R"("type":"welcome","room":"lobby")"), HasSubstr("Anna")));
  client.send_text("hello");
  EXPECT_THAT(client.next_text(), HasSubstr(R"("code":"malformed")"));
  client.send_text(R"({"type":"message","text":"01234567890","ref":"a"})");
  EXPECT_THAT(client.next_text(), AllOf(HasSubstr(R"("code":"too_long")"), HasSubstr(R"("ref":"a")")));
  client.send_text(R"({"type":"name","name":"Anna II"})");
  EXPECT_THAT(client.next_text(), AllOf(HasSubstr(R"("type":"rename")"), HasSubstr("Anna II")));
  client.send_text(R"({"type":"message","text":"x"})");
  EXPECT_THAT(client.next_text(), HasSubstr(R"("code":"too_fast")"));
  for (int i = 0; i < 60; ++i) client.send_text(R"({"type":"message","text":"x"})");
  EXPECT_EQ(client.next_close(), 1008);
  WebSocketClient binary(server.port(), "/chat");
  binary.send(ws_frame(WsOpcode::Binary, "x"));
  EXPECT_EQ(binary.next_close(), 1003);
  EXPECT_EQ(WebSocketClient(server.port(), "/chat?room=a%00b").handshake().status, 400);
}

TEST(chat, gives_the_rate_back_with_time) {
  ServerConfig config = with_chat("rate: 50, burst: 1");
  config.workers = 1;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  WebSocketClient client(server.port(), "/chat");
  client.next_text();
  const auto answer = [&client] {
    client.send_text(R"({"type":"message","text":"x"})");
    return text_of(client.next_text(), "type");
  };
  EXPECT_EQ(answer(), "message");
  // Refused for a while, unless the machine was busy just then; taken again in any case.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(eventually(10s, [&] { return answer() == "message"; }));
}

TEST(chat, lets_slow_readers_go_without_harm_to_others) {
  ServerConfig config = with_chat("rate: 0, max_text: 32KiB");
  config.workers = 1;
  config.routes.insert(config.routes.rfind('}'), ", websocket: {max_queue: 64KiB, close_timeout: 100ms}");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  WebSocketClient::Options lazy;
  lazy.connection.receive_buffer = 4096;
  WebSocketClient slow(server.port(), "/chat?name=slow", lazy);
  ASSERT_TRUE(slow.open());
  WebSocketClient fast(server.port(), "/chat?name=fast");
  const std::string message = R"({"type":"message","text":")" + std::string(30'000, 'x') + "\"}";
  bool left = false;
  for (int i = 0; i < 2000 && !left; ++i) {
    ASSERT_EQ(fast.send_text(message), Outcome::Ok);
    for (std::string heard; heard.size() < 30'000 && !left;) {
      heard = fast.next_text();
      ASSERT_NE(heard, "");
      left = heard.find("\"type\":\"leave\"") != std::string::npos;
    }
  }
  EXPECT_TRUE(left) << "60 MB would have to wait for the slow one";
  const auto connections = [&] { return scrape(server.admin_port()).sum("holdfast_websocket_connections"); };
  EXPECT_TRUE(eventually(10s, [&] { return connections() == 1; })) << "nor is it waited for until it reads";
}

TEST(chat, has_a_page_to_try_it) {
  ServerProcess server(with_chat());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  const Response page = client.get("/chat");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.field("content-type"), HasSubstr("text/html"));
  EXPECT_THAT(page.field("content-security-policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(client.get("/chat?script").field("content-type"), HasSubstr("javascript"));
  EXPECT_THAT(client.get("/chat?style").field("content-type"), HasSubstr("css"));
}

}  // namespace
}  // namespace holdfast::support
