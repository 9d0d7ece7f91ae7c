#include "master/handover.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

using namespace std::chrono_literals;

Handover full() {
  Handover handover;
  handover.version = "1.2.3";
  handover.binary = "/opt/hold fast/bin/100%";
  handover.binary_fd = 7;
  handover.segment = 8;
  handover.limits = 9;
  handover.tickets = 10;
  handover.broadcast = 11;
  handover.pid_file = 12;
  handover.control_socket = 13;
  handover.askers = {14, 15};
  handover.generation = 5;
  handover.last_generation = 6;
  handover.last_process = 77;
  handover.workers = 4;
  handover.wanted = 3;
  HandedEndpoint endpoint{{"http", *Endpoint::parse("[::]:8080"), false, 2},
                          *Endpoint::parse("[::]:8080"),
                          {20, 21},
                          2,
                          true,
                          22,
                          2};
  handover.endpoints = {endpoint};
  HandedProcess process;
  process.known.id = 70;
  process.known.generation = 5;
  process.known.state = ProcessState::Draining;
  process.known.started = TimePoint{} + 3s;
  process.known.deadline = TimePoint{} + 30s;
  process.known.accepting = false;
  process.known.problem = "two words\nand a line";
  process.slot = 1;
  process.seat = 12;
  process.pid = 4242;
  process.pidfd = 30;
  process.control = -1;
  handover.processes = {process};
  handover.sources = std::string("a: 1\n\0\xff", 7);
  return handover;
}

TEST(Handover, SaysAllItWasTold) {
  const Handover before = full();
  const Result<Handover> after = Handover::parse(before.text());
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_EQ(after->text(), before.text());
  EXPECT_EQ(after->binary, before.binary);
  EXPECT_EQ(after->sources, before.sources);
  EXPECT_FALSE(after->returned);
  ASSERT_EQ(after->endpoints.size(), 1U);
  EXPECT_EQ(after->endpoints[0].need, before.endpoints[0].need);
  EXPECT_EQ(after->endpoints[0].sockets, before.endpoints[0].sockets);
  ASSERT_EQ(after->processes.size(), 1U);
  const SlotProcess& known = after->processes[0].known;
  EXPECT_EQ(known.problem, "two words\nand a line");
  EXPECT_EQ(known.state, ProcessState::Draining);
  EXPECT_EQ(known.ready_at, kNever);
  EXPECT_EQ(known.deadline, TimePoint{} + 30s);
}

TEST(Handover, NamesEveryDescriptorOnceAndNoneThatIsNot) {
  EXPECT_EQ(full().descriptors(), (std::vector<int>{7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 30}));
}

TEST(Handover, SaysWhyItComesBackEvenWithNothing) {
  Handover handover = full();
  handover.returned = "";
  EXPECT_EQ(Handover::parse(handover.text())->returned, "");
  handover.returned = "line one\nline two";
  EXPECT_EQ(Handover::parse(handover.text())->returned, "line one\nline two");
}

TEST(Handover, LeavesOutRecordsThatItDoesNotKnow) {
  const std::string text = full().text();
  const std::size_t end = text.find('\n') + 1;
  const Result<Handover> after = Handover::parse(text.substr(0, end) + "novelty 1 2 3\n" + text.substr(end));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->text(), text);
}

TEST(Handover, RefusesWhatIsNone) {
  const std::string text = full().text();
  for (const std::string& wrong :
       {std::string(), std::string("holdfast-handover 2\n"), std::string("something 1\n"),
        text.substr(0, text.size() - 1), std::string("holdfast-handover 1\nsegment x\n"),
        std::string("holdfast-handover 1\nprocess 1 2\n"), std::string("holdfast-handover 1\nversion %4\n")})
    EXPECT_FALSE(Handover::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace holdfast::master
