// A session on a real event loop, connection and dispatcher, over a scripted transport and with handlers that
// are written in the test. One connection a harness unless connect() is called again.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/scripted_transport.h"
#include "worker/http1/session.h"
#include "worker/net/connection_table.h"

namespace holdfast::http1 {

using namespace std::chrono_literals;

class SessionHarness final : private loop::TurnHook {
 public:
  using Handle = std::function<void(api::Exchange&)>;

  explicit SessionHarness(Handle handle, const std::function<void(config::Config&)>& adjust = {}) {
    configure();
    if (adjust) adjust(config_);
    http::HandlerTable handlers(1);
    handlers[0].push_back(std::make_unique<Scripted>(std::move(handle)));
    stats_.emplace(segment_, segment_.claim_seat(0, 1));
    dispatcher_.emplace(config_, std::move(handlers), *stats_, clock_, nullptr, 0);
    factory_.emplace(config_, *dispatcher_, clock_);
    context_.factory = &*factory_;
    context_.handshake_timeout = 1000ms;
    context_.accepted = stats_->cell(stats::Metric::ConnectionsAccepted);
    for (std::uint16_t state = 0; state < std::size(context_.by_state); ++state)
      context_.by_state[state] = stats_->cell(stats::Metric::Connections, 0, state);
    table_.emplace(*loop_, *stats_, net::ConnectionTable::Limits{1000, 0});
    loop_->set_hook(*this);
    connect();
  }

  /// Another connection; peer is its other end from now on.
  void connect() {
    std::erase_if(peers_, [](const auto& old) { return old->closed(); });
    peers_.push_back(std::make_unique<support::ScriptedPeer>());
    peer = peers_.back().get();
    table_->add(context_, std::make_unique<support::ScriptedTransport>(*peer), net::PeerAddress{});
    turn();
  }

  /// Connections from now on speak what `factory` makes, which outlives them.
  void speak(net::ProtocolFactory& factory) { context_.factory = &factory; }
  http::Dispatcher& dispatcher() { return *dispatcher_; }
  const http::TurnClock& clock() const { return clock_; }
  stats::WorkerStats& stats() { return *stats_; }

  /// A few turns that do not wait.
  void turn(int turns = 8) {
    for (int i = 0; i < turns; ++i) {
      loop_->defer(nudge_);
      loop_->turn();
    }
  }
  /// Lets the loop wait as it likes for about that long; answers how many turns it took.
  int turns_within(Milliseconds time) {
    bool over = false;
    Alarm alarm(over);
    loop_->timers().arm(alarm, Clock::now() + time);
    int turns = 0;
    while (!over) {
      loop_->turn();
      ++turns;
    }
    return turns;
  }

  /// Sends and answers what came back until nothing moves.
  std::string exchange(std::string_view bytes) {
    peer->send(bytes);
    turn();
    return peer->take_received();
  }

  std::uint64_t requests(api::Method method, std::uint16_t code) {
    return stats_->cell(stats::Metric::HttpRequests, 0, static_cast<std::uint16_t>(method), code).get();
  }
  std::uint64_t all_requests() { return stats_->cell(stats::Metric::WorkerRequests).get(); }
  std::uint64_t bad_requests(stats::BadRequest why) {
    return stats_->cell(stats::Metric::HttpBadRequests, static_cast<std::uint16_t>(why)).get();
  }
  std::uint64_t resets(stats::ResetReason why) {
    return stats_->cell(stats::Metric::ConnectionsReset, static_cast<std::uint16_t>(why)).get();
  }
  std::uint64_t in_state(stats::ConnectionState state) {
    return context_.by_state[static_cast<std::size_t>(state)].get();
  }

  net::ConnectionTable& table() { return *table_; }
  loop::EventLoop& loop() { return *loop_; }
  config::Config& config() { return config_; }

  support::ScriptedPeer* peer = nullptr;
  int handled = 0;

 private:
  class Scripted final : public api::Handler {
   public:
    explicit Scripted(Handle handle) : handle_(std::move(handle)) {}
    void handle(api::Exchange& exchange) override { handle_(exchange); }

   private:
    Handle handle_;
  };
  class Nudge final : public loop::Deferred {
    void on_deferred() override {}
  };
  class Alarm final : public loop::Timer {
   public:
    explicit Alarm(bool& over) : over_(over) {}

   private:
    void on_timer(TimePoint /*now*/) override { over_ = true; }
    bool& over_;
  };

  void configure() {
    config_.limits = {1000, 0, 200, 1000, 10, 100'000, 0, 0};
    config_.timeouts = {10s, 10s, 10s, 10s, 10s};
    config_.listeners.push_back({"http", {}, {}, {}, {}, {}, {}});
    config::Route route;
    route.path = "/*";
    route.name = route.path;
    route.methods = {"GET", "HEAD", "POST"};
    route.action = config::HelloAction{};
    route.limits = config_.limits;
    route.timeouts = config_.timeouts;
    config::Site site;
    site.name = "default";
    site.listeners = {0};
    site.routes.push_back(std::move(route));
    config_.sites.push_back(std::move(site));
  }
  void on_turn_start(TimePoint now) override { clock_.update(now); }
  void on_turn_end(TimePoint /*started*/) override { table_->destroy_closed(); }

  config::Config config_;
  std::unique_ptr<loop::EventLoop> loop_ = *loop::EventLoop::create();
  stats::Segment segment_ = *stats::Segment::create();
  http::TurnClock clock_;
  std::optional<stats::WorkerStats> stats_;
  std::optional<http::Dispatcher> dispatcher_;
  std::optional<SessionFactory> factory_;
  net::ListenerContext context_;
  std::vector<std::unique_ptr<support::ScriptedPeer>> peers_;
  Nudge nudge_;
  std::optional<net::ConnectionTable> table_;
};

/// Makes handlers' bodies: a source that gives a text in parts, and counts.
class TextSource final : public api::ExchangeState, public api::BodySource {
 public:
  TextSource(std::string text, std::size_t part, int* alive = nullptr)
      : text_(std::move(text)), part_(part), alive_(alive) {
    if (alive_ != nullptr) ++*alive_;
  }
  ~TextSource() override {
    if (alive_ != nullptr) --*alive_;
  }
  api::Pulled read(std::span<std::byte> room) override {
    const std::size_t size = std::min({room.size(), part_, text_.size() - at_});
    std::memcpy(room.data(), text_.data() + at_, size);
    at_ += size;
    return {size, at_ == text_.size() ? api::Pull::End : api::Pull::More};
  }

 private:
  std::string text_;
  std::size_t part_;
  std::size_t at_ = 0;
  int* alive_;
};

/// The status lines of a stretch of output, in order.
inline std::vector<int> statuses(std::string_view output) {
  std::vector<int> found;
  for (std::size_t at = output.find("HTTP/1.1 "); at != std::string_view::npos;
       at = output.find("HTTP/1.1 ", at + 1))
    found.push_back(std::stoi(std::string(output.substr(at + 9, 3))));
  return found;
}

}  // namespace holdfast::http1
