// The dashboard's stream, with a clock and exchanges of the test's own.
#include "worker/admin/feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/support/fake_exchange.h"
#include "tests/support/json_value.h"
#include "tests/unit/worker/admin/sample_segment.h"

namespace holdfast::admin {
namespace {

using namespace std::chrono_literals;
using support::FakeExchange;
using support::JsonValue;
using ::testing::HasSubstr;
using ::testing::Not;

/// Rings when the test says so.
class Bell final : public http::TimerService {
 public:
  std::unique_ptr<api::TimerHold> start(TimePoint /*when*/, api::TimerListener& listener) override {
    listener_ = &listener;
    return std::make_unique<Hold>(*this, &listener);
  }
  bool rung() {
    if (listener_ == nullptr) return false;
    std::exchange(listener_, nullptr)->on_timer();
    return true;
  }

 private:
  struct Hold final : api::TimerHold {
    Hold(Bell& owner, api::TimerListener* of) : bell(owner), listener(of) { ++bell.holds_; }
    // The next timer is started before the hold of the last one goes.
    ~Hold() override {
      if (--bell.holds_ == 0) bell.listener_ = nullptr;
    }
    Bell& bell;
    api::TimerListener* listener;
  };
  api::TimerListener* listener_ = nullptr;
  int holds_ = 0;
};

struct Event {
  std::string name;
  JsonValue data;
};

std::vector<Event> events_of(std::string_view text) {
  std::vector<Event> events;
  std::string name;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with("event: ")) name = line.substr(7);
    if (line.starts_with("data: ")) events.push_back({name, JsonValue::parse(line.substr(6)).value()});
  }
  return events;
}

class FeedTest : public ::testing::Test {
 protected:
  FeedTest() {
    config.admin.bind = Endpoint::parse("127.0.0.1:9180").value();
    config.listeners.push_back({"http", Endpoint::parse("0.0.0.0:80").value(), {}, {}, {}, {}, {}});
  }

  SampleSegment sample;
  config::Config config;
  Bell bell;
  std::unique_ptr<Feed> feed = std::make_unique<Feed>(sample.segment, config, bell);
};

TEST_F(FeedTest, LooksOnceARingWhetherSomebodyListensOrNot) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bell.rung());
  EXPECT_EQ(stats::read_totals(sample.segment.history()).size(), 3u);
}

TEST_F(FeedTest, TellsANewPageAllAndThenWhatIsNew) {
  bell.rung();
  sample.count(sample.first, sample.site, 200, 5);
  bell.rung();
  FakeExchange exchange("GET", "/events");
  feed->serve(exchange);
  EXPECT_EQ(exchange.field("Content-Type"), "text/event-stream");
  std::vector<Event> events = events_of(exchange.body());
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].name, "facts");
  EXPECT_EQ(events[0].data["release"].text(), "0.1.0");
  EXPECT_EQ(events[0].data["listeners"].items()[0]["bind"].text(), "0.0.0.0:80");
  EXPECT_EQ(events[1].name, "history");
  ASSERT_EQ(events[1].data.items().size(), 1u);
  EXPECT_EQ(events[1].data.items()[0].items()[2].number(), 5);
  EXPECT_EQ(events[2].name, "now");
  EXPECT_EQ(events[2].data["totals"]["requests"].number(), 5);

  sample.count(sample.second, sample.site, 500, 2);
  bell.rung();
  events = events_of(exchange.body());
  const Event& last = events.back();
  EXPECT_EQ(last.name, "now");
  EXPECT_EQ(last.data["second"].items().size(), 11u);
  EXPECT_EQ(last.data["minute"].items()[4].number(), 2);
  EXPECT_EQ(last.data["minute"].items()[2].number(), 7);
  EXPECT_EQ(last.data["processes"].items().size(), 3u);

  FakeExchange later("GET", "/events");
  feed->serve(later);
  const JsonValue history = events_of(later.body()).at(1).data;
  ASSERT_EQ(history.items().size(), 2u);
  EXPECT_EQ(history.items()[1].items()[2].number(), 2) << "each row tells what happened since the one before";
}

