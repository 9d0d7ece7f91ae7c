// Exchanges and the dispatcher, over an output that writes down what it is asked for.
#include "worker/http/exchange.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "worker/http/dispatcher.h"

namespace holdfast::http {
namespace {

class RecordedOutput final : public ExchangeOutput {
 public:
  void start_response(Exchange&, Response&& response, bool send_body) override {
    statuses.push_back(response.status);
    answer.clear();
    for (const api::Field& field : response.fields) answer.emplace_back(field.name, field.value);
    sends_body = send_body;
    length = response.body.length();
  }
  void body_ready(Exchange&) override { ++ready; }
  void body_wanted(Exchange&) override { ++wanted; }
  void reset(Exchange&) override { ++resets; }
  std::string peer_text() const override { return "192.0.2.9"; }
  std::uint64_t connection_id() const override { return 7; }

  std::string field(std::string_view name) const {
    for (const auto& [key, value] : answer)
      if (key == name) return value;
    return "(none)";
  }

  std::vector<int> statuses;
  std::vector<std::pair<std::string, std::string>> answer;
  bool sends_body = false;
  std::optional<std::uint64_t> length;
  int ready = 0, wanted = 0, resets = 0;
};

class Counted final : public api::ExchangeState {
 public:
  explicit Counted(int& alive) : alive_(alive) { ++alive_; }
  ~Counted() override { --alive_; }

 private:
  int& alive_;
};

TEST(Arena, gives_aligned_memory_beyond_its_inline_block_too) {
  Arena arena;
  std::vector<std::span<std::byte>> blocks;
  for (const std::size_t size : {1u, 17u, 3000u, 100u, 0u, 50'000u, 3u}) {
    blocks.push_back(arena.allocate(size));
    EXPECT_EQ(blocks.back().size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks.back().data()) % 16, 0u);
    std::fill(blocks.back().begin(), blocks.back().end(), static_cast<std::byte>(blocks.size()));
  }
  for (std::size_t i = 0; i < blocks.size(); ++i)
    for (const std::byte byte : blocks[i]) ASSERT_EQ(byte, static_cast<std::byte>(i + 1));
  EXPECT_EQ(arena.copy("text"), "text");
  arena.reset();
  EXPECT_EQ(arena.copy(""), "");
}

class ExchangeTest : public testing::Test {
 protected:
  ExchangeTest() { exchange.begin(output, 0); }
  ~ExchangeTest() override { exchange.end(); }

