// Many processes count, die by themselves or are killed, and are folded away while others look: whatever the
// timing, sums are exact and no reader ever sees a counter fall.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <map>
#include <random>
#include <vector>

#include "common/fd.h"
#include "common/stats/stats_reader.h"
#include "common/stats/worker_stats.h"

namespace holdfast::stats {
namespace {

constexpr std::uint32_t kSlots = 4;
constexpr int kLives = 200;

/// What a worker process does: counts `rounds` requests, spread over codes and sites, and ends.
[[noreturn]] void count_and_die(Segment& segment, std::uint32_t seat, unsigned rounds) {
  WorkerStats stats(segment, seat);
  for (unsigned i = 0; i < rounds; ++i) {
    stats
        .cell(Metric::HttpRequests, static_cast<std::uint16_t>(i % 3), 0,
              static_cast<std::uint16_t>(200 + i % 5))
        .add();
    stats.cell(Metric::WorkerRequests).add();
    stats.histogram(Metric::HttpRequestDuration, 1).observe(i * 1000);
  }
  ::_exit(0);
}

/// All counters of a snapshot by key and slot, and the histograms' counts.
std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint64_t> counters_of(const Snapshot& snapshot) {
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint64_t> counters;
  for (const SeriesSum& sum : snapshot.series)
    if (row(sum.key.metric).kind == Kind::Counter) counters[{sum.key.packed(), sum.slot}] = sum.value;
  for (const HistogramSum& sum : snapshot.histograms)
    for (const std::uint64_t count : sum.buckets) counters[{sum.key.packed(), 0}] += count;
  return counters;
}

bool has_fallen(const std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint64_t>& before,
                const std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint64_t>& after) {
  for (const auto& [key, value] : before) {
    const auto now = after.find(key);
    if (value > 0 && (now == after.end() || now->second < value)) return true;
  }
  return false;
}

/// A process that only looks, as fast as it can, until the other end of `stop` is closed; ends with 1 when a
/// counter fell.
pid_t start_watcher(const Segment& segment, int stop, Fd& other_end) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  other_end.reset();
  auto before = counters_of(take_snapshot(segment));
  char byte;
  int falls = 0;
  while (::read(stop, &byte, 1) < 0) {
    auto after = counters_of(take_snapshot(segment));
    falls += has_fallen(before, after) ? 1 : 0;
    before = std::move(after);
  }
  ::_exit(falls > 0 ? 1 : 0);
}

struct Life {
  pid_t pid = 0;
  std::uint32_t seat = 0;
};

class Farm {
 public:
  explicit Farm(Segment& segment) : segment_(segment) {}

  void start(std::uint32_t slot) {
    const std::uint32_t seat = segment_.claim_seat(slot, ++generation_);
    const unsigned rounds = std::uniform_int_distribution<unsigned>(0, 4000)(random_);
    const pid_t pid = ::fork();
    if (pid == 0) count_and_die(segment_, seat, rounds);
    segment_.set_seat_pid(seat, static_cast<std::uint64_t>(pid));
    segment_.set_seat_use(seat, SeatUse::Ready);
    lives_[slot] = {pid, seat};
    if (random_() % 4 == 0) ::kill(pid, SIGKILL);
  }

  /// Waits for one to end, notes what it had counted, and folds it; returns its slot, or kSlots when something
  /// else ended.
  std::uint32_t reap() {
    const pid_t ended = ::waitpid(-1, nullptr, 0);
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      const Life life = lives_[slot];
      if (life.pid != ended) continue;
      lives_[slot] = {};
      expected_ += requests_in(segment_.seat(life.seat).counters);
      segment_.retire_seat(life.seat);
      return slot;
    }
    return kSlots;
  }

  std::uint64_t expected() const { return expected_; }

 private:
  static std::uint64_t requests_in(const SeriesBlock& block) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < block.series_count.load(); ++i)
      if (SeriesKey::unpack(block.series[i].key.load()).metric == Metric::HttpRequests)
        sum += block.series[i].value.load();
    return sum;
  }

  Segment& segment_;
  std::mt19937 random_{42};
  std::uint64_t generation_ = 0;
  std::uint64_t expected_ = 0;
  std::array<Life, kSlots> lives_{};
};

TEST(Folding, IsExactAndNeverSeenToFallWhileWorkersDie) {
  Segment segment = std::move(Segment::create()).value();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const Fd watcher_end(ends[0]);
  Fd stop(ends[1]);
  const pid_t watcher = start_watcher(segment, watcher_end.get(), stop);

  Farm farm(segment);
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) farm.start(slot);
  auto before = counters_of(take_snapshot(segment));
  for (int life = 0; life < kLives; ++life) {
    const std::uint32_t slot = farm.reap();
    ASSERT_LT(slot, kSlots) << "the watcher ended before it was told to";
    auto after = counters_of(take_snapshot(segment));
    EXPECT_FALSE(has_fallen(before, after)) << "after life " << life;
    before = std::move(after);
    if (life + static_cast<int>(kSlots) < kLives) farm.start(slot);
  }

  std::uint64_t counted = 0;
  std::uint64_t by_worker = 0;
  for (const SeriesSum& sum : take_snapshot(segment).series) {
    if (sum.key.metric == Metric::HttpRequests) counted += sum.value;
    if (sum.key.metric == Metric::WorkerRequests) by_worker += sum.value;
  }
  EXPECT_GT(counted, 0u);
  EXPECT_EQ(counted, farm.expected());
  // A worker killed between its two increments has counted one and not the other.
  EXPECT_LE(counted - by_worker, static_cast<std::uint64_t>(kLives));
  EXPECT_TRUE(take_snapshot(segment).processes.empty());

  stop.reset();
  int status = 0;
  ASSERT_EQ(::waitpid(watcher, &status, 0), watcher);
  EXPECT_EQ(status, 0) << "the watcher saw a counter fall";
}

}  // namespace
}  // namespace holdfast::stats
