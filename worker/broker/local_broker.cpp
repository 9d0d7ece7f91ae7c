#include "worker/broker/local_broker.h"

#include <utility>

#include "common/log.h"

namespace holdfast::broker {

using broadcast::Doorbell;
using broadcast::Publisher;

LocalBroker::LocalBroker(loop::EventLoop& loop, const broadcast::Segment& segment, std::uint32_t seat)
    : loop_(loop),
      publisher_(Publisher::claim(segment, seat)),
      reader_(segment, publisher_ ? publisher_->lane() : static_cast<std::uint32_t>(broadcast::kLanes)) {}

std::unique_ptr<LocalBroker> LocalBroker::open(loop::EventLoop& loop, const broadcast::Segment& segment,
                                               std::uint32_t seat) {
  std::unique_ptr<LocalBroker> broker(new LocalBroker(loop, segment, seat));
  broker->start_waiter(segment);
  return broker;
}

LocalBroker::~LocalBroker() {
  loop_.timers().cancel(*this);
  if (bell_) bell_->disarm();
  send();
}

void LocalBroker::start_waiter(const broadcast::Segment& segment) {
  if (!publisher_) {
    log().warning("worker cannot send messages to the others",
                  {{"problem",
                    "all lanes of the shared memory are taken; what its clients say reaches clients "
                    "of this worker alone. Lower process.workers, or wait until old workers have left"},
                   {"lanes", broadcast::kLanes}});
    return;
  }
  const Doorbell bell(segment.lane(publisher_->lane()).head.bell);
  Result<std::unique_ptr<DoorbellWaiter>> waiter = DoorbellWaiter::start(loop_, bell, *this);
  if (!waiter) {
    log().warning("worker looks for messages of the others ten times a second",
                  {{"problem", waiter.error().message()}});
    return;
  }
  waiter_ = std::move(*waiter);
  bell_ = bell;
}

std::optional<broadcast::Origin> LocalBroker::origin() const {
  if (!publisher_) return std::nullopt;
  return publisher_->origin();
}

void LocalBroker::replay(BrokerListener& listener) {
  reader_.replay(listener);
  replayed_ = true;
}

void LocalBroker::listen(BrokerListener& listener) {
  if (!replayed_) reader_.skip_history();
  listener_ = &listener;
  loop_.defer(intake_);
}

bool LocalBroker::publish(std::span<const std::byte> payload) {
  if (!publisher_) return false;
  if (!publisher_->stage(payload, std::chrono::system_clock::now())) return false;
  // Said is said, also when this process dies before the turn ends. Only the waking is put off.
  publisher_->publish();
  unrung_ += payload.size();
  // So much at once would run over readers that sleep until the end of the turn.
  if (unrung_ > Publisher::kMostStaged) send();
  loop_.defer(outbox_);
  return true;
}

void LocalBroker::send() {
  if (!publisher_ || unrung_ == 0) return;
  unrung_ = 0;
  publisher_->wake_others();
}

// While there is something to read the bell is not armed, so that nobody rings for what is read anyway.
void LocalBroker::read() {
  if (reader_.read(*listener_, kTurn)) return loop_.defer(intake_);
  if (!bell_) return loop_.timers().arm(*this, loop_.now() + kLookEvery);
  bell_->arm();
  // What came before the bell was armed, nobody rings for.
  if (!reader_.has_news()) return;
  bell_->disarm();
  loop_.defer(intake_);
}

// Not at once: there may be a backlog that is read in this turn already, and a turn is to take one budget.
void LocalBroker::on_rung() {
  if (listener_ != nullptr) loop_.defer(intake_);
}

void LocalBroker::on_timer(TimePoint /*now*/) {
  loop_.defer(intake_);
}

}  // namespace holdfast::broker
