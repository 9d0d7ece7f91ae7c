// Nobody sleeps through what is published: going to sleep and waking, at the same moment and through death.
#include "common/broadcast/doorbell.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "common/broadcast/publisher.h"
#include "common/broadcast/reader.h"
#include "tests/unit/common/broadcast/spoken_record.h"

namespace holdfast::broadcast {
namespace {

constexpr Reader::Budget kAll{~std::size_t{0}, ~std::size_t{0}};

// On one processor alone two processes hardly ever meet: nothing comes between two instructions of a player.
void stay_on_processor(std::uint32_t which) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  std::vector<int> processors;
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &allowed)) processors.push_back(i);
  cpu_set_t own;
  CPU_ZERO(&own);
  CPU_SET(processors[which % processors.size()], &own);
  sched_setaffinity(0, sizeof own, &own);
}

struct PingPong {
  static constexpr std::uint64_t kRounds = 5000;

  // Answers each record of the other with one of its own; sleeps in between for as long as it takes. The answer
  // may come before, while or after a player goes to sleep: it looks a few times more before it does.
  static void play(const Segment& segment, std::uint32_t seat, bool begins) {
    Publisher publisher = *Publisher::claim(segment, seat);
    Reader reader(segment, publisher.lane());
    Doorbell bell(segment.lane(publisher.lane()).head.bell);
    const auto say = [&](std::uint64_t number) {
      publisher.stage(payload_of(number, 40), WallTime{});
      publisher.publish();
      publisher.wake_others();
    };
    if (begins) say(0);
    Hearing hearing;
    std::uint64_t looks = 0;
    for (std::uint64_t round = 0; round < kRounds;) {
      hearing.records.clear();
      reader.read(hearing, kAll);
      if (!hearing.records.empty()) {
        say(++round);
        if (round % 100 == 0) alarm(10);  // slow is not stuck
        looks = mixed(round + seat) % 64;
        continue;
      }
      if (looks-- > 0) continue;
      looks = 0;
      bell.arm();
      const std::uint32_t value = bell.value();
      if (reader.has_news())
        bell.disarm();
      else if (value % 2 == 1)
        bell.wait(value);
    }
  }
};

TEST(Doorbell, lose_no_wake_up) {
  const Segment segment = *Segment::create();
  std::vector<pid_t> children;
  for (std::uint32_t player = 0; player < 2; ++player) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(10);  // a wake-up that is lost is never made up for
      stay_on_processor(player);
      PingPong::play(segment, player, player == 0);
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
}

/// Lets two threads begin each round at the same moment.
class Starts {
 public:
  void meet() {
    const std::uint64_t own = count_.fetch_add(1) / 2;
    // On one processor the other cannot come while this one looks.
    for (int looks = 0; count_.load() / 2 == own; ++looks)
      if (looks > 1000) std::this_thread::yield();
  }

 private:
  std::atomic<std::uint64_t> count_{0};
};

// The two fences of doorbell.h: one stores that it sleeps while the other stores what is new.
TEST(Doorbell, see_the_record_or_are_seen_to_sleep) {
  constexpr int kRounds = 30'000;
  const Segment segment = *Segment::create();
  Starts starts;
  std::atomic<int> missed = 0;
  Publisher publisher = *Publisher::claim(segment, 1);
  const Publisher sleeper = *Publisher::claim(segment, 2);
  std::thread publishing([&] {
    stay_on_processor(0);
    for (int round = 0; round < kRounds; ++round) {
      publisher.stage({}, WallTime{});
      starts.meet();
      publisher.publish();
      publisher.wake_others();
      starts.meet();
    }
  });
  std::thread sleeping([&] {
    stay_on_processor(1);
    Doorbell bell(segment.lane(sleeper.lane()).head.bell);
    Reader reader(segment, sleeper.lane());
    Hearing hearing;
    for (int round = 0; round < kRounds; ++round) {
      const std::uint32_t rings = Doorbell::rings(bell.value());
      starts.meet();
      bell.arm();
      const bool seen = reader.has_news();
      starts.meet();
      if (!seen && Doorbell::rings(bell.value()) == rings) missed.fetch_add(1);
      bell.disarm();
      hearing.records.clear();
      reader.read(hearing, kAll);
    }
  });
  publishing.join();
  sleeping.join();
  EXPECT_EQ(missed.load(), 0);
}

TEST(Doorbell, wake_a_sleeper_whose_waker_died_over_it) {
  const Segment segment = *Segment::create();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  const std::optional<Publisher> own = Publisher::claim(segment, child == 0 ? 1 : 2);
  BellWord& word = segment.lane(own->lane()).head.bell;
  if (child == 0) {
    alarm(10);
    Doorbell bell(word);
    const std::uint32_t value = bell.value();
    bell.wait(value);  // as one whose bell was changed just before it slept: nobody takes it to be asleep
    _exit(0);
  }
  int status = 0;
  // Until it sleeps, and then once more.
  while (waitpid(child, &status, WNOHANG) == 0) segment.free_lanes_of(900);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace holdfast::broadcast
