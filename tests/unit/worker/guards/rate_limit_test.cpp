#include "worker/guards/rate_limit.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "worker/guards/registry.h"
#include "worker/http/exchange.h"

namespace holdfast::guards {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class Output final : public http::ExchangeOutput {
 public:
  void start_response(http::Exchange&, http::Response&& response, bool /*send_body*/) override {
    status = response.status;
    for (const api::Field& field : response.fields)
      if (field.name == "Retry-After") retry_after = field.value;
  }
  void body_ready(http::Exchange&) override {}
  void body_wanted(http::Exchange&) override {}
  void reset(http::Exchange&) override {}
  std::string peer_text() const override { return peer; }
  std::uint64_t connection_id() const override { return 1; }

  std::string peer;
  int status = 0;
  std::string retry_after;
};

class RateLimitTest : public testing::Test {
 protected:
  RateLimitTest() { segment_.intern_site("shop"); }

  // The configuration of one site with one route, as a reload would bring it.
  void configure(const config::RateLimit& limit, const std::string& route = "/x") {
    config_ = {};
    config_.sites.emplace_back();
    config_.sites[0].name = "shop";
    config_.sites[0].routes.emplace_back();
    config_.sites[0].routes[0].name = route;
    config_.sites[0].routes[0].policies.rate_limit = limit;
    http::GuardTable table = *make_guards(config_, {stats_, &limits_, nullptr, &lines_});
    ASSERT_EQ(table[0][0].size(), 1u);
    guard_ = std::move(table[0][0][0]);
  }
  // 0: passed; else the status of the answer.
  int ask(const std::string& peer, const std::string& key = {}) {
    clock_.update(now_);
    Output output;
    output.peer = peer;
    http::Exchange exchange(clock_);
    exchange.begin(output, 0);
    const api::Field field{"x-api-key", key};
    if (!key.empty()) exchange.mutable_request().fields = {&field, 1};
    const http::Verdict verdict = guard_->admit(exchange);
    EXPECT_EQ(verdict == http::Verdict::Answered, output.status != 0);
    retry_after_ = output.retry_after;
    exchange.end();
    return output.status;
  }

  stats::Segment segment_ = *stats::Segment::create();
  stats::WorkerStats stats_{segment_, segment_.claim_seat(0, 1)};
  limits::SharedLimits limits_ = *limits::SharedLimits::create();
  LogRate lines_{1, Milliseconds(10'000)};
  config::Config config_;
  std::unique_ptr<http::RequestGuard> guard_;
  http::TurnClock clock_;
  TimePoint now_ = Clock::now() + 10s;
  std::string retry_after_;
};

const config::RateLimit kTwoASecond{2, Milliseconds(1000), 2, config::RateKey::Address};

TEST_F(RateLimitTest, refuses_what_is_too_much_with_429_and_tells_when_to_come_back) {
  configure(kTwoASecond);
  EXPECT_EQ(ask("192.0.2.1"), 0);
  EXPECT_EQ(ask("192.0.2.1"), 0);
  EXPECT_EQ(ask("192.0.2.1"), 429);
  EXPECT_EQ(retry_after_, "1");
  EXPECT_EQ(stats_.cell(stats::Metric::HttpRateLimited, segment_.site_index("shop")).get(), 1u);
  EXPECT_EQ(ask("192.0.2.2"), 0) << "another client";
  now_ += 500ms;
  EXPECT_EQ(ask("192.0.2.1"), 0);
  EXPECT_EQ(ask("192.0.2.1"), 429);
}

TEST_F(RateLimitTest, tells_whole_seconds_rounded_up) {
  configure({1, Milliseconds(60'000), 1, config::RateKey::Address});
  EXPECT_EQ(ask("192.0.2.1"), 0);
  now_ += 500ms;
  EXPECT_EQ(ask("192.0.2.1"), 429);
  EXPECT_EQ(retry_after_, "60");
}

TEST_F(RateLimitTest, takes_the_64_of_ipv6_for_one_client) {
  configure(kTwoASecond);
  EXPECT_EQ(ask("2001:db8::1"), 0);
  EXPECT_EQ(ask("2001:db8::2"), 0);
  EXPECT_EQ(ask("2001:db8::3"), 429);
  EXPECT_EQ(ask("2001:db8:0:1::1"), 0);
}

TEST_F(RateLimitTest, by_a_header_counts_its_values_and_without_it_addresses) {
  configure({1, Milliseconds(1000), 1, config::RateKey::Header, "X-Api-Key"});
  EXPECT_EQ(ask("192.0.2.1", "alice"), 0);
  EXPECT_EQ(ask("192.0.2.2", "alice"), 429);
  EXPECT_EQ(ask("192.0.2.1", "bob"), 0);
  EXPECT_EQ(ask("192.0.2.1"), 0);
  EXPECT_EQ(ask("192.0.2.1"), 429);
  EXPECT_EQ(ask("192.0.2.2"), 0);
}

TEST_F(RateLimitTest, of_all_clients_together_is_one_allowance) {
  configure({2, Milliseconds(1000), 2, config::RateKey::All});
  EXPECT_EQ(ask("192.0.2.1"), 0);
  EXPECT_EQ(ask("192.0.2.2"), 0);
  EXPECT_EQ(ask("192.0.2.3"), 429);
}

TEST_F(RateLimitTest, survives_a_reload_and_begins_anew_with_other_settings) {
  configure(kTwoASecond);
  ask("192.0.2.1");
  ask("192.0.2.1");
  configure(kTwoASecond);
  EXPECT_EQ(ask("192.0.2.1"), 429);
  configure(kTwoASecond, "/other");
  EXPECT_EQ(ask("192.0.2.1"), 0);
  config::RateLimit changed = kTwoASecond;
  changed.burst = 3;
  configure(changed);
  EXPECT_EQ(ask("192.0.2.1"), 0);
}

TEST_F(RateLimitTest, is_left_out_where_nothing_is_served) {
  configure(kTwoASecond);
  EXPECT_TRUE((*make_guards(config_, {stats_}))[0][0].empty());
}

}  // namespace
}  // namespace holdfast::guards