  TurnClock clock;
  RecordedOutput output;
  Exchange exchange{clock};
};

TEST_F(ExchangeTest, answers_once) {
  exchange.respond({200, {}}, api::Body::copy("x"));
  exchange.respond({404, {}}, api::Body::copy("y"));
  exchange.fail(500);
  EXPECT_EQ(output.statuses, std::vector<int>{200});
  EXPECT_EQ(exchange.account.status, 200);
}

TEST_F(ExchangeTest, a_field_that_would_split_the_response_becomes_a_500_without_it) {
  using namespace std::string_view_literals;
  for (const api::Field& field : {api::Field{"X", "a\r\nb"}, api::Field{"X", "a\nb"}, api::Field{"X", "a\0b"sv},
                                  api::Field{"X Y", "a"}, api::Field{"X:", "a"}, api::Field{"", "a"}}) {
    Exchange own(clock);
    own.begin(output, 0);
    own.respond({200, {&field, 1}}, api::Body::copy("x"));
    EXPECT_EQ(output.statuses.back(), 500) << field.name;
    EXPECT_TRUE(output.answer.empty());
    own.end();
  }
}

TEST_F(ExchangeTest, sends_no_body_for_head_and_for_statuses_without_one) {
  exchange.mutable_request().method = api::Method::Head;
  exchange.respond({200, {}}, api::Body::copy("four"));
  EXPECT_FALSE(output.sends_body);
  EXPECT_EQ(output.length, 4u);
  Exchange other(clock);
  other.begin(output, 0);
  other.respond({304, {}}, api::Body::copy("four"));
  EXPECT_FALSE(output.sends_body);
  other.end();
}

TEST_F(ExchangeTest, asks_for_the_body_only_while_somebody_takes_it) {
  struct Sink final : api::BodySink {
    void on_body(std::span<const std::byte>) override {}
    void on_body_end() override {}
  } sink;
  exchange.grant(10);
  EXPECT_EQ(output.wanted, 0);
  exchange.receive_body(sink, 5);
  EXPECT_EQ(exchange.credit(), 5u);
  exchange.use_credit(5);
  exchange.grant(3);
  EXPECT_EQ(exchange.credit(), 3u);
  EXPECT_EQ(output.wanted, 2);
}

TEST_F(ExchangeTest, destroys_states_at_its_end_and_begins_anew) {
  int alive = 0;
  exchange.attach(std::make_unique<Counted>(alive));
  exchange.attach(std::make_unique<Counted>(alive));
  EXPECT_EQ(exchange.peer_address(), "192.0.2.9");
  exchange.respond({204, {}}, api::Body::none());
  EXPECT_EQ(alive, 2);
  exchange.end();
  EXPECT_EQ(alive, 0);
  exchange.begin(output, 3);
  EXPECT_FALSE(exchange.answered());
  EXPECT_EQ(exchange.state_count(), 0u);
  EXPECT_EQ(exchange.account.status, 0);
  EXPECT_EQ(exchange.account.listener, 3u);
}

class DispatcherTest : public testing::Test {
 protected:
  using Handle = std::function<void(api::Exchange&)>;
  class Scripted final : public api::Handler {
   public:
    explicit Scripted(const Handle& handle) : handle_(handle) {}
    void handle(api::Exchange& exchange) override { handle_(exchange); }

   private:
    const Handle& handle_;
  };

  DispatcherTest() {
    config_.listeners.push_back({"http", {}, {}, {}, {}, {}, {}});
    config::Route route;
    route.path = "/here";
    route.name = "/here";
    route.methods = {"GET", "POST"};
    route.action = config::HelloAction{};
    route.limits.request_body = 100;
    config::Site site;
    site.name = "a";
    site.hosts = {"a"};
    site.listeners = {0};
    site.routes.push_back(route);
    config_.sites.push_back(site);
    HandlerTable handlers(1);
    handlers[0].push_back(std::make_unique<Scripted>(handle));
    dispatcher_.emplace(config_, std::move(handlers), stats_, clock_, nullptr, 0);
  }

  int dispatch(api::Method method, std::string_view path, std::string_view host = "a",
               std::optional<std::uint64_t> length = std::nullopt) {
    Exchange exchange(clock_);
    exchange.begin(output, 0);
    api::Request& request = exchange.mutable_request();
    request.method = method;
    request.method_name = api::method_text(method);
    request.target = request.path = path;
    request.host = host;
    request.content_length = length;
    dispatcher_->dispatch(exchange);
    EXPECT_EQ(exchange.sink(), nullptr);
    dispatcher_->finished(exchange, true);
    exchange.end();
    return output.statuses.empty() ? 0 : output.statuses.back();
  }
  std::uint64_t counted(api::Method method, std::uint16_t code) {
    return stats_.cell(stats::Metric::HttpRequests, 0, static_cast<std::uint16_t>(method), code).get();
  }

  void redirect_to(std::uint16_t port) { config_.listeners[0].https_redirect = port; }

