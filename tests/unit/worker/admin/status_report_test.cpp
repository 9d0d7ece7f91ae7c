#include "worker/admin/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json_writer.h"
#include "tests/support/json_value.h"
#include "tests/unit/worker/admin/sample_segment.h"
#include "worker/admin/health.h"

namespace holdfast::admin {
namespace {

using support::JsonValue;
using ::testing::MatchesRegex;

JsonValue json_of(const SampleSegment& sample) {
  const std::string text = status_json(sample.segment);
  const auto value = JsonValue::parse(text);
  EXPECT_TRUE(value) << text;
  return value.value_or(JsonValue());
}

TEST(StatusJson, TellsVersionGenerationAndProcesses) {
  SampleSegment sample;
  sample.segment.set_seat_pid(sample.first, 4711);
  sample.segment.set_seat_use(sample.second, stats::SeatUse::Draining);
  sample.segment.seat(sample.first).activity.connections.store(12);
  sample.count(sample.first, sample.site, 200, 3);
  const JsonValue status = json_of(sample);
  EXPECT_EQ(status["version"].number(), 1);
  EXPECT_EQ(status["release"].text(), "0.1.0");
  EXPECT_EQ(status["generation"].number(), 1);
  EXPECT_GT(status["started"].number(), 1.7e9);
  EXPECT_EQ(status["workers_wanted"].number(), 2);
  ASSERT_EQ(status["workers"].items().size(), 2u);
  const JsonValue& worker = status["workers"].items()[0];
  EXPECT_EQ(worker["slot"].number(), 0);
  EXPECT_EQ(worker["pid"].number(), 4711);
  EXPECT_EQ(worker["state"].text(), "ready");
  EXPECT_EQ(worker["connections"].number(), 12);
  EXPECT_EQ(worker["requests"].number(), 3);
  EXPECT_EQ(status["workers"].items()[1]["state"].text(), "draining");
  EXPECT_EQ(status["admin"]["state"].text(), "ready");
  EXPECT_FALSE(status["ready"].boolean());
  EXPECT_EQ(status["reason"].text(), "1 of 2 workers are ready");
}

TEST(StatusJson, SumsRequestsBySiteAndClass) {
  SampleSegment sample;
  sample.count(sample.first, sample.site, 200, 3);
  sample.count(sample.second, sample.site, 304, 2);
  sample.count(sample.second, sample.site, 404, 1);
  sample.segment.retire_seat(sample.second);
  const JsonValue status = json_of(sample);
  ASSERT_EQ(status["sites"].items().size(), 1u);
  const JsonValue& site = status["sites"].items()[0];
  EXPECT_EQ(site["name"].text(), "example.org");
  EXPECT_EQ(site["requests"].number(), 6);
  EXPECT_EQ(site["codes"]["2xx"].number(), 3);
  EXPECT_EQ(site["codes"]["3xx"].number(), 2);
  EXPECT_EQ(site["codes"]["4xx"].number(), 1);
  EXPECT_EQ(site["codes"]["5xx"].number(), 0);
  EXPECT_EQ(status["totals"]["requests"].number(), 6);
}

TEST(StatusJson, TellsTheReasonsOfARefusedReload) {
  SampleSegment sample;
  EXPECT_EQ(json_of(sample)["reloads"]["last"].kind(), JsonValue::Kind::Null);
  stats::WorkerStats(sample.segment, stats::kMasterSeat)
      .cell(stats::Metric::ConfigReloads, static_cast<std::uint16_t>(stats::ReloadResult::Failure))
      .add();
  sample.segment.note_reload(WallTime(std::chrono::seconds(1'800'000'100)), false,
                             "a.yaml:3:1: \"x\"\nb\x01\xff");
  const JsonValue status = json_of(sample);
  EXPECT_EQ(status["reloads"]["failure"].number(), 1);
  EXPECT_EQ(status["reloads"]["last"]["at"].number(), 1'800'000'100);
  EXPECT_FALSE(status["reloads"]["last"]["ok"].boolean());
  EXPECT_EQ(status["reloads"]["last"]["message"].text().substr(0, 17), "a.yaml:3:1: \"x\"\nb");
}

TEST(StatusJson, TellsWhoIsInTheRoomsOfChats) {
  SampleSegment sample;
  stats::PresenceBlock& first = sample.segment.seat(sample.first).presence;
  stats::PresenceBlock& second = sample.segment.seat(sample.second).presence;
  EXPECT_TRUE(json_of(sample)["chat"]["rooms"].items().empty());
  const std::uint32_t lobby = first.enter("main:/chat", "lobby", 1);
  first.enter("main:/chat", "tea \"& cake\"", 2);
  first.set(lobby, 3);
  second.enter("main:/chat", "lobby", 4);
  second.enter("main:/other", "lobby", 1);
  const JsonValue status = json_of(sample);
  const auto& rooms = status["chat"]["rooms"].items();
  ASSERT_EQ(rooms.size(), 3u);
  EXPECT_EQ(rooms[0]["chat"].text(), "main:/chat");
  EXPECT_EQ(rooms[0]["room"].text(), "lobby");
  EXPECT_EQ(rooms[0]["members"].number(), 7) << "of both workers";
  EXPECT_EQ(rooms[1]["room"].text(), "tea \"& cake\"");
  EXPECT_EQ(rooms[1]["members"].number(), 2);
  EXPECT_EQ(rooms[2]["chat"].text(), "main:/other");

  first.set(lobby, 0);
  sample.segment.retire_seat(sample.second);
  const JsonValue later = json_of(sample);
  ASSERT_EQ(later["chat"]["rooms"].items().size(), 1u) << "who is gone with a worker is not there";
  EXPECT_EQ(later["chat"]["rooms"].items()[0]["members"].number(), 2);
  EXPECT_EQ(first.enter("main:/chat", "new", 1), lobby) << "the place is used again";
  EXPECT_TRUE(sample.segment.seat(sample.start(1)).presence.rooms[0].members.load() == 0);
}

TEST(StatusJson, TellsListenersThatServeAndCertificates) {
  SampleSegment sample;
  stats::WorkerStats worker(sample.segment, sample.first);
  worker.cell(stats::Metric::ConnectionsAccepted, sample.segment.listener_index("http")).add(7);
  const auto http = sample.segment.intern_listener("http");
  sample.segment.intern_listener("gone");
  worker.cell(stats::Metric::Connections, http, 0).set(2);
  worker.cell(stats::Metric::Connections, http, 1).set(1);
  worker.cell(stats::Metric::Connections, 0, 0).set(0);
  const auto file = sample.segment.intern_certificate("/tls/a.pem");
  stats::WorkerStats(sample.segment, stats::kMasterSeat)
      .cell(stats::Metric::TlsCertificateExpiry, file)
      .set(1'900'000'000);
  const JsonValue status = json_of(sample);
  EXPECT_EQ(status["pid"].number(), ::getpid());
  ASSERT_EQ(status["listeners"].items().size(), 1u);
  EXPECT_EQ(status["listeners"].items()[0]["name"].text(), "http");
  EXPECT_EQ(status["listeners"].items()[0]["connections"].number(), 3);
  EXPECT_EQ(status["listeners"].items()[0]["accepted"].number(), 7);
  ASSERT_EQ(status["certificates"].items().size(), 1u);
  EXPECT_EQ(status["certificates"].items()[0]["file"].text(), "/tls/a.pem");
  EXPECT_EQ(status["certificates"].items()[0]["until"].number(), 1'900'000'000);
}

TEST(Readiness, WantsOneReadyProcessForEachWantedSlot) {
  SampleSegment sample;
  EXPECT_EQ(reason_not_ready(sample.segment), std::nullopt);
  sample.segment.set_seat_use(sample.second, stats::SeatUse::Starting);
  EXPECT_EQ(reason_not_ready(sample.segment), "1 of 2 workers are ready");
  sample.start(0);
  EXPECT_EQ(reason_not_ready(sample.segment), "1 of 2 workers are ready")
      << "two processes of one slot are one";
  sample.segment.retire_seat(sample.first);
  sample.start(1);
  EXPECT_EQ(reason_not_ready(sample.segment), std::nullopt);
}

TEST(Readiness, IsNotGivenBeforeAnythingIsWanted) {
  const stats::Segment segment = std::move(stats::Segment::create()).value();
  EXPECT_NE(reason_not_ready(segment), std::nullopt);
}

TEST(JsonWriter, PutsCommasOnlyBetween) {
  JsonWriter json;
  json.begin_object()
      .key("a")
      .begin_array()
      .end_array()
      .key("b")
      .begin_array()
      .number(1)
      .null()
      .begin_object()
      .end_object();
  json.end_array().key("c\n").text("\"").key("d").boolean(false).key("e").seconds(1'002'000'000).end_object();
  EXPECT_EQ(json.take(), R"({"a":[],"b":[1,null,{}],"c\n":"\"","d":false,"e":1.002})");
}

}  // namespace
}  // namespace holdfast::admin
