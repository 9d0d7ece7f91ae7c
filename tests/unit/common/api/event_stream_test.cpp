#include "common/api/event_stream.h"

#include <gtest/gtest.h>

#include <functional>

#include "common/api/awaits.h"
#include "tests/support/fake_exchange.h"

namespace holdfast::api {
namespace {

using support::FakeExchange;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST(EventText, HasALineForEachMember) {
  EXPECT_EQ(event_text({.data = "hello"}), "data: hello\n\n");
  EXPECT_EQ(event_text({.event = "tick", .data = "1", .id = "7", .retry = 1500ms}),
            "event: tick\nid: 7\nretry: 1500\ndata: 1\n\n");
  EXPECT_EQ(event_text({.id = "7"}), "id: 7\n\n") << "sets the id, and is no event";
  EXPECT_EQ(event_text({.event = "tick"}), "event: tick\ndata: \n\n") << "is an event";
  EXPECT_EQ(event_text({.retry = -5ms}), "retry: 0\n\n");
  EXPECT_EQ(event_text({.data = " two spaces: kept"}), "data:  two spaces: kept\n\n");
}

TEST(EventText, SplitsDataAtEveryLineEnd) {
  EXPECT_EQ(event_text({.data = "a\nb\r\nc\rd"}), "data: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(event_text({.data = "a\n"}), "data: a\ndata: \n\n");
  EXPECT_EQ(event_text({.data = "\n\r"}), "data: \ndata: \ndata: \n\n");
  EXPECT_EQ(event_text({.data = "x\n\nevent: forged\n\n"}),
            "data: x\ndata: \ndata: event: forged\ndata: \ndata: \n\n");
}

TEST(EventText, RefusesLineEndsElsewhere) {
  for (const std::string_view bad :
       {std::string_view("a\nb"), std::string_view("a\r"), std::string_view("\0", 1)}) {
    EXPECT_THROW(event_text({.event = bad, .data = "x"}), std::invalid_argument);
    EXPECT_THROW(event_text({.data = "x", .id = bad}), std::invalid_argument);
  }
}

TEST(EventText, ReadsWhereTheClientWas) {
  const FakeExchange first("GET", "/x"), again("GET", "/x", {{"last-event-id", "41"}});
  EXPECT_EQ(last_event_id(first.request()), "");
  EXPECT_EQ(last_event_id(again.request()), "41");
}

class Scripted final : public CoroutineHandler {
 public:
  explicit Scripted(std::function<Task<>(Exchange&)> script) : script_(std::move(script)) {}
  Task<> serve(Exchange& exchange) override { return script_(exchange); }

 private:
  std::function<Task<>(Exchange&)> script_;
};

class Viewer final : public EventClient {
 public:
  Viewer(Exchange& exchange, std::vector<Viewer*>& all)
      : EventClient(exchange, {.most_waiting = 1000}), all_(all) {
    all_.push_back(this);
  }
  ~Viewer() override { std::erase(all_, this); }

 private:
  std::vector<Viewer*>& all_;
};

class EventStreamTest : public ::testing::Test {
 protected:
  void serve(std::function<Task<>(Exchange&)> script) {
    handler_ = std::make_unique<Scripted>(std::move(script));
    handler_->handle(exchange_);
  }
  void pass(Duration time) { exchange_.advance(exchange_.now() + time); }

  std::unique_ptr<Scripted> handler_;
  std::vector<Viewer*> viewers_;
  FakeExchange exchange_{"GET", "/events"};
};

TEST_F(EventStreamTest, AnswersAsAStreamOfEvents) {
  serve([](Exchange& exchange) -> Task<> {
    const Field more{"X-More", "yes"};
    EventStream stream(exchange, {.fields = {&more, 1}});
    co_await stream.send({.data = "one"});
    co_await stream.send({.data = "two"});
    stream.end();
  });
  EXPECT_EQ(exchange_.status(), 200);
  EXPECT_EQ(exchange_.field("Content-Type"), "text/event-stream");
  EXPECT_EQ(exchange_.field("Cache-Control"), "no-store");
  EXPECT_EQ(exchange_.field("X-Accel-Buffering"), "no");
  EXPECT_EQ(exchange_.field("X-More"), "yes");
  EXPECT_EQ(exchange_.announced_length(), std::nullopt);
  EXPECT_EQ(exchange_.body(), "data: one\n\ndata: two\n\n");
  EXPECT_TRUE(exchange_.body_complete());
  EXPECT_FALSE(exchange_.has_timers());
}

TEST_F(EventStreamTest, WaitsForTheClient) {
  int sent = 0;
  exchange_.set_room(5);
  serve([&](Exchange& exchange) -> Task<> {
    EventStream stream(exchange);
    for (; sent < 3; ++sent) co_await stream.send({.data = std::string(100, 'x')});
    stream.end();
  });
  EXPECT_EQ(sent, 0) << "nothing was taken yet";
  EXPECT_EQ(exchange_.body().size(), 3 * 108u);
  EXPECT_EQ(sent, 3);
}

TEST_F(EventStreamTest, LeavesACommentWhenNothingIsSent) {
  serve([](Exchange& exchange) -> Task<> {
    EventStream stream(exchange);
    co_await pause(exchange, 50s);
    co_await stream.send({.data = "late"});
    co_await pause(exchange, 100s);
  });
  EXPECT_EQ(exchange_.body(), "");
  pass(14s);
  EXPECT_EQ(exchange_.body(), "");
  pass(1s);
  EXPECT_EQ(exchange_.times_resumed(), 1);
  EXPECT_EQ(exchange_.body(), ":\n\n");
  pass(14s);
  EXPECT_EQ(exchange_.body(), ":\n\n");
  pass(1s);
  EXPECT_EQ(exchange_.body(), ":\n\n:\n\n");
  pass(15s);
  EXPECT_EQ(exchange_.body(), ":\n\n:\n\n:\n\n");
  pass(5s);
  EXPECT_EQ(exchange_.body(), ":\n\n:\n\n:\n\ndata: late\n\n");
  pass(10s);
  EXPECT_EQ(exchange_.body(), ":\n\n:\n\n:\n\ndata: late\n\n") << "counted from the last event";
  pass(5s);
  EXPECT_EQ(exchange_.body(), ":\n\n:\n\n:\n\ndata: late\n\n:\n\n");
}

TEST_F(EventStreamTest, CommentsDoNotPileUpForAClientThatReadsNothing) {
  EventClient& client = open_event_stream(exchange_);
  for (int i = 0; i < 10; ++i) pass(15s);
  EXPECT_EQ(client.waiting(), 0u) << "the transport was never ready";
  EXPECT_EQ(exchange_.body(), "");
  for (int i = 0; i < 10; ++i) pass(15s);
  EXPECT_EQ(client.waiting(), 3u) << "one, and no other before it has left";
}

TEST_F(EventStreamTest, WithoutAnEndItIsCut) {
  serve([](Exchange& exchange) -> Task<> {
    EventStream stream(exchange);
    co_await stream.send({.data = "one"});
  });
  EXPECT_EQ(exchange_.body(), "data: one\n\n");
  EXPECT_TRUE(exchange_.body_failed());
}

TEST_F(EventStreamTest, AMistakeInAnEventIsAnException) {
  serve([](Exchange& exchange) -> Task<> {
    EventStream stream(exchange);
    co_await stream.send({.event = "a\nb"});
  });
  EXPECT_NE(exchange_.thrown().find("type of a server-sent event"), std::string::npos);
  exchange_.body();
  EXPECT_TRUE(exchange_.body_failed());
}

TEST_F(EventStreamTest, TheClientLeavesWhileTheHandlerWaits) {
  int locals = 0;
  struct Local {
    explicit Local(int& count) : of(count) { ++of; }
    ~Local() { --of; }
    int& of;
  };
  serve([&](Exchange& exchange) -> Task<> {
    const Local local(locals);
    EventStream stream(exchange);
    co_await stream.send({.data = "one"});
    co_await stream.send({.data = "never taken"});
  });
  EXPECT_EQ(locals, 1);
  exchange_.leave();
  EXPECT_EQ(locals, 0);
  EXPECT_FALSE(exchange_.has_timers());
}

// ---- pushed

TEST_F(EventStreamTest, IsPushedToFromElsewhere) {
  open_event_stream<Viewer>(exchange_, viewers_);
  EXPECT_EQ(exchange_.body(), "");
  ASSERT_TRUE(viewers_.at(0)->push({.data = "one"}));
  EXPECT_EQ(exchange_.times_resumed(), 1);
  ASSERT_TRUE(viewers_.at(0)->push({.data = "two"}));
  EXPECT_EQ(exchange_.times_resumed(), 1) << "asked once until it was read";
  EXPECT_EQ(exchange_.body(), "data: one\n\ndata: two\n\n");
  viewers_.at(0)->end();
  EXPECT_FALSE(viewers_.at(0)->push({.data = "after the end"}));
  EXPECT_EQ(exchange_.body(), "data: one\n\ndata: two\n\n");
  EXPECT_TRUE(exchange_.body_complete());
  exchange_.leave();
  EXPECT_TRUE(viewers_.empty());
}

TEST_F(EventStreamTest, ASlowClientKeepsABoundedNumberOfEvents) {
  Viewer& viewer = open_event_stream<Viewer>(exchange_, viewers_);
  int taken = 0;
  while (viewer.push({.data = "12345678901234567890"})) ++taken;
  EXPECT_EQ(taken, 1000 / 28);
  EXPECT_LE(viewer.waiting(), 1000u);
  EXPECT_EQ(exchange_.body().size(), 28u * static_cast<unsigned>(taken));
  EXPECT_TRUE(viewer.push({.data = "again"}));
}

}  // namespace
}  // namespace holdfast::api
