#include "common/stats/declared_metrics.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "common/stats/declared_reader.h"

namespace holdfast::stats {
namespace {

Segment made() {
  return std::move(Segment::create()).value();
}

std::uint32_t started(Segment& segment, std::uint32_t slot = 0, std::uint64_t generation = 1) {
  const std::uint32_t seat = segment.claim_seat(slot, generation);
  segment.set_seat_use(seat, SeatUse::Ready);
  return seat;
}

constexpr double kBounds[] = {0.1, 1};
constexpr Declaration kOrders{Kind::Counter, "shop_orders_total", "Orders.", "/shop", {"by"}, {}};
constexpr Declaration kPlain{Kind::Counter, "shop_visits_total", "Visits.", "/shop", {}, {}};
constexpr Declaration kWaits{Kind::Histogram, "shop_wait_seconds", "Waits.", "/shop", {}, kBounds};
constexpr Declaration kOpen{Kind::Gauge, "shop_open", "Open.", "/shop", {}, {}};

/// One worker: its statistics and what it declares.
struct Shop {
  Shop(Segment& segment, std::uint32_t seat) : stats(segment, seat), metrics(stats) {}
  DeclaredMetric& declare(const Declaration& declaration) { return *metrics.declare(declaration).value(); }
  void add(const Declaration& declaration, double n, std::string_view label = {}) {
    Word& word = *declare(declaration).series(label, {});
    word.store(std::bit_cast<std::uint64_t>(as_double(word) + n));
  }
  WorkerStats stats;
  DeclaredMetrics metrics;
};

std::optional<double> value_of(const Segment& segment, std::string_view name, const std::string& label = {}) {
  for (const DeclaredFamily& family : read_declared(segment)) {
    if (family.name != name) continue;
    const auto series = family.series.find({"/shop", label, ""});
    if (series != family.series.end()) return series->second.value;
  }
  return std::nullopt;
}

std::uint32_t published(const Segment& segment) {
  std::uint32_t count = 0;
  for (const Word& state : segment.declared_table().states) count += state.load() == kPublished ? 1 : 0;
  return count;
}

TEST(DeclaredMetrics, AreSummedOverWorkersAndStayWhenTheyDie) {
  Segment segment = made();
  const std::uint32_t first = started(segment, 0);
  const std::uint32_t second = started(segment, 1);
  Shop(segment, first).add(kOrders, 3, "card");
  Shop(segment, second).add(kOrders, 4, "card");
  Shop(segment, second).add(kOrders, 0.5, "cash");
  EXPECT_EQ(published(segment), 1u) << "found again by equality";
  EXPECT_EQ(value_of(segment, "shop_orders_total", "card"), 7);
  segment.retire_seat(second);
  EXPECT_EQ(value_of(segment, "shop_orders_total", "card"), 7);
  EXPECT_EQ(value_of(segment, "shop_orders_total", "cash"), 0.5);
  segment.retire_seat(first);
  EXPECT_EQ(value_of(segment, "shop_orders_total", "card"), 7);
}

TEST(DeclaredMetrics, ShowWhatHasNoLabelsFromTheStart) {
  Segment segment = made();
  Shop shop(segment, started(segment));
  shop.declare(kPlain);
  shop.declare(kOrders);
  EXPECT_EQ(value_of(segment, "shop_visits_total"), 0);
  EXPECT_EQ(value_of(segment, "shop_orders_total", "other"), std::nullopt);
}

TEST(DeclaredMetrics, LetGaugesVanishWithTheirWorker) {
  Segment segment = made();
  const std::uint32_t seat = started(segment);
  Shop(segment, seat).add(kOpen, -2.5);
  EXPECT_EQ(value_of(segment, "shop_open"), -2.5);
  segment.retire_seat(seat);
  EXPECT_EQ(value_of(segment, "shop_open"), std::nullopt);
}

TEST(DeclaredMetrics, FoldHistogramsBucketByBucket) {
  Segment segment = made();
  for (int life = 0; life < 3; ++life) {
    const std::uint32_t seat = started(segment);
    DeclaredMetric& waits = Shop(segment, seat).declare(kWaits);
    static_cast<void>(waits);
    Word* const words = segment.seat(seat).declared.words;
    words[0].store(std::bit_cast<std::uint64_t>(1.5));
    words[2].store(2);
    words[3].store(1);
    segment.retire_seat(seat);
  }
  const auto families = read_declared(segment);
  ASSERT_EQ(families.size(), 1u);
  const DeclaredSum& sum = families[0].series.at({"/shop", "", ""});
  EXPECT_EQ(sum.value, 4.5);
  EXPECT_EQ(sum.buckets, (std::vector<std::uint64_t>{0, 6, 3}));
  EXPECT_EQ(families[0].bounds, (std::vector<double>{0.1, 1}));
}

TEST(DeclaredMetrics, GiveAClearSeatToTheNextWorker) {
  Segment segment = made();
  const std::uint32_t seat = started(segment);
  Shop(segment, seat).add(kOpen, 7);
  Shop(segment, seat).add(kPlain, 7);
  segment.retire_seat(seat);
  ASSERT_EQ(started(segment), seat);
  EXPECT_FALSE(segment.seat(seat).declared.has(0));
  Shop(segment, seat).declare(kOpen);
  EXPECT_EQ(value_of(segment, "shop_open"), 0);
  EXPECT_EQ(value_of(segment, "shop_visits_total"), 7);
}

TEST(DeclaredMetrics, CountWhatIsBeyondTheLabelSetsAsOther) {
  Segment segment = made();
  Shop shop(segment, started(segment));
  DeclaredMetric& orders = shop.declare(kOrders);
  for (int i = 0; i < 1000; ++i) {
    Word& word = *orders.series("label " + std::to_string(i), "no second label");
    word.store(std::bit_cast<std::uint64_t>(as_double(word) + 1));
  }
  const auto families = read_declared(segment);
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].series.size(), kMostLabelSets + 1);
  EXPECT_EQ(value_of(segment, "shop_orders_total", "other"), 1000 - double{kMostLabelSets});
  EXPECT_EQ(value_of(segment, "shop_orders_total", "label 63"), 1);
  Shop another(segment, started(segment, 1));
  another.add(kOrders, 1, "label 5000");
  another.add(kOrders, 1, "label 63");
  EXPECT_EQ(value_of(segment, "shop_orders_total", "other"), 1001 - double{kMostLabelSets});
  EXPECT_EQ(value_of(segment, "shop_orders_total", "label 63"), 2) << "known to all workers";
}

