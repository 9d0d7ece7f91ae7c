#include <gtest/gtest.h>

#include "tests/wire/replay.h"

namespace holdfast::wire {
namespace {

using support::Delivery;
using support::ServerProcess;

struct Replay {
  const char* name;
  Delivery delivery;
  unsigned rounds;
};

void PrintTo(const Replay& replay, std::ostream* out) {
  *out << replay.name;
}

class Http1Corpus : public ::testing::TestWithParam<Replay> {
 protected:
  void replay_folder(const std::string& folder) {
    ServerProcess server(corpus_config());
    ASSERT_TRUE(server.ready());
    add_corpus_files(server);
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
