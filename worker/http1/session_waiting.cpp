// What a session waits for, how long, and what comes of it when that was too long.
#include <utility>

#include "common/log.h"
#include "worker/http1/session.h"

namespace holdfast::http1 {
namespace {

using stats::BadRequest;

// How long an idle connection of a leaving worker stays readable: a client that is about to send its next
// request must not meet a closed socket. Busy clients need a round trip of theirs; the short window still
// covers that.
constexpr Milliseconds kDrainGrace{5000};
constexpr Milliseconds kShortGrace{500};

}  // namespace

// A route may have its own.
const config::Timeouts& Session::timeouts() const {
  const config::Route* route = active_ ? active_->exchange.account.route : nullptr;
  return route != nullptr ? route->timeouts : factory_.config_.timeouts;
}

const config::Limits& Session::limits() const {
  const config::Route* route = active_ ? active_->exchange.account.route : nullptr;
  return route != nullptr ? route->limits : factory_.config_.limits;
}

void Session::set_deadlines() {
  if (active_) return connection_.set_deadline(body_deadline());
  connection_.set_deadline(head_deadline_ != kNever ? head_deadline_ : connection_.now() + idle_time());
}

// Only bytes of the body move it, and it stands while we are not ready for them.
TimePoint Session::body_deadline() {
  // Whoever has a tunnel keeps its time.
  if (!active_ || active_->framing.body == http::BodyRule::Tunnel) return kNever;
  Patience& patience = active_->patience;
  if (!wants_bytes()) {
    patience.stand(connection_.now());
    return kNever;
  }
  patience.set(timeouts().request_body, limits().request_body_rate);
  patience.run(connection_.now());
  return patience.deadline();
}

// How long the next head may be waited for.
Milliseconds Session::idle_time() const {
  if (connection_.draining()) return connection_.drain_kind() == net::Drain::Soon ? kShortGrace : kDrainGrace;
  return used_ ? factory_.config_.timeouts.keep_alive : factory_.config_.timeouts.request_header;
}

void Session::on_timeout(TimePoint now) {
  if (!active_ && head_deadline_ == kNever) {
    if (last_answer_is_on_its_way()) return set_deadlines();
    return connection_.finish(true);
  }
  if (!active_) {
    log_timeout(BadRequest::HeadTimeout);
    refuse_head(BadRequest::HeadTimeout);
  } else {
    const bool answered = active_->exchange.answered();
    const BadRequest why = active_->patience.trickles(now) ? BadRequest::BodyRate : BadRequest::BodyTimeout;
    log_timeout(why);
    refuse(why);
    if (answered && !active_->response_complete) return connection_.abort();
  }
  settle_exchange();
}

// Slow clients are easily many: the log is told about some, the metrics about all.
void Session::log_timeout(BadRequest why) {
  LogRate& rate = factory_.timeout_lines_;
  if (!log().enabled(LogLevel::Info) || !rate.allow(connection_.now())) return;
  log().info("request timed out",
             {{"reason", stats::label_text(stats::Label::BadRequest, static_cast<std::uint32_t>(why))},
              {"client", connection_.peer().text()},
              {"connection", connection_.id()},
              {"not_told", rate.suppressed()}});
}

// Then the client is not idle: it cannot ask for more before it has the answer. What our own queue holds has
// the write timeout; of what the kernel holds only a client that makes progress, at the least
// rate that is accepted, gets more time.
bool Session::last_answer_is_on_its_way() {
  if (!connection_.output().empty()) return true;
  const std::uint32_t before = std::exchange(unreceived_, connection_.unreceived());
  if (unreceived_ == 0 || before == 0) return unreceived_ > 0;
  const auto milliseconds = static_cast<std::uint64_t>(idle_time().count());
  const std::uint64_t least = factory_.config_.limits.response_rate * milliseconds / 1000;
  return unreceived_ < before && before - unreceived_ >= least;
}

// A client that has ended its side may have meant just that, and is answered (RFC 9112 section 9.6). But where
// a handler of somebody's own keeps it waiting, it has far more likely left, and what the handler does would be
// for nobody: then it is taken for gone.
void Session::on_hang_up() {
  if (!active_ || !active_->body_complete) return;
  const bool waits = !active_->exchange.answered() || active_->source_waits;
  if (waits && active_->exchange.is_of_module()) connection_.abort();
}

void Session::begin_drain(net::Drain how) {
  if (active_ || head_deadline_ != kNever) return;
  connection_.set_deadline(connection_.now() + (how == net::Drain::Soon ? kShortGrace : kDrainGrace));
}

}  // namespace holdfast::http1