TEST_F(FeedTest, TellsFactsAgainOnlyWhenTheyHaveChanged) {
  FakeExchange exchange("GET", "/events");
  feed->serve(exchange);
  const auto times = [&] { return std::ranges::count(events_of(exchange.body()), "facts", &Event::name); };
  bell.rung();
  const auto before = times();
  bell.rung();
  bell.rung();
  EXPECT_EQ(times(), before);
  sample.segment.note_reload(WallTime(1'800'000'000s), false, "a.yaml:3:1: <b>bad</b>\nsecond");
  bell.rung();
  EXPECT_EQ(times(), before + 1);
  const std::vector<Event> events = events_of(exchange.body());
  const Event& facts = events[events.size() - 2];
  EXPECT_EQ(facts.data["reloads"].items().back()["message"].text(), "a.yaml:3:1: <b>bad</b>\nsecond");
}

TEST_F(FeedTest, TellsDeathsWithoutTheirBacktraces) {
  stats::Death death;
  death.slot = stats::kAdminSlot;
  death.signaled = 1;
  death.number = 11;
  death.request = "GET /</script>\r\nevent: x";
  death.backtrace = "libc.so.6+0x1234";
  stats::note_death(sample.segment.deaths(), death);
  FakeExchange exchange("GET", "/events");
  feed->serve(exchange);
  const std::vector<Event> events = events_of(exchange.body());
  ASSERT_EQ(events.size(), 3u) << "what a request says makes no event";
  const JsonValue& told = events[0].data["deaths"].items().at(0);
  EXPECT_EQ(told["signal"].number(), 11);
  EXPECT_EQ(told["slot"].kind(), JsonValue::Kind::Null) << "the admin process";
  EXPECT_EQ(told["request"].text(), death.request);
  EXPECT_THAT(exchange.body(), Not(HasSubstr("libc.so.6")));
}

TEST_F(FeedTest, EndsASlowPageInsteadOfKeepingMoreForIt) {
  FakeExchange exchange("GET", "/events");
  exchange.set_room(0);
  feed->serve(exchange);
  for (int i = 0; i < 2000; ++i) bell.rung();
  exchange.set_room(64 * 1024);
  EXPECT_LE(exchange.body().size(), Feed::kMostWaiting);
  EXPECT_TRUE(exchange.body_complete());
}

TEST_F(FeedTest, ServesSoManyPagesAndForgetsThoseThatLeave) {
  std::vector<std::unique_ptr<FakeExchange>> pages;
  for (std::size_t i = 0; i < Feed::kMostPages; ++i) {
    pages.push_back(std::make_unique<FakeExchange>("GET", "/events"));
    feed->serve(*pages.back());
    EXPECT_EQ(pages.back()->status(), 200);
  }
  FakeExchange refused("GET", "/events");
  feed->serve(refused);
  EXPECT_EQ(refused.status(), 503);
  EXPECT_EQ(refused.field("Retry-After"), "10");
  pages.pop_back();
  FakeExchange taken("GET", "/events");
  feed->serve(taken);
  EXPECT_EQ(taken.status(), 200);
}

TEST_F(FeedTest, EndsAllStreamsWhenTheProcessLeaves) {
  FakeExchange exchange("GET", "/events");
  feed->serve(exchange);
  EXPECT_FALSE(exchange.body_complete());
  feed->end();
  EXPECT_THAT(exchange.body(), ::testing::EndsWith("retry: 100\n\n"));
  EXPECT_TRUE(exchange.body_complete());
  EXPECT_FALSE(bell.rung()) << "it looks no more";
  FakeExchange late("GET", "/events");
  feed->serve(late);
  EXPECT_EQ(late.status(), 200) << "a browser does not come again after an error";
  EXPECT_EQ(late.body(), "retry: 100\n\n");
  EXPECT_TRUE(late.body_complete());
}

}  // namespace
}  // namespace holdfast::admin
