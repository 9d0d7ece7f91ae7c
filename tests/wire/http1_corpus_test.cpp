#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>

#include "tests/support/server_process.h"
#include "tests/support/split_feeder.h"
#include "tests/wire/wire_case.h"

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

struct Replay {
  const char* name;
  Delivery delivery;
  unsigned rounds;
};

class Http1Corpus : public ::testing::TestWithParam<Replay> {
 protected:
  void replay_folder(const std::string& folder) {
    support::ServerConfig config;
    config.limits = "request_line: 2KiB, request_headers: 4KiB, header_count: 50, request_body: 4KiB";
    ServerProcess server(config);
    ASSERT_TRUE(server.ready());
    server.dir().write("www/index.html", "index");
    const std::vector<WireCase> cases = load_cases(std::string(HOLDFAST_WIRE_CORPUS) + "/http1/" + folder);
    ASSERT_GE(cases.size(), 200u);
    for (unsigned round = 1; round <= GetParam().rounds; ++round)
      for (const WireCase& wire_case : cases) replay(server, wire_case, GetParam().delivery, round);
    EXPECT_EQ(support::get(server.port(), "/fixed").status, 200);
  }
};

TEST_P(Http1Corpus, valid_requests_get_their_answers) {
  replay_folder("valid");
}
TEST_P(Http1Corpus, refused_requests_end_the_connection) {
  replay_folder("refused");
}

INSTANTIATE_TEST_SUITE_P(arriving, Http1Corpus,
                         ::testing::Values(Replay{"whole", Delivery::Whole, 1},
                                           Replay{"by_line", Delivery::Lines, 1},
                                           Replay{"between_cr_and_lf", Delivery::CrThenLf, 1},
                                           Replay{"by_byte", Delivery::Bytes, 1},
                                           Replay{"in_random_cuts", Delivery::RandomCuts, 5}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace holdfast::wire