  Handle handle = [](api::Exchange& exchange) { exchange.respond({200, {}}, api::Body::none()); };
  RecordedOutput output;
  config::Config config_;
  stats::Segment segment_ = *stats::Segment::create();
  stats::WorkerStats stats_{segment_, segment_.claim_seat(0, 1)};
  TurnClock clock_;
  std::optional<Dispatcher> dispatcher_;
};

TEST_F(DispatcherTest, finds_the_handler_and_counts_the_request) {
  EXPECT_EQ(dispatch(api::Method::Get, "/here"), 200);
  EXPECT_EQ(counted(api::Method::Get, 200), 1u);
}

TEST_F(DispatcherTest, answers_what_no_route_takes) {
  EXPECT_EQ(dispatch(api::Method::Get, "/gone"), 404);
  EXPECT_EQ(dispatch(api::Method::Get, "/here", "b"), 421);
  EXPECT_EQ(dispatch(api::Method::Other, "/here"), 501);
  EXPECT_EQ(dispatch(api::Method::Put, "/here"), 405);
  EXPECT_NE(output.field("Allow").find("POST"), std::string::npos);
  EXPECT_EQ(dispatch(api::Method::Options, "/here"), 204);
  EXPECT_NE(output.field("Allow").find("GET"), std::string::npos);
  EXPECT_EQ(dispatch(api::Method::Options, "*"), 204);
  EXPECT_EQ(dispatch(api::Method::Options, "/gone"), 404);
}

TEST_F(DispatcherTest, sends_requests_on_to_https_but_for_those_that_get_certificates) {
  redirect_to(443);
  EXPECT_EQ(dispatch(api::Method::Post, "/here"), 308);
  EXPECT_EQ(output.field("Location"), "https://a/here");
  EXPECT_EQ(dispatch(api::Method::Get, "/nowhere"), 308);
  EXPECT_EQ(dispatch(api::Method::Get, "/here", "unknown"), 421) << "no site of ours";
  EXPECT_EQ(dispatch(api::Method::Get, "/.well-known/acme-challenge/token"), 404) << "served";
  redirect_to(8443);
  EXPECT_EQ(dispatch(api::Method::Get, "//elsewhere/x"), 308);
  EXPECT_EQ(output.field("Location"), "https://a:8443//elsewhere/x");
  EXPECT_EQ(counted(api::Method::Get, 308), 2u) << "counted for the site";
}

TEST_F(DispatcherTest, refuses_an_announced_body_above_the_routes_limit_before_its_handler) {
  EXPECT_EQ(dispatch(api::Method::Post, "/here", "a", 100), 200);
  handle = [](api::Exchange&) { ADD_FAILURE() << "called"; };
  EXPECT_EQ(dispatch(api::Method::Post, "/here", "a", 101), 413);
}

TEST_F(DispatcherTest, turns_what_a_handler_throws_into_500_and_lets_its_sink_go) {
  struct Sink final : api::BodySink {
    void on_body(std::span<const std::byte>) override {}
    void on_body_end() override {}
  };
  handle = [](api::Exchange& exchange) {
    Sink sink;
    exchange.receive_body(sink, 10);
    throw std::runtime_error("a text that is long enough to be on the heap and gone with its exception");
  };
  EXPECT_EQ(dispatch(api::Method::Get, "/here"), 500);
  handle = [](api::Exchange&) { throw 42; };
  EXPECT_EQ(dispatch(api::Method::Get, "/here"), 500);
  handle = [](api::Exchange&) {};
  EXPECT_EQ(dispatch(api::Method::Get, "/here"), 500);
  EXPECT_EQ(output.resets, 0);
}

TEST_F(DispatcherTest, resets_an_answer_that_was_begun_before_the_handler_threw) {
  handle = [](api::Exchange& exchange) {
    exchange.respond({200, {}}, api::Body::copy("x"));
    throw std::runtime_error("late");
  };
  dispatch(api::Method::Get, "/here");
  EXPECT_EQ(output.statuses, std::vector<int>{200});
  EXPECT_EQ(output.resets, 1);
}

TEST_F(DispatcherTest, counts_a_client_that_left_before_any_answer_as_499) {
  int alive = 0;
  handle = [&](api::Exchange& exchange) { exchange.attach(std::make_unique<Counted>(alive)); };
  dispatch(api::Method::Get, "/here");
  EXPECT_TRUE(output.statuses.empty());
  EXPECT_EQ(counted(api::Method::Get, 499), 1u);
  EXPECT_EQ(alive, 0);
}

class ScriptedGuard final : public RequestGuard {
 public:
  explicit ScriptedGuard(std::function<Verdict(Exchange&)> admit) : admit_(std::move(admit)) {}
  Verdict admit(Exchange& exchange) const override { return admit_(exchange); }

