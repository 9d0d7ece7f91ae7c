#include "common/stats/stats_segment.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <string>

#include "common/stats/stats_reader.h"
#include "common/stats/worker_stats.h"

namespace holdfast::stats {
namespace {

Segment made() {
  return std::move(Segment::create()).value();
}

/// The value of a series in a snapshot, nothing when it has none.
std::optional<std::uint64_t> value_of(const Snapshot& snapshot, SeriesKey key, std::uint32_t slot = 0) {
  for (const SeriesSum& sum : snapshot.series)
    if (sum.key.packed() == key.packed() && sum.slot == slot) return sum.value;
  return std::nullopt;
}

std::uint64_t resident_pages(const Segment& segment) {
  struct stat status {};
  ::fstat(segment.fd(), &status);
  return static_cast<std::uint64_t>(status.st_blocks) * 512 / 4096;
}

TEST(SeriesKey, SurvivesPacking) {
  const SeriesKey key{Metric::HttpRequests, 65535, 3, 404};
  const SeriesKey back = SeriesKey::unpack(key.packed());
  EXPECT_EQ(back.metric, key.metric);
  EXPECT_EQ(back.a, key.a);
  EXPECT_EQ(back.b, key.b);
  EXPECT_EQ(back.c, key.c);
  EXPECT_NE((SeriesKey{Metric::BuildInfo}).packed(), 0u);
}

TEST(Segment, SumsSeatsAndRetiredRows) {
  Segment segment = made();
  const std::uint32_t first = segment.claim_seat(0, 1);
  const std::uint32_t second = segment.claim_seat(1, 1);
  WorkerStats one(segment, first), two(segment, second);
  one.cell(Metric::HttpRequests, 1, 0, 200).add(3);
  two.cell(Metric::HttpRequests, 1, 0, 200).add(4);
  one.cell(Metric::WorkerRequests).add(3);
  two.cell(Metric::WorkerRequests).add(4);
  segment.retire_seat(first);
  const Snapshot snapshot = take_snapshot(segment);
  EXPECT_EQ(value_of(snapshot, {Metric::HttpRequests, 1, 0, 200}), 7u);
  EXPECT_EQ(value_of(snapshot, {Metric::WorkerRequests}, 0), 3u);
  EXPECT_EQ(value_of(snapshot, {Metric::WorkerRequests}, 1), 4u);
  ASSERT_EQ(snapshot.processes.size(), 1u);
  EXPECT_EQ(snapshot.processes[0].slot, 1u);
  EXPECT_EQ(snapshot.processes[0].requests, 4u);
}

TEST(Segment, LetsGaugesVanishWithTheirProcess) {
  Segment segment = made();
  const std::uint32_t seat = segment.claim_seat(0, 1);
  WorkerStats worker(segment, seat);
  worker.cell(Metric::Connections, 1, 2).add(9);
  EXPECT_EQ(value_of(take_snapshot(segment), {Metric::Connections, 1, 2}), 9u);
  segment.retire_seat(seat);
  EXPECT_EQ(value_of(take_snapshot(segment), {Metric::Connections, 1, 2}), std::nullopt);
}

TEST(Segment, KeepsWhatASlotShowsWhenItsWorkerDiesBeforeItCountedAnything) {
  Segment segment = made();
  const std::uint32_t seat = segment.claim_seat(3, 1);
  const WorkerStats worker(segment, seat);
  EXPECT_EQ(value_of(take_snapshot(segment), {Metric::WorkerRequests}, 3), 0u);
  segment.retire_seat(seat);
  EXPECT_EQ(value_of(take_snapshot(segment), {Metric::WorkerRequests}, 3), 0u) << "a series may not vanish";
}

TEST(Segment, FoldsHistogramsOfManyLivesIntoOneRow) {
  Segment segment = made();
  for (int life = 0; life < 5; ++life) {
    const std::uint32_t seat = segment.claim_seat(2, static_cast<std::uint64_t>(life));
    WorkerStats worker(segment, seat);
    worker.histogram(Metric::HttpRequestDuration, 1)
        .observe(100'000);  // the bound itself belongs to its bucket
    worker.histogram(Metric::HttpRequestDuration, 1).observe(100'001);
    worker.histogram(Metric::HttpRequestDuration, 1).observe(60'000'000'000);  // beyond the last bound
    segment.retire_seat(seat);
  }
  const Snapshot snapshot = take_snapshot(segment);
  ASSERT_EQ(snapshot.histograms.size(), 1u);
  const HistogramSum& sum = snapshot.histograms[0];
  EXPECT_EQ(sum.buckets[0], 5u);
  EXPECT_EQ(sum.buckets[1], 5u);
  EXPECT_EQ(sum.buckets.back(), 5u);
  EXPECT_EQ(sum.sum, 5 * (100'000u + 100'001u + 60'000'000'000u));
}

TEST(Segment, GivesAClearSeatToTheNextUser) {
  Segment segment = made();
  const std::uint32_t seat = segment.claim_seat(0, 1);
  {
    WorkerStats worker(segment, seat);
    worker.cell(Metric::HttpRequests, 1, 0, 500).add(3);
    worker.histogram(Metric::EventLoopLag).observe(5);
    worker.activity().connections.store(77);
    worker.activity().work.request[0] = 'G';
  }
  segment.retire_seat(seat);
  ASSERT_EQ(segment.claim_seat(1, 2), seat) << "the freed seat is used again";
  const Seat& again = segment.seat(seat);
  EXPECT_EQ(again.counters.series_count.load(), 0u);
  EXPECT_EQ(again.counters.histogram_count.load(), 0u);
  EXPECT_EQ(again.activity.connections.load(), 0u);
  EXPECT_EQ(again.activity.work.request[0], '\0');
  WorkerStats worker(segment, seat);
  EXPECT_EQ(worker.cell(Metric::HttpRequests, 1, 0, 500).get(), 0u);
  EXPECT_EQ(value_of(take_snapshot(segment), {Metric::HttpRequests, 1, 0, 500}), 3u)
      << "counted once, in the row";
}

TEST(Segment, RetiresASeatOnlyOnceAndTheMastersNever) {
  Segment segment = made();
  WorkerStats master(segment, kMasterSeat);
  master.cell(Metric::ConfigReloads, 0).add(2);
  const std::uint32_t seat = segment.claim_seat(0, 1);
  WorkerStats(segment, seat).cell(Metric::WorkerRequests).add(5);
  segment.retire_seat(seat);
  segment.retire_seat(seat);
  segment.retire_seat(kMasterSeat);
  const Snapshot snapshot = take_snapshot(segment);
  EXPECT_EQ(value_of(snapshot, {Metric::WorkerRequests}, 0), 5u);
  EXPECT_EQ(value_of(snapshot, {Metric::ConfigReloads, 0}), 2u);
}

TEST(Segment, SurvivesASeatThatABrokenWorkerHasOverwritten) {
  Segment segment = made();
  const std::uint32_t seat = segment.claim_seat(0, 1);
  WorkerStats(segment, seat).cell(Metric::WorkerRequests).add(5);
  SeriesBlock& block = segment.seat(seat).counters;
  const std::uint64_t end = block.series_count.load();
  block.series[end].key.store(UINT64_MAX);
  block.series[end].value.store(99);
  block.histograms[0].key.store(UINT64_MAX);
  block.histograms[0].buckets[0].store(99);
  block.series_count.store(UINT64_MAX);
  block.histogram_count.store(UINT64_MAX);
  EXPECT_EQ(value_of(take_snapshot(segment), {Metric::WorkerRequests}, 0), 5u);
  segment.retire_seat(seat);
  EXPECT_EQ(value_of(take_snapshot(segment), {Metric::WorkerRequests}, 0), 5u);
  EXPECT_EQ(segment.claim_seat(0, 2), seat);
}

TEST(Segment, SaysWhenAllSeatsAreTaken) {
  Segment segment = made();
  std::set<std::uint32_t> seats;
  for (std::uint32_t i = 1; i < kMaxSeats; ++i) seats.insert(segment.claim_seat(i % kAdminSlot, 1));
  EXPECT_EQ(seats.size(), kMaxSeats - 1);
  EXPECT_EQ(seats.count(kNoSeat), 0u);
  EXPECT_EQ(segment.claim_seat(0, 1), kNoSeat);
  segment.retire_seat(700);
  EXPECT_EQ(segment.claim_seat(0, 1), 700u);
}

TEST(Segment, KeepsTheAdminProcessOutOfTheTraffic) {
  Segment segment = made();
  WorkerStats admin(segment, segment.claim_seat(kAdminSlot, 1));
  admin.cell(Metric::HttpRequests, 1, 0, 200).add(100);
  admin.cell(Metric::WorkerRequests).add(100);
  admin.histogram(Metric::HttpRequestDuration, 1).observe(1);
  admin.cell(Metric::LogLinesDropped).add(1);
  const Snapshot snapshot = take_snapshot(segment);
  EXPECT_EQ(value_of(snapshot, {Metric::HttpRequests, 1, 0, 200}), std::nullopt);
  EXPECT_EQ(value_of(snapshot, {Metric::WorkerRequests}, kAdminSlot), std::nullopt);
  EXPECT_TRUE(snapshot.histograms.empty());
  EXPECT_EQ(value_of(snapshot, {Metric::LogLinesDropped}), 1u);
  EXPECT_EQ(snapshot.processes.size(), 1u);
}

TEST(Segment, TouchesOnlyWhatIsUsed) {
  Segment segment = made();
  WorkerStats master(segment, kMasterSeat);
  const std::uint64_t before = resident_pages(segment);
  const std::uint32_t seat = segment.claim_seat(0, 1);
  {
    WorkerStats worker(segment, seat);
    worker.cell(Metric::HttpRequests, 1, 0, 200).add();
  }
  segment.retire_seat(seat);
  take_snapshot(segment);
  EXPECT_LE(resident_pages(segment) - before, 12u);
  EXPECT_LE(before, 20u);
}

TEST(Segment, IsSharedWithWhoeverAttachesToIt) {
  Segment segment = made();
  segment.intern_site("example.org");
  WorkerStats worker(segment, segment.claim_seat(0, 1));
  worker.cell(Metric::WorkerRequests).add(2);
  const std::string path = "/proc/self/fd/" + std::to_string(segment.fd());
  const Fd read_only(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto attached = Segment::attach(read_only.get());
  ASSERT_TRUE(attached) << attached.error().message();
  worker.cell(Metric::WorkerRequests).add(3);
  EXPECT_EQ(value_of(take_snapshot(*attached), {Metric::WorkerRequests}, 0), 5u);
  EXPECT_EQ(attached->site_name(attached->site_index("example.org")), "example.org");
}

TEST(Segment, RefusesToAttachToAnythingElse) {
  const Fd empty(::memfd_create("x", MFD_CLOEXEC));
  EXPECT_FALSE(Segment::attach(empty.get()));
  const Segment segment = made();
  struct stat status {};
  ASSERT_EQ(::fstat(segment.fd(), &status), 0);
  ASSERT_EQ(::ftruncate(empty.get(), status.st_size), 0);
  EXPECT_FALSE(Segment::attach(empty.get())) << "right size, no magic";
  EXPECT_FALSE(Segment::attach(-1));
}

TEST(Segment, CannotBeCutShortByAHolderOfItsDescriptor) {
  const Segment segment = made();
  EXPECT_NE(::ftruncate(segment.fd(), 0), 0);
}

TEST(Segment, KeepsTheOutcomesOfTheLastReloads) {
  Segment segment = made();
  EXPECT_TRUE(read_reloads(segment.reloads()).empty());
  segment.note_reload(WallTime(std::chrono::seconds(1'800'000'000)), false, "a.yaml:3:1: unknown key\nb");
  segment.note_reload(WallTime(std::chrono::seconds(1'800'000'001)), true, "");
  std::vector<ReloadView> reloads = read_reloads(segment.reloads());
  ASSERT_EQ(reloads.size(), 2u);
  EXPECT_EQ(reloads[0].at, 1'800'000'000'000'000'000u);
  EXPECT_FALSE(reloads[0].ok);
  EXPECT_EQ(reloads[0].text, "a.yaml:3:1: unknown key\nb");
  EXPECT_TRUE(reloads[1].ok);
  EXPECT_EQ(reloads[1].text, "");
  for (std::size_t i = 0; i < kReloadsKept; ++i)
    segment.note_reload(WallTime(std::chrono::seconds(i)), false, std::string(10'000, 'x'));
  reloads = read_reloads(segment.reloads());
  ASSERT_EQ(reloads.size(), kReloadsKept) << "the oldest go";
  EXPECT_EQ(reloads.front().at, 0u);
  EXPECT_EQ(reloads.back().at, 9'000'000'000u);
  EXPECT_EQ(reloads.back().text.size(), ReloadNote::kTextRoom);
}

TEST(WorkerStats, FindsItsCellsAgain) {
  Segment segment = made();
  const std::uint32_t seat = segment.claim_seat(0, 1);
  WorkerStats(segment, seat).cell(Metric::HttpRequests, 1, 2, 200).add(1);
  WorkerStats again(segment, seat);
  again.cell(Metric::HttpRequests, 1, 2, 200).add(1);
  EXPECT_EQ(value_of(take_snapshot(segment), {Metric::HttpRequests, 1, 2, 200}), 2u);
}

TEST(WorkerStats, CountsUnderOtherWhenItsDirectoryIsFull) {
  Segment segment = made();
  const std::uint32_t seat = segment.claim_seat(0, 1);
  WorkerStats worker(segment, seat);
  for (std::uint32_t i = 0; i < 2 * kMaxSeries; ++i)
    worker.cell(Metric::HttpRequests, static_cast<std::uint16_t>(i), 1, 200).add();
  for (std::uint32_t i = 0; i < 2 * kMaxHistograms; ++i)
    worker.histogram(Metric::HttpRequestDuration, static_cast<std::uint16_t>(i)).observe(1);
  const auto totals = [&] {
    const Snapshot snapshot = take_snapshot(segment);
    std::pair<std::uint64_t, std::uint64_t> total{0, 0};
    for (const SeriesSum& sum : snapshot.series) total.first += sum.value;
    for (const HistogramSum& sum : snapshot.histograms) total.second += sum.buckets[0];
    return total;
  };
  EXPECT_EQ(totals(), std::pair(std::uint64_t{2 * kMaxSeries}, std::uint64_t{2 * kMaxHistograms}));
  EXPECT_GT(value_of(take_snapshot(segment), {Metric::HttpRequests}).value_or(0), kMaxSeries - 1u);
  segment.retire_seat(seat);
  EXPECT_EQ(totals(), std::pair(std::uint64_t{2 * kMaxSeries}, std::uint64_t{2 * kMaxHistograms}))
      << "nothing is lost in the fold";
}

}  // namespace
}  // namespace holdfast::stats
