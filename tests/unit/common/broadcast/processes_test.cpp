// Workers as processes: they publish and listen, sleep and are woken, and are killed at any instruction.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "common/broadcast/doorbell.h"
#include "common/broadcast/publisher.h"
#include "common/broadcast/reader.h"
#include "tests/unit/common/broadcast/spoken_record.h"

namespace holdfast::broadcast {
namespace {

constexpr Reader::Budget kTurn{200, 100'000};
constexpr unsigned kDeadline = 30;  // seconds, for a process that hangs
constexpr std::uint32_t kSeats = 8;
constexpr std::uint32_t kWitnessSeat = kSeats;  // publishes nothing and is never killed
constexpr int kLives = 6;                       // of each seat, one after the other; the last is not cut short
constexpr std::uint64_t kRecords = 400;         // of a whole life
constexpr std::uint64_t kMostUnread = 150;      // records: less than a ring of the largest that is said here
constexpr std::size_t kMostLength = 2500;       // bytes
static_assert(kMostUnread * RecordHeader::words_for(kMostLength) + 2 * RecordHeader::words_for(kMostPayload) <
              kRingWords);

/// What the processes of the test tell each other beside what is tested.
struct Ledger {
  /// By incarnation: records that were published for certain.
  std::array<std::atomic<std::uint64_t>, 4096> published{};
  /// By seat and lane: the number of the next record that the living process of the seat waits for. Writers
  /// hold back while somebody is too far behind, so that nothing is ever lost here.
  std::array<std::array<std::atomic<std::uint64_t>, kLanes>, kSeats + 1> heard{};
  std::array<std::atomic<bool>, kSeats + 1> listening{};
  std::atomic<std::uint32_t> finished{0};
};

template <class T>
struct Shared {
  Shared()
      : at(new (mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) T()) {}
  ~Shared() { munmap(at, sizeof(T)); }
  T* operator->() const { return at; }
  T* at;
};

[[noreturn]] void give_up(const char* what) {
  (void)!write(STDERR_FILENO, what, std::strlen(what));
  (void)!write(STDERR_FILENO, "\n", 1);
  _exit(1);
}

/// Checks all that it is told against the rules: whole, in order, none missing, none twice, no end too early.
class Witness final : public Listener {
 public:
  explicit Witness(Ledger& ledger) : ledger_(ledger) {}

  void on_record(const Record& record) override {
    const std::uint64_t number = number_of(record.payload);
    if (number == ~std::uint64_t{0}) give_up("a record is not whole");
    if (ended_.contains(record.origin)) give_up("a record comes behind the end of its origin");
    const auto [known, first] = next_.try_emplace(record.origin, number);
    if (std::exchange(lost_, false)) known->second = std::max(known->second, number);
    // Of what was said before a newcomer was born the oldest records may have been overwritten.
    if (first && live_ && number != 0) give_up("the first record of an origin is missing");
    if (!first && known->second != number) give_up("a record is missing, told twice or out of order");
    known->second = number + 1;
    sequence_[record.origin.lane] = record.sequence + 1;
  }
  void on_origin_gone(const Origin& origin) override {
    if (!ended_.insert({origin, true}).second) give_up("an end is told twice");
    const auto known = next_.find(origin);
    if (known != next_.end() && known->second < ledger_.published[origin.incarnation].load())
      give_up("an end is told before the last records of the origin");
  }
  // Writers that had not seen yet that a newcomer was born may overwrite the oldest of what is replayed to it.
  void on_lost(std::uint64_t) override {
    if (live_) give_up("something was lost though all keep step");
    lost_ = true;
  }

  void note(std::uint32_t seat) const {
    for (const auto& [lane, sequence] : sequence_) ledger_.heard[seat][lane].store(sequence);
  }
  void go_live() { live_ = true; }
  std::uint64_t next_sequence(std::uint32_t lane) const {
    const auto known = sequence_.find(lane);
    return known == sequence_.end() ? 0 : known->second;
  }
  /// At the end of a run: everything that was published for certain has been told, and every end.
  void expect_all_told() const {
    std::size_t whole = 0;
    std::map<std::uint64_t, std::uint64_t> told;
    for (const auto& [origin, next] : next_) {
      told[origin.incarnation] = next;
      if (next == kRecords) ++whole;
      if (next < kRecords && !ended_.contains(origin)) give_up("the end of a killed origin was not told");
    }
    for (std::uint64_t incarnation = 0; incarnation < ledger_.published.size(); ++incarnation)
      if (told[incarnation] < ledger_.published[incarnation].load()) give_up("records were not told");
    if (whole < kSeats) give_up("somebody lived and was not heard to the end");
  }

 private:
  Ledger& ledger_;
  bool live_ = false;
  bool lost_ = false;
  std::map<Origin, std::uint64_t> next_;
  std::map<Origin, bool> ended_;
  std::map<std::uint32_t, std::uint64_t> sequence_;  // by lane
};

/// One worker: publishes its records, hears the others, ends when all whole lives have published theirs; or is
/// killed.
class Life {
 public:
  Life(const Segment& segment, Ledger& ledger, std::uint32_t seat, std::uint64_t seed)
      : segment_(segment),
        ledger_(ledger),
        seat_(seat),
        random_(seed),
        witness_(ledger),
        publisher_(Publisher::claim(segment, seat)) {
    if (!publisher_) give_up("there is no lane");
    reader_.emplace(segment, lane());
    reader_->replay(witness_);
    witness_.go_live();
    witness_.note(seat_);
    first_sequence_ = witness_.next_sequence(lane());
  }

  /// Another thread kills the process, so that any instruction of this one may be the last.
  void be_killed() {
    reaper_ = std::thread([this, after = random_() % kRecords, spins = random_() % 20'000] {
      while (published_.load() < after) std::this_thread::yield();
      for (std::uint64_t i = 0; i < spins; ++i) spun_ = i;
      kill(getpid(), SIGKILL);
    });
  }

  void talk() {
    while (published_ < kRecords) {
      if (others_keep_step())
        say(std::min<std::uint64_t>(1 + random_() % 6, kRecords - published_));
      else
        std::this_thread::yield();
      listen();
    }
    if (reaper_.joinable()) reaper_.join();
    ledger_.finished.fetch_add(1);
    segment_.wake_others(kLanes);
  }

  void hear_the_rest() {
    while (ledger_.finished.load() < kSeats) rest();
    listen();
  }
  const Witness& witness() const { return witness_; }

 private:
  std::uint32_t lane() const { return publisher_->lane(); }

  void say(std::uint64_t batch) {
    const std::uint64_t number = published_;
    for (std::uint64_t i = 0; i < batch; ++i) {
      const std::size_t length = kNumberBytes + random_() % (kMostLength - kNumberBytes);
      if (!publisher_->stage(payload_of(number + i, length), std::chrono::system_clock::now()))
        give_up("a record is refused");
    }
    publisher_->publish();
    ledger_.published[publisher_->origin().incarnation].store(number + batch);
    publisher_->wake_others();
    published_.store(number + batch);
  }

  bool others_keep_step() const {
    const std::uint64_t next = first_sequence_ + published_;
    for (std::uint32_t seat = 0; seat <= kSeats; ++seat) {
      if (seat == seat_ || !ledger_.listening[seat].load()) continue;
      if (next > ledger_.heard[seat][lane()].load() + kMostUnread) return false;
    }
    return true;
  }

  void listen() {
    while (reader_->read(witness_, kTurn)) witness_.note(seat_);
    witness_.note(seat_);
  }

  void rest() {
    listen();
    Doorbell bell(segment_.lane(lane()).head.bell);
    bell.arm();
    if (reader_->has_news() || ledger_.finished.load() == kSeats) return bell.disarm();
    const std::uint32_t value = bell.value();
    if (value % 2 == 1) bell.wait(value);
  }

  const Segment& segment_;
  Ledger& ledger_;
  std::uint32_t seat_;
  std::mt19937_64 random_;
  Witness witness_;
  std::optional<Publisher> publisher_;
  std::optional<Reader> reader_;
  std::uint64_t first_sequence_ = 0;
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> spun_{0};
  std::thread reaper_;
};

/// The master: begins lives, buries the dead and begins the next of the seat.
class Workers {
 public:
  explicit Workers(std::uint64_t seed) : random_(seed) {}

  void run() {
    begin(kWitnessSeat, false);
    for (std::uint32_t seat = 0; seat < kSeats; ++seat) begin(seat, true);
    while (!living_.empty()) bury();
  }

 private:
  void begin(std::uint32_t seat, bool killed) {
    ++lives_[seat];
    for (auto& lane : ledger_->heard[seat]) lane.store(0);
    ledger_->listening[seat].store(true);
    const std::uint64_t seed = random_();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(kDeadline);
      Life life(segment_, *ledger_.at, seat, seed);
      if (killed) life.be_killed();
      if (seat != kWitnessSeat) life.talk();
      life.hear_the_rest();
      if (seat == kWitnessSeat) life.witness().expect_all_told();
      _exit(0);  // without giving the lane back: for the master that is as good as killed
    }
    living_[child] = {seat, killed};
  }

  void bury() {
    int status = 0;
    const pid_t child = waitpid(-1, &status, 0);
    const auto found = living_.find(child);
    ASSERT_NE(found, living_.end());
    const auto [seat, killed] = found->second;
    living_.erase(found);
    if (killed) {
      EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "seat " << seat << ": " << status;
    } else {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "seat " << seat << ": " << status;
    }
    ledger_->listening[seat].store(false);
    segment_.free_lanes_of(seat);
    if (killed) begin(seat, lives_[seat] + 1 < kLives);
  }

  std::mt19937_64 random_;
  Segment segment_ = *Segment::create();
  Shared<Ledger> ledger_;
  std::map<pid_t, std::pair<std::uint32_t, bool>> living_;
  std::array<int, kSeats + 1> lives_{};
};

TEST(BroadcastProcesses, hear_every_record_once_and_whole_and_then_the_end_though_some_are_killed) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Workers(seed).run();
}

}  // namespace
}  // namespace holdfast::broadcast
