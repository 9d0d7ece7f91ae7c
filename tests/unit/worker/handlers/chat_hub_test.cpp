// Hubs of several workers, joined by a broker that delivers when the test says so.
#include "worker/handlers/chat_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::handlers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What joins the hubs of one test.
class Post {
 public:
  class End final : public broker::Broker {
   public:
    End(Post& post, std::uint64_t number) : post_(post), number_(number) {}
    ~End() override { std::erase(post_.ends_, this); }
    void listen(broker::Listener& listener) override {
      listener_ = &listener;
      post_.ends_.push_back(this);
    }
    bool publish(std::span<const std::byte> payload) override {
      post_.waiting_.emplace_back(number_, std::vector<std::byte>(payload.begin(), payload.end()));
      return true;
    }

   private:
    friend class Post;
    Post& post_;
    const std::uint64_t number_;
    broker::Listener* listener_ = nullptr;
  };

  std::unique_ptr<broker::Broker> open(std::uint64_t number) { return std::make_unique<End>(*this, number); }
  std::size_t published() const { return waiting_.size(); }
  void deliver() {
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      const auto [from, payload] = waiting_[i];
      for (End* const end : ends_)
        if (end->number_ != from) end->listener_->on_message({{0, from}, {}, payload});
    }
    waiting_.clear();
  }
  void gone(std::uint64_t number) {
    for (End* const end : ends_)
      if (end->number_ != number) end->listener_->on_origin_gone({0, number});
  }
  void reunion(std::uint64_t number) {
    for (End* const end : ends_)
      if (end->number_ == number) end->listener_->on_reunion();
  }

 private:
  std::vector<End*> ends_;
  std::vector<std::pair<std::uint64_t, std::vector<std::byte>>> waiting_;
};

class Person final : public ChatClient {
 public:
  explicit Person(std::string who) {
    id = who;
    name = std::move(who);
  }
  bool tell(std::string_view json) override {
    heard.emplace_back(json);
    if (post != nullptr) published = post->published();
    return reads;
  }
  void drop() override {
    dropped = true;
    if (room != nullptr) hub->leave(*std::exchange(room, nullptr), *this, 0);
  }
  void join(ChatHub& in, std::string_view name = "r", ChatHub::Settings settings = {"s", 10, true}) {
    hub = &in;
    room = in.join(*this, name, settings, 1);
  }
  void say(std::string_view text, std::string_view ref = {}) { hub->say(*room, *this, text, ref, 2); }
  std::vector<std::string> take() { return std::exchange(heard, {}); }

  ChatHub* hub = nullptr;
  ChatRoom* room = nullptr;
  std::vector<std::string> heard;
  const Post* post = nullptr;
  std::size_t published = 0;  // by then, when it was told something last
  bool reads = true;
  bool dropped = false;
};

TEST(ChatPresence, is_that_of_the_own_clients) {
  stats::Segment segment = std::move(stats::Segment::create()).value();
  stats::WorkerStats stats(segment, segment.claim_seat(0, 1));
  Person anna("anna");
  Person bo("bo");
  const auto shown = [&segment] {
    segment.set_seat_use(1, stats::SeatUse::Ready);
    std::string text;
    for (const stats::RoomPresence& room : stats::read_presence(segment))
      text += room.chat + "/" + room.room + "=" + std::to_string(room.members) + " ";
    return text;
  };
  ChatHub hub(nullptr, &stats);
  EXPECT_EQ(shown(), "");
  anna.join(hub, "tea");
  bo.join(hub, "tea");
  EXPECT_EQ(shown(), "s/tea=2 ");
  hub.leave(*anna.room, anna, 0);
  EXPECT_EQ(shown(), "s/tea=1 ");
  anna.join(hub, "cake");
  EXPECT_EQ(shown(), "s/cake=1 s/tea=1 ");
  hub.leave(*bo.room, bo, 0);
  EXPECT_EQ(shown(), "s/cake=1 ");
}

TEST(ChatHistory, of_all_rooms_together_is_bounded) {
  ChatHub hub(nullptr, nullptr);
  const std::string text(1024 * 1024, 't');
  constexpr int kRooms = 20;
  for (int i = 0; i < kRooms; ++i) {
    Person speaker("anna");
    speaker.join(hub, "r" + std::to_string(i));
    speaker.say(text);
    hub.leave(*speaker.room, speaker, 0);
  }
  std::size_t kept = 0;
  for (int i = 0; i < kRooms; ++i) {
    Person newcomer("bo");
    newcomer.join(hub, "r" + std::to_string(i));
    kept += newcomer.take().at(0).size() / text.size();
    hub.leave(*newcomer.room, newcomer, 0);
    if (i == 2) {
      EXPECT_EQ(kept, 0U) << "what was said longest ago goes first";
    }
  }
  EXPECT_GE(kept, 14U);
  EXPECT_LE(kept, 16U);
}

class ChatHubs : public ::testing::Test {
 protected:
  Post post_;
  ChatHub one_{post_.open(1), nullptr};
  ChatHub two_{post_.open(2), nullptr};
  Person anna_{"anna"}, bo_{"bo"}, cy_{"cy"};
};

TEST_F(ChatHubs, a_message_reaches_everybody_once_the_sender_with_its_ref) {
  anna_.join(one_);
  bo_.join(one_);
  cy_.join(two_);
  post_.deliver();
  anna_.take(), bo_.take(), cy_.take();
  anna_.say("hello", "7");
  post_.deliver();
  EXPECT_THAT(anna_.take(), ElementsAre(AllOf(HasSubstr(R"("text":"hello")"), HasSubstr(R"("ref":"7")"))));
  EXPECT_THAT(bo_.take(), ElementsAre(AllOf(HasSubstr(R"("text":"hello")"), Not(HasSubstr("ref")))));
  EXPECT_THAT(cy_.take(), ElementsAre(AllOf(HasSubstr(R"("name":"anna")"), HasSubstr(R"("text":"hello")"))));
}