 private:
  std::function<Verdict(Exchange&)> admit_;
};

class GuardedTest : public DispatcherTest {
 protected:
  void guard(std::vector<std::function<Verdict(Exchange&)>> each) {
    GuardTable table(1);
    table[0].emplace_back();
    for (auto& one : each) table[0][0].push_back(std::make_unique<ScriptedGuard>(std::move(one)));
    dispatcher_->set_guards(std::move(table));
  }
  std::function<Verdict(Exchange&)> says(Verdict verdict) {
    return [this, verdict](Exchange& exchange) {
      ++asked;
      if (verdict == Verdict::Answered) exchange.fail(403);
      return verdict;
    };
  }
  int asked = 0;
};

TEST_F(GuardedTest, a_request_that_all_guards_let_pass_reaches_the_handler) {
  guard({says(Verdict::Pass), says(Verdict::Pass)});
  EXPECT_EQ(dispatch(api::Method::Get, "/here"), 200);
  EXPECT_EQ(asked, 2);
}

TEST_F(GuardedTest, the_first_guard_that_answers_has_the_last_word) {
  handle = [](api::Exchange&) { ADD_FAILURE() << "called"; };
  guard({says(Verdict::Pass), says(Verdict::Answered), says(Verdict::Pass)});
  EXPECT_EQ(dispatch(api::Method::Get, "/here"), 403);
  EXPECT_EQ(asked, 2);
}

TEST_F(GuardedTest, a_guard_that_throws_becomes_a_500) {
  handle = [](api::Exchange&) { ADD_FAILURE() << "called"; };
  guard({[](Exchange&) -> Verdict { throw std::runtime_error("broken"); }});
  EXPECT_EQ(dispatch(api::Method::Get, "/here"), 500);
}

TEST_F(GuardedTest, a_guard_may_let_the_request_pass_later) {
  int handled = 0;
  handle = [&](api::Exchange& exchange) {
    ++handled;
    exchange.respond({204, {}}, api::Body::none());
  };
  guard({says(Verdict::Later), says(Verdict::Pass)});
  Exchange exchange(clock_);
  exchange.begin(output, 0);
  exchange.mutable_request().method_name = "GET";
  exchange.mutable_request().target = exchange.mutable_request().path = "/here";
  exchange.mutable_request().host = "a";
  dispatcher_->dispatch(exchange);
  EXPECT_EQ(handled, 0);
  EXPECT_TRUE(output.statuses.empty());
  exchange.admitted();
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(output.statuses, std::vector<int>{204});
  exchange.end();
}

TEST_F(GuardedTest, what_a_guard_has_left_behind_does_not_speak_for_the_handler) {
  int alive = 0;
  handle = [](api::Exchange&) {};
  guard({[&](Exchange& exchange) {
    exchange.attach(std::make_unique<Counted>(alive));
    return Verdict::Pass;
  }});
  EXPECT_EQ(dispatch(api::Method::Get, "/here"), 500) << "or the client would wait for ever";
}

TEST(TurnClock, keeps_the_fields_of_the_second) {
  TurnClock clock;
  const std::string_view fields = clock.common_fields();
  EXPECT_TRUE(fields.starts_with("Server: holdfast\r\nDate: "));
  EXPECT_TRUE(fields.ends_with(" GMT\r\n"));
  const std::string before(fields);
  const std::time_t second = clock.wall_seconds();
  clock.update(clock.now() + std::chrono::milliseconds(5000));
  EXPECT_GE(clock.wall_seconds(), second);
  EXPECT_LT(clock.wall_milliseconds(), 1000u);
}

}  // namespace
}  // namespace holdfast::http
