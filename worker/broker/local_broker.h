// Messages between the workers of one host, for one worker: what it publishes reaches all other workers, what
// they publish reaches it. Lives in the worker's loop; takes one lane of the shared memory and one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "common/broadcast/publisher.h"
#include "common/broadcast/reader.h"
#include "common/broadcast/segment.h"
#include "common/result.h"
#include "worker/broker/doorbell_waiter.h"
#include "worker/loop/event_loop.h"

namespace holdfast::broker {

using broadcast::Record;
/// Told in the loop's thread. It may publish from there; it may neither end the broker nor replay.
using BrokerListener = broadcast::Listener;

class LocalBroker final : private DoorbellWaiter::Rung, private loop::Timer {
 public:
  /// Claims a lane for the worker of this seat. When all are taken, or there is no thread to be had, it logs so
  /// and works with less: without a lane nothing can be published, without either it looks for news ten times a
  /// second. `loop` and `segment` outlive it.
  static std::unique_ptr<LocalBroker> open(loop::EventLoop& loop, const broadcast::Segment& segment,
                                           std::uint32_t seat);
  /// What was published in this turn is published still; the lane is given back, and the others learn that this
  /// origin has ended.
  ~LocalBroker();
  LocalBroker(const LocalBroker&) = delete;
  LocalBroker& operator=(const LocalBroker&) = delete;

  /// Once, before listen(): tells what is still there of all that was said, by origins that live or have ended,
  /// the oldest first; behind it the ends of those that are gone. Live delivery goes on exactly behind it.
  void replay(BrokerListener& listener);
  /// Begins live delivery, at the end of this turn at the earliest. What was said before is passed over unless
  /// it was replayed. `listener` outlives the broker.
  void listen(BrokerListener& listener);

  /// To all other workers. It is there for them at once; those that sleep are woken at the end of this turn.
  /// False when this worker has no lane or the payload is larger than broadcast::kMostPayload. The bytes are
  /// copied.
  bool publish(std::span<const std::byte> payload);
  /// As others see this worker; empty when it has no lane.
  std::optional<broadcast::Origin> origin() const;

  /// What is told in one turn at most; the rest waits for the next, so that clients get their turn.
  static constexpr broadcast::Reader::Budget kTurn{1024, 1024 * 1024};
  /// How often a worker looks for news that nobody can wake.
  static constexpr Milliseconds kLookEvery{100};

 private:
  /// End of turn: others are woken.
  struct Outbox final : loop::Deferred {
    explicit Outbox(LocalBroker& of) : broker(of) {}
    void on_deferred() override { broker.send(); }
    LocalBroker& broker;
  };
  /// End of turn: once in each in which something was rung for, or that follows one with more than it takes.
  struct Intake final : loop::Deferred {
    explicit Intake(LocalBroker& of) : broker(of) {}
    void on_deferred() override { broker.read(); }
    LocalBroker& broker;
  };

  LocalBroker(loop::EventLoop& loop, const broadcast::Segment& segment, std::uint32_t seat);
  void start_waiter(const broadcast::Segment& segment);
  void send();
  void read();
  void on_rung() override;
  void on_timer(TimePoint now) override;

  loop::EventLoop& loop_;
  std::optional<broadcast::Publisher> publisher_;
  broadcast::Reader reader_;
  std::optional<broadcast::Doorbell> bell_;  // empty: nobody wakes this worker
  std::unique_ptr<DoorbellWaiter> waiter_;
  BrokerListener* listener_ = nullptr;
  std::size_t unrung_ = 0;  // bytes that were published since the others were woken
  bool replayed_ = false;
  Outbox outbox_{*this};
  Intake intake_{*this};
};

}  // namespace holdfast::broker