TEST_F(ChatHubs, rooms_and_chats_are_apart) {
  anna_.join(one_, "r");
  bo_.join(one_, "other");
  cy_.join(two_, "r", {"another route", 10, true});
  post_.deliver();
  bo_.take(), cy_.take();
  anna_.say("hello");
  post_.deliver();
  EXPECT_THAT(bo_.take(), IsEmpty());
  EXPECT_THAT(cy_.take(), IsEmpty());
}

TEST_F(ChatHubs, newcomers_are_shown_who_is_there_and_what_was_said_wherever) {
  anna_.join(one_);
  anna_.say("first");
  post_.deliver();
  cy_.join(two_);
  EXPECT_THAT(cy_.heard.at(0),
              AllOf(HasSubstr(R"("count":2)"), HasSubstr(R"("name":"anna")"), HasSubstr(R"("text":"first")")));
  post_.deliver();
  EXPECT_THAT(anna_.heard.back(), AllOf(HasSubstr(R"("type":"join")"), HasSubstr("cy")));
}

TEST_F(ChatHubs, the_other_workers_are_told_before_anybody_hears_it) {
  anna_.join(one_);
  bo_.join(one_);
  post_.deliver();
  anna_.post = bo_.post = &post_;
  for (const char* ref : {"", "7"}) {
    anna_.published = bo_.published = 0;
    anna_.say("hello", ref);
    EXPECT_EQ(bo_.published, 1U);
    EXPECT_EQ(anna_.published, 1U) << "what has come back to its sender is safe";
    post_.deliver();
  }
}

TEST_F(ChatHubs, history_is_bounded) {
  anna_.join(one_, "r", {"s", 2, true});
  for (const char* text : {"a", "b", "c"}) anna_.say(text);
  anna_.hub->say(*anna_.room, anna_, "d", {}, 2);
  bo_.join(one_, "r", {"s", 2, true});
  EXPECT_THAT(bo_.heard.at(0),
              AllOf(HasSubstr(R"("text":"c")"), HasSubstr(R"("text":"d")"), Not(HasSubstr(R"("text":"b")"))));
}

TEST_F(ChatHubs, members_of_a_worker_that_died_are_said_to_have_left) {
  anna_.join(one_);
  cy_.join(two_);
  post_.deliver();
  anna_.take();
  post_.gone(2);
  EXPECT_THAT(anna_.take(), ElementsAre(AllOf(HasSubstr(R"("type":"leave")"), HasSubstr("cy"))));
  post_.gone(2);
  EXPECT_THAT(anna_.take(), IsEmpty());
}

TEST_F(ChatHubs, a_worker_that_comes_later_learns_who_is_there) {
  anna_.join(one_);
  post_.deliver();
  ChatHub three(post_.open(3), nullptr);
  Person dee{"dee"};
  dee.join(three);
  dee.take();
  post_.reunion(3);
  post_.deliver();
  EXPECT_THAT(dee.take(), ElementsAre(AllOf(HasSubstr(R"("type":"join")"), HasSubstr("anna"))));
  post_.reunion(3);
  post_.deliver();
  EXPECT_THAT(dee.take(), IsEmpty()) << "known already";
}

TEST_F(ChatHubs, slow_readers_are_let_go_and_nobody_else_misses_anything) {
  anna_.join(one_);
  bo_.join(one_);
  Person dee{"dee"};
  dee.join(one_);
  bo_.reads = false;
  dee.take(), anna_.take();
  anna_.say("hello");
  EXPECT_TRUE(bo_.dropped);
  EXPECT_THAT(dee.take(), ElementsAre(HasSubstr("hello"), HasSubstr(R"("type":"leave")")));
  EXPECT_THAT(anna_.take(), ElementsAre(HasSubstr("hello"), HasSubstr(R"("type":"leave")")));
}

TEST_F(ChatHubs, names_change_for_everybody) {
  anna_.join(one_);
  cy_.join(two_);
  post_.deliver();
  cy_.take();
  one_.rename(*anna_.room, anna_, "Anna II", 3);
  post_.deliver();
  EXPECT_THAT(cy_.take(), ElementsAre(AllOf(HasSubstr(R"("type":"rename")"), HasSubstr("Anna II"))));
}

TEST_F(ChatHubs, notices_can_be_off) {
  anna_.join(one_, "r", {"s", 10, false});
  anna_.take();
  bo_.join(one_, "r", {"s", 10, false});
  EXPECT_THAT(anna_.take(), IsEmpty());
}

TEST_F(ChatHubs, strangers_bytes_change_nothing) {
  anna_.join(one_);
  anna_.take();
  const std::string junk = "junk";
  post_.open(9)->publish(std::as_bytes(std::span(junk)));
  post_.deliver();
  EXPECT_THAT(anna_.take(), IsEmpty());
}

TEST_F(ChatHubs, rooms_that_nobody_is_in_make_place_for_others) {
  std::vector<std::unique_ptr<Person>> people;
  for (std::size_t i = 0; i < ChatHub::kMostRooms; ++i) {
    Person visitor{"v"};
    visitor.join(one_, "room" + std::to_string(i));
    ASSERT_NE(visitor.room, nullptr);
    one_.leave(*visitor.room, visitor, 0);
  }
  anna_.join(one_, "one more");
  EXPECT_NE(anna_.room, nullptr);
}

}  // namespace
}  // namespace holdfast::handlers