TEST(DeclaredMetrics, CutAndCleanLabelValues) {
  Segment segment = made();
  Shop shop(segment, started(segment));
  const std::string huge(100'000, 'x');
  shop.add(kOrders, 1, huge);
  shop.add(kOrders, 1, huge);
  shop.add(kOrders, 1, huge + "y");
  shop.add(kOrders, 1, "two\nlines");
  const auto families = read_declared(segment);
  ASSERT_EQ(families.at(0).series.size(), 3u);
  for (const auto& [values, sum] : families[0].series) {
    EXPECT_LT(values[1].size(), kLabelRoom);
    EXPECT_EQ(values[1].find('\n'), std::string::npos);
  }
}

TEST(DeclaredMetrics, AreRefusedWhenThereIsNoPlaceLeft) {
  Segment segment = made();
  Shop shop(segment, started(segment));
  std::string name;
  for (std::uint32_t i = 0; i < kMaxDeclared; ++i) {
    Declaration declaration = kPlain;
    name = "n" + std::to_string(i) + "_total";
    declaration.name = name;
    ASSERT_TRUE(shop.metrics.declare(declaration)) << i;
  }
  const auto refused = shop.metrics.declare(kOrders);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("no place left"), std::string::npos);
  Declaration again = kPlain;
  again.name = "n77_total";
  EXPECT_TRUE(shop.metrics.declare(again)) << "what is there is found";
}

TEST(DeclaredMetrics, AreRefusedWhenThereAreNoWordsLeft) {
  Segment segment = made();
  Shop shop(segment, started(segment));
  std::string route;
  std::uint32_t fitted = 0;
  for (;; ++fitted) {
    Declaration declaration = kWaits;
    declaration.labels = {"by"};
    route = "/" + std::to_string(fitted);
    declaration.route = route;
    if (!shop.metrics.declare(declaration)) break;
  }
  EXPECT_EQ(fitted, kDeclaredWords / (4 * (kMostLabelSets + 1)));
  EXPECT_EQ(published(segment), fitted);
  EXPECT_TRUE(shop.metrics.declare(kPlain)) << "there is still room for a small one";
}

/// Places of the seat that is about to die.
void claim_as(Segment& segment, std::uint32_t seat) {
  DeclaredTable& table = segment.declared_table();
  table.states[0].store(kClaimed + seat);
  std::memset(table.declarations[0].name, 'x', 20);
}

TEST(DeclaredMetrics, HalfAnEntryIsInvisibleAndFreedWithItsWorker) {
  Segment segment = made();
  const std::uint32_t dying = started(segment, 0);
  claim_as(segment, dying);
  EXPECT_TRUE(read_declared(segment).empty());
  Shop shop(segment, started(segment, 1));
  shop.add(kOrders, 1, "card");
  // The worker dies while it adds a label set, too.
  segment.declared_table().label_states[1][1].store(kClaimed + dying);
  shop.add(kOrders, 1, "cash");
  EXPECT_EQ(value_of(segment, "shop_orders_total", "cash"), 1);
  EXPECT_EQ(segment.declared_table().states[0].load(), kClaimed + dying) << "passed over";
  segment.retire_seat(dying);
  EXPECT_EQ(segment.declared_table().states[0].load(), kFree);
  EXPECT_EQ(segment.declared_table().label_states[1][1].load(), kFree);
  EXPECT_EQ(value_of(segment, "shop_orders_total", "card"), 1);
}

