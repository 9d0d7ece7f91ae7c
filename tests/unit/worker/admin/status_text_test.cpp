#include "worker/admin/status_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/unit/worker/admin/sample_segment.h"

namespace holdfast::admin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr TimePoint kThen{std::chrono::seconds(100)};
constexpr TimePoint kNow{std::chrono::seconds(102)};

std::string text_of(const SampleSegment& sample, bool colours = false) {
  return status_text(sample.segment, sample_status(sample.segment, kThen), kNow, colours).text;
}

TEST(StatusText, ShowsTidyColumns) {
  SampleSegment sample;
  sample.segment.set_seat_pid(sample.first, 4711);
  sample.count(sample.first, sample.site, 200, 3);
  sample.segment.note_reload(WallTime(std::chrono::seconds(1'800'000'100)), false,
                             "a.yaml:3:1: bad\x1b[2J\nsecond");
  const std::string text = text_of(sample);
  EXPECT_THAT(text, HasSubstr("holdfast 0.1.0, pid " + std::to_string(::getpid()) + ", generation 1, up "));
  EXPECT_THAT(text, HasSubstr("ready\n"));
  EXPECT_THAT(text, HasSubstr("SITE         REQUESTS  1XX  2XX  3XX  4XX  5XX  SENT\n"));
  EXPECT_THAT(text, HasSubstr("  a.yaml:3:1: bad\\x1B[2J\n  second\n"));
  EXPECT_THAT(text, Not(HasSubstr(" \n")));
}

TEST(StatusText, RatesAreThoseBetweenTwoSamples) {
  SampleSegment sample;
  sample.count(sample.first, sample.site, 200, 3);
  const StatusSample before = sample_status(sample.segment, kThen);
  sample.count(sample.first, sample.site, 200, 41);
  stats::WorkerStats worker(sample.segment, sample.first);
  worker.cell(stats::Metric::EventLoopBusy).add(500'000'000);
  worker.cell(stats::Metric::HttpResponseBytes, sample.site).add(4096);
  worker.cell(stats::Metric::ConnectionsAccepted, 1).add(3);
  const StatusText made = status_text(sample.segment, before, kNow, false);
  EXPECT_THAT(made.text, HasSubstr("requests       20/s, 2.0 KiB/s sent, 44 so far\n"));
  EXPECT_THAT(made.text, HasSubstr("connections    0, 1.5/s new, 0 refused so far\n"));
  EXPECT_THAT(made.text, HasSubstr("   25%            0        44          20  -\n"));
  EXPECT_EQ(made.sample.requests, 44u);
  EXPECT_THAT(status_text(sample.segment, made.sample, kNow, false).text,
              HasSubstr("requests       0.0/s, 0 B/s"))
      << "no time has passed";
}

TEST(StatusText, AWorkerThatIsNewHasARateFromItsOwnBeginning) {
  SampleSegment sample;
  sample.count(sample.first, sample.site, 200, 100);
  const StatusSample before = sample_status(sample.segment, kThen);
  sample.segment.retire_seat(sample.first);
  sample.count(sample.start(0), sample.site, 200, 4);
  const std::string text = status_text(sample.segment, before, kNow, false).text;
  EXPECT_THAT(text, HasSubstr("         4         2.0  -\n"));
}

TEST(StatusText, TellsDeathsOfASlotBesideIt) {
  SampleSegment sample;
  stats::Death death;
  death.slot = 1;
  death.reason = static_cast<std::uint64_t>(stats::ExitReason::Signal);
  death.at = 1;
  stats::note_death(sample.segment.deaths(), death);
  EXPECT_THAT(text_of(sample), HasSubstr(" ago (signal)\n"));
}

TEST(StatusText, TellsDaysThatCertificatesHaveLeft) {
  SampleSegment sample;
  stats::WorkerStats master(sample.segment, stats::kMasterSeat);
  const auto now = std::chrono::system_clock::now();
  const auto note = [&](const char* file, std::chrono::hours left) {
    master.cell(stats::Metric::TlsCertificateExpiry, sample.segment.intern_certificate(file))
        .set(static_cast<std::uint64_t>(std::chrono::system_clock::to_time_t(now + left)));
  };
  note("/good.pem", std::chrono::hours(24 * 60 + 1));
  note("/over.pem", std::chrono::hours(-1));
  const std::string text = text_of(sample);
  EXPECT_THAT(text, HasSubstr("CERTIFICATE  DAYS LEFT  "));
  EXPECT_THAT(text, HasSubstr("/good.pem           60  "));
  EXPECT_THAT(text, HasSubstr("/over.pem      expired  "));
}

TEST(StatusText, ShowsWhoIsInTheRoomsOfChats) {
  SampleSegment sample;
  stats::PresenceBlock& presence = sample.segment.seat(sample.first).presence;
  presence.set(presence.enter("main:/chat", "lobby", 1), 7);
  EXPECT_THAT(text_of(sample), HasSubstr("lobby      main:/chat        7\n"));
}

TEST(StatusText, OnlyColoursHaveEscapeSequences) {
  SampleSegment sample;
  EXPECT_THAT(text_of(sample), Not(HasSubstr("\033")));
  EXPECT_THAT(text_of(sample, true), HasSubstr("\033[32mready\033[0m"));
}

}  // namespace
}  // namespace holdfast::admin
