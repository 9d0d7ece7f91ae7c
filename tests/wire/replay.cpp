#include "tests/wire/replay.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>

namespace holdfast::wire {
namespace {

using support::Client;
using support::Delivery;
using support::Expect;
using support::Outcome;
using support::Response;
using support::ServerProcess;
using std::chrono_literals::operator""s;

// The server has to see the pieces apart, so it gets a turn between them; how it reads them is its own affair.
void deliver(Client& client, const WireCase& wire_case, Delivery delivery, unsigned seed) {
  for (const std::string_view piece : support::cut(wire_case.request, delivery, seed)) {
    if (client.send(piece) != Outcome::Ok) return;
    if (delivery != Delivery::Whole) ::sched_yield();
  }
  if (wire_case.end) client.end_sending();
}

std::string outcome_word(const Response& response) {
  if (response.outcome == Outcome::NoAnswer) return "none";
  if (response.outcome == Outcome::ShortRead) return "cut";
  if (!response.ok()) return std::string(support::outcome_text(response.outcome));
  return std::to_string(response.status);
}

enum class Left : std::uint8_t { Open, Closing, Ended };

// What the answer leaves of the connection by its own word.
Left check_response(Client& client, const ExpectedResponse& expected) {
  const Response response = client.receive(expected.head ? Expect::NoBody : Expect::Body);
  const std::string word = outcome_word(response);
  EXPECT_NE(std::find(expected.outcomes.begin(), expected.outcomes.end(), word), expected.outcomes.end())
      << "got `" << word << "`: " << response;
  if (expected.has_body) {
    EXPECT_EQ(response.body, expected.body);
  }
  if (!response.ok()) return Left::Ended;
  return response.closes() ? Left::Closing : Left::Open;
}

}  // namespace

support::ServerConfig corpus_config() {
  support::ServerConfig config;
  config.limits = "request_line: 2KiB, request_headers: 4KiB, header_count: 50, request_body: 4KiB";
  return config;
}

void add_corpus_files(ServerProcess& server) {
  server.dir().write("www/index.html", "index");
}

void replay(ServerProcess& server, const WireCase& wire_case, Delivery delivery, unsigned seed) {
  SCOPED_TRACE(wire_case.name + ", seed " + std::to_string(seed));
  Client client(server.port(), {.timeout = 5s});
  deliver(client, wire_case, delivery, seed);
  Left left = Left::Open;
  for (const ExpectedResponse& expected : wire_case.responses) left = check_response(client, expected);
  const bool closes = wire_case.closes || (wire_case.announced && left == Left::Closing);
  if (left == Left::Ended) {
    EXPECT_TRUE(closes) << "the connection has ended";
  } else if (closes) {
    const Outcome end = client.closes_within(5s);
    EXPECT_TRUE(end == Outcome::Ok || (wire_case.may_reset && end == Outcome::Reset))
        << support::outcome_text(end) << ' ' << client.pending();
  } else {
    const Response probe = client.get("/fixed");
    EXPECT_EQ(probe.status, 200) << "out of step: " << probe;
    EXPECT_EQ(probe.body, "fixed answer");
  }
}

}  // namespace holdfast::wire