TEST(DeclaredMetrics, EqualEntriesAreAddedTogether) {
  Segment segment = made();
  Shop first(segment, started(segment, 0));
  first.add(kPlain, 1);
  Shop second(segment, started(segment, 1));
  segment.declared_table().states[0].store(kClaimed + 1);  // as if the first had not got its turn
  second.add(kPlain, 2);
  segment.declared_table().states[0].store(kPublished);
  EXPECT_EQ(published(segment), 2u);
  EXPECT_EQ(value_of(segment, "shop_visits_total"), 3);
}

TEST(DeclaredMetrics, WorkersThatDeclareAtTheSameMomentEndWithOneEntry) {
  for (int round = 0; round < 50; ++round) {
    Segment segment = made();
    std::vector<std::uint32_t> seats;
    for (std::uint32_t i = 0; i < 8; ++i) seats.push_back(started(segment, i));
    std::atomic<int> waiting{8};
    std::vector<std::thread> workers;
    for (const std::uint32_t seat : seats)
      workers.emplace_back([&, seat] {
        Shop shop(segment, seat);
        --waiting;
        while (waiting > 0) std::this_thread::yield();
        shop.add(kOrders, 1, "card");
        shop.declare(kWaits);
      });
    for (std::thread& worker : workers) worker.join();
    ASSERT_EQ(published(segment), 2u);
    ASSERT_EQ(value_of(segment, "shop_orders_total", "card"), 8);
  }
}

TEST(DeclaredMetrics, OfANewBuildReplaceThoseOfTheOldOneWhenItServes) {
  Segment segment = made();
  const std::uint32_t old = started(segment, 0, 1);
  Shop(segment, old).add(kPlain, 5);
  const std::uint32_t seat = segment.claim_seat(1, 2);
  Declaration other_shape = kPlain;
  other_shape.labels = {"by"};
  Shop(segment, seat).add(other_shape, 1, "card");
  EXPECT_EQ(value_of(segment, "shop_visits_total"), 5) << "it may still fail to start";
  segment.set_seat_use(seat, SeatUse::Ready);
  segment.set_seat_use(old, SeatUse::Draining);
  EXPECT_EQ(value_of(segment, "shop_visits_total", "card"), 1);
  EXPECT_EQ(value_of(segment, "shop_visits_total"), std::nullopt);
  segment.retire_seat(old);
  segment.retire_seat(seat);
  EXPECT_EQ(value_of(segment, "shop_visits_total", "card"), 1) << "also while nobody serves";
}

TEST(DeclaredMetrics, ThatFailedToStartShowNothingInPlaceOfWhatServes) {
  Segment segment = made();
  const std::uint32_t old = started(segment, 0, 1);
  Shop(segment, old).add(kPlain, 5);
  const std::uint32_t seat = segment.claim_seat(1, 2);
  Declaration other_shape = kPlain;
  other_shape.labels = {"by"};
  Shop(segment, seat).add(other_shape, 1, "card");
  segment.retire_seat(seat);
  segment.retire_seat(old);
  EXPECT_EQ(value_of(segment, "shop_visits_total"), 5);
}

TEST(DeclaredMetrics, ANewHelpTextKeepsTheCount) {
  Segment segment = made();
  const std::uint32_t old = started(segment, 0, 1);
  Shop(segment, old).add(kPlain, 5);
  segment.set_seat_use(old, SeatUse::Draining);
  Declaration changed = kPlain;
  changed.help = "Visits of all kinds.";
  Shop(segment, started(segment, 1, 2)).add(changed, 1);
  EXPECT_EQ(value_of(segment, "shop_visits_total"), 6);
  EXPECT_EQ(read_declared(segment).at(0).help, "Visits of all kinds.");
}

TEST(DeclaredMetrics, ATableThatIsOverwrittenLeadsNobodyOutOfTheSegment) {
  Segment segment = made();
  const std::uint32_t seat = started(segment);
  Shop(segment, seat).add(kOrders, 1, "card");
  StoredDeclaration& stored = segment.declared_table().declarations[0];
  const auto survives = [&] {
    read_declared(segment);
    Shop(segment, seat).declare(kWaits);
    segment.retire_seat(seat);
    segment.set_seat_use(seat, SeatUse::Ready);
  };
  for (Word* word : {&stored.first, &stored.kind, &stored.label_count, &stored.bound_count}) {
    const std::uint64_t before = word->exchange(0xffffffffffffffff);
    survives();
    word->store(before);
  }
  std::memset(stored.name, 'n', sizeof stored.name);
  std::memset(stored.help, 'h', sizeof stored.help);
  std::memset(stored.labels, 'l', sizeof stored.labels);
  std::memset(&segment.declared_table().labels, 'v', 4096);
  survives();
  for (Word& word : segment.seat(seat).declared.declared) word.store(~std::uint64_t{0});
  survives();
}

}  // namespace
}  // namespace holdfast::stats
