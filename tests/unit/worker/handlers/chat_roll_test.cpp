// What a worker's roll tells the others of who has left unheard.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "worker/handlers/chat_hub.h"

namespace holdfast::handlers {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Keeps the listener for the test, and what was published.
class Wire final : public broker::Broker {
 public:
  explicit Wire(Wire** self) { *self = this; }
  void listen(broker::Listener& to) override { listener = &to; }
  bool publish(std::span<const std::byte> payload) override {
    published.emplace_back(payload.begin(), payload.end());
    return true;
  }
  broker::Listener* listener = nullptr;
  std::vector<std::vector<std::byte>> published;
};

class Watching final : public ChatClient {
 public:
  bool tell(std::string_view json) override {
    heard.emplace_back(json);
    return true;
  }
  void drop() override {}
  std::vector<std::string> take() { return std::exchange(heard, {}); }
  std::vector<std::string> heard;
};

constexpr broker::Origin kFar{7, 1};
constexpr broker::Origin kOther{7, 2};

class ChatRoll : public ::testing::Test {
 protected:
  ChatRoll() {
    me_.id = me_.name = "me";
    room_ = hub_.join(me_, "r", kSettings, 1);
    me_.take();
  }
  ~ChatRoll() { hub_.leave(*room_, me_, 1); }
  void come(ChatRecord::Kind kind, std::string_view member, std::string_view text = {},
            const broker::Origin& origin = kFar) {
    const std::string bytes = encode({kind, 5, "s", "r", member, member, text, {}});
    wire_->listener->on_message({origin, {}, std::as_bytes(std::span(bytes))});
  }
  using Kind = ChatRecord::Kind;
  static constexpr ChatHub::Settings kSettings{"s", 10, true};

  stats::Segment segment_ = *stats::Segment::create();
  stats::WorkerStats stats_{segment_, segment_.claim_seat(0, 1)};
  Wire* wire_ = nullptr;
  ChatHub hub_{std::make_unique<Wire>(&wire_), &stats_};
  Watching me_;
  ChatRoom* room_ = nullptr;
};

TEST_F(ChatRoll, whoever_is_not_called_has_left) {
  come(Kind::Join, "anna");
  come(Kind::Join, "bo");
  come(Kind::Join, "cy", {}, kOther);
  me_.take();
  come(Kind::Roll, "");
  come(Kind::Present, "bo");
  come(Kind::Present, "dee");
  come(Kind::RollEnd, "", "2");
  EXPECT_THAT(me_.take(), ElementsAre(AllOf(HasSubstr(R"("type":"join")"), HasSubstr("dee")),
                                      AllOf(HasSubstr(R"("type":"leave")"), HasSubstr("anna"))));
}

TEST_F(ChatRoll, an_empty_roll_lets_all_of_that_worker_go) {
  come(Kind::Join, "anna");
  come(Kind::Join, "cy", {}, kOther);
  me_.take();
  come(Kind::Roll, "");
  come(Kind::RollEnd, "", "0");
  EXPECT_THAT(me_.take(), ElementsAre(AllOf(HasSubstr(R"("type":"leave")"), HasSubstr("anna"))));
}

TEST_F(ChatRoll, a_roll_that_did_not_come_whole_lets_nobody_go) {
  come(Kind::Join, "anna");
  come(Kind::Join, "bo");
  me_.take();
  come(Kind::RollEnd, "", "0");  // its beginning was lost
  come(Kind::Roll, "");
  come(Kind::Present, "bo");
  come(Kind::RollEnd, "", "2");
  come(Kind::Roll, "");
  wire_->listener->on_origin_gone(kOther);
  come(Kind::RollEnd, "", "not a number");
  EXPECT_THAT(me_.take(), IsEmpty());
}

TEST_F(ChatRoll, rolls_of_two_workers_may_come_between_each_other) {
  come(Kind::Join, "anna");
  come(Kind::Join, "cy", {}, kOther);
  me_.take();
  come(Kind::Roll, "");
  come(Kind::Roll, "", {}, kOther);
  come(Kind::Present, "cy", {}, kOther);
  come(Kind::Present, "anna");
  come(Kind::RollEnd, "", "1", kOther);
  come(Kind::RollEnd, "", "1");
  EXPECT_THAT(me_.take(), IsEmpty());
}

TEST_F(ChatRoll, is_called_when_somebody_asks) {
  wire_->published.clear();
  come(Kind::Ask, "");
  std::vector<Kind> kinds;
  for (const auto& bytes : wire_->published) kinds.push_back(decode_chat_record(bytes)->kind);
  EXPECT_THAT(kinds, ElementsAre(Kind::Roll, Kind::Present, Kind::RollEnd));
  EXPECT_EQ(decode_chat_record(wire_->published.back())->text, "1");
}

}  // namespace
}  // namespace holdfast::handlers
