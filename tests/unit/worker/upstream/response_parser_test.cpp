#include "worker/upstream/response_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/guarded_buffer.h"

namespace holdfast::upstream {
namespace {

using ::testing::HasSubstr;
using Event = ResponseParser::Event;
using api::FetchFailure;

/// What came of a response, with nothing left that points into the input.
struct Outcome {
  std::uint16_t status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::size_t consumed = 0;
  Event last = Event::More;
  std::string problem;
  bool keeps_alive = false;

  bool operator==(const Outcome&) const = default;
};

template <class NextSize>
Outcome parse_in(std::string_view input, bool to_head, std::size_t most_body, NextSize next_size) {
  ResponseParser parser(to_head);
  Outcome outcome;
  std::size_t given = 0;
  while (true) {
    // A block of its own size, so that a read beyond it is found.
    const support::GuardedBuffer piece(input.substr(outcome.consumed, given - outcome.consumed));
    const ResponseParser::Step step = parser.parse(piece.bytes(), most_body);
    EXPECT_LE(step.consumed, piece.bytes().size());
    EXPECT_LE(step.body.size(), most_body);
    outcome.consumed += step.consumed;
    outcome.last = step.event;
    if (step.event == Event::Head) {
      EXPECT_EQ(outcome.status, 0) << "one head";
      outcome.status = parser.status();
      for (const api::Field& field : parser.fields()) outcome.fields.emplace_back(field.name, field.value);
    }
    outcome.body.append(reinterpret_cast<const char*>(step.body.data()), step.body.size());
    if (step.event == Event::End || step.event == Event::Refused) break;
    if (step.event != Event::More) continue;
    if (given == input.size()) break;
    given += std::min(input.size() - given, next_size());
  }
  outcome.problem = parser.problem();
  outcome.keeps_alive = parser.keeps_alive();
  // Where exactly in a piece a refusal was noticed says nothing.
  if (outcome.last == Event::Refused) outcome.consumed = 0;
  return outcome;
}

Outcome parse(std::string_view input, bool to_head = false) {
  return parse_in(input, to_head, SIZE_MAX, [] { return SIZE_MAX; });
}

std::string problem_of(std::string_view input) {
  const Outcome outcome = parse(input);
  return outcome.last == Event::Refused ? outcome.problem : "";
}

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\n";

std::string ok(std::string_view rest) {
  return std::string(kOk) + std::string(rest);
}

TEST(ResponseParser, gives_head_body_and_end) {
  const std::string first = ok("Content-Type: text/plain\r\nX:\t a b \r\nContent-Length: 5\r\n\r\nhello");
  const Outcome outcome = parse(first + "HTTP/1.1 200 OK");
  EXPECT_EQ(outcome.status, 200);
  ASSERT_EQ(outcome.fields.size(), 3u);
  EXPECT_EQ(outcome.fields[1], std::make_pair(std::string("X"), std::string("a b")));
  EXPECT_EQ(outcome.body, "hello");
  EXPECT_EQ(outcome.last, Event::End);
  EXPECT_EQ(outcome.consumed, first.size()) << "what follows is not touched";
  EXPECT_TRUE(outcome.keeps_alive);
}

struct Sample {
  std::string text;
  const char* body;
  Event last;
  bool keeps_alive;
  bool to_head = false;
};

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = {
      {ok("Content-Length: 0\r\n\r\n"), "", Event::End, true},
      {ok("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), "hello", Event::End, true},
      {ok("Transfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"), "hello",
       Event::End, true},
      {ok("Content-Length: 5\r\n\r\nhel"), "hel", Event::More, false},
      {ok("\r\nuntil the end"), "until the end", Event::More, false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", Event::End, false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi", "hi", Event::End, true},
      {ok("Content-Length: 2\r\nConnection: x, Close\r\n\r\nhi"), "hi", Event::End, false},
      {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", "hi", Event::End, true},
      {"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi", "hi", Event::End, true},
      {"HTTP/1.1 204 No Content\r\n\r\n", "", Event::End, true},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc", "", Event::End, false},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", "", Event::End, true},
      {ok("Content-Length: 100\r\n\r\n"), "", Event::End, true, true},
      {ok("Transfer-Encoding: chunked\r\n\r\n"), "", Event::End, true, true},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" +
           ok("Content-Length: 2\r\n\r\nhi"),
       "hi", Event::End, true},
  };
  return all;
}

TEST(ResponseParser, knows_where_each_body_ends) {
  for (const Sample& sample : samples()) {
    const Outcome outcome = parse(sample.text, sample.to_head);
    EXPECT_EQ(outcome.body, sample.body) << sample.text;
    EXPECT_EQ(outcome.last, sample.last) << sample.text;
    EXPECT_EQ(outcome.keeps_alive, sample.keeps_alive) << sample.text;
  }
}

TEST(ResponseParser, gives_the_same_whatever_the_cuts) {
  std::mt19937 random(7);
  for (const Sample& sample : samples()) {
    const Outcome whole = parse(sample.text, sample.to_head);
    EXPECT_EQ(parse_in(sample.text, sample.to_head, SIZE_MAX, [] { return std::size_t{1}; }), whole);
    EXPECT_EQ(parse_in(sample.text, sample.to_head, 1, [] { return SIZE_MAX; }), whole);
    for (int round = 0; round < 50; ++round) {
      std::uniform_int_distribution<std::size_t> size(1, 12);
      EXPECT_EQ(parse_in(sample.text, sample.to_head, size(random), [&] { return size(random); }), whole)
          << sample.text;
    }
  }
}

TEST(ResponseParser, an_end_of_the_connection_is_an_end_or_a_cut) {
  struct Cut {
    std::string text;
    const char* problem;  // empty: whole
  };
  for (const Cut& cut :
       {Cut{"", "without an answer"}, Cut{"HTTP/1.1 200 O", "before the head"},
        Cut{"HTTP/1.1 100 Continue\r\n\r\n", "before the head"},
        Cut{ok("Content-Length: 5\r\n\r\nhel"), "before the body"},
        Cut{ok("Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"), "before the body"},
        Cut{ok("Transfer-Encoding: chunked\r\n\r\n0\r\n"), "before the body"}, Cut{ok("\r\nall of it"), ""}}) {
    ResponseParser parser(false);
    std::span<const std::byte> rest = std::as_bytes(std::span(cut.text));
    for (ResponseParser::Step step; (step = parser.parse(rest, SIZE_MAX)).event != Event::More;)
      rest = rest.subspan(step.consumed);
    const Event end = parser.end_of_input();
    if (*cut.problem == '\0') {
      EXPECT_EQ(end, Event::End) << cut.text;
      EXPECT_FALSE(parser.keeps_alive());
    } else {
      EXPECT_EQ(end, Event::Refused) << cut.text;
      EXPECT_EQ(parser.failure(), FetchFailure::CutShort);
      EXPECT_THAT(std::string(parser.problem()), HasSubstr(cut.problem)) << cut.text;
    }
  }
}

TEST(ResponseParser, refuses_what_could_be_read_in_two_ways) {
  struct Bad {
    std::string text;
    const char* problem;
  };
  for (const Bad& bad : {
           Bad{"x", "not HTTP"},
           Bad{"\r\nHTTP/1.1 200 OK\r\n\r\n", "not HTTP"},
           Bad{"HTTP/2.0 200 OK\r\n\r\n", "not HTTP"},
           Bad{"http/1.1 200 OK\r\n\r\n", "not HTTP"},
           Bad{"HTTP/1.x 200 OK\r\n\r\n", "status line"},
           Bad{"HTTP/1.1 2000 OK\r\n\r\n", "status line"},
           Bad{"HTTP/1.1 20 OK\r\n\r\n", "status line"},
           Bad{"HTTP/1.1  200 OK\r\n\r\n", "status line"},
           Bad{"HTTP/1.1 099 OK\r\n\r\n", "status line"},
           Bad{"HTTP/1.1 600 OK\r\n\r\n", "status line"},
           Bad{"HTTP/1.1 +20 OK\r\n\r\n", "status line"},
           Bad{"HTTP/1.1 200 O\x01K\r\n\r\n", "status line"},
           Bad{"HTTP/1.1\r\n\r\n", "status line"},
           Bad{"HTTP/1.1 101 Switching Protocols\r\n\r\n", "another protocol"},
           Bad{"HTTP/1.1 200 OK\nX: y\n\n", "without CR"},
           Bad{ok("X: a\rb\r\n\r\n"), "no field"},
           Bad{ok("X: a\x01\r\n\r\n"), "no field"},
           Bad{ok("X : a\r\n\r\n"), "no field"},
           Bad{ok(" X: a\r\n\r\n"), "no field"},
           Bad{ok("X: a\r\n folded\r\n\r\n"), "no field"},
           Bad{ok("junk\r\n\r\n"), "no field"},
           Bad{ok("Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), "two lengths"},
           Bad{ok("Content-Length: 5, 5\r\n\r\n"), "no number"},
           Bad{ok("Content-Length: -1\r\n\r\n"), "no number"},
           Bad{ok("Content-Length: \r\n\r\n"), "no number"},
           Bad{ok("Content-Length: 99999999999999999999\r\n\r\n"), "no number"},
           Bad{ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), "both a length and chunks"},
           Bad{ok("Transfer-Encoding: gzip, chunked\r\n\r\n"), "not understood"},
           Bad{ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), "not understood"},
           Bad{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "not understood"},
           Bad{ok("Transfer-Encoding: chunked\r\n\r\n5\nhello"), "chunks are malformed"},
           Bad{ok("Transfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n"), "chunks are malformed"},
       }) {
    EXPECT_THAT(problem_of(bad.text), HasSubstr(bad.problem)) << bad.text;
    EXPECT_EQ(parse_in(bad.text, false, SIZE_MAX, [] { return std::size_t{1}; }).problem, problem_of(bad.text))
        << bad.text;
  }
}

TEST(ResponseParser, bounds_what_a_head_may_cost) {
  const std::string large = ok("X: " + std::string(ResponseParser::kMostHeadBytes, 'x'));
  EXPECT_THAT(problem_of(large), HasSubstr("64 KiB"));
  EXPECT_THAT(problem_of(large + "\r\n\r\n"), HasSubstr("64 KiB"));
  std::string fields;
  for (std::size_t i = 0; i < ResponseParser::kMostFields; ++i) fields += "X: y\r\n";
  EXPECT_EQ(parse(ok(fields + "\r\n")).status, 200);
  EXPECT_THAT(problem_of(ok(fields + "X: y\r\n\r\n")), HasSubstr("100 fields"));
  std::string interim;
  for (int i = 0; i < ResponseParser::kMostInterim; ++i) interim += "HTTP/1.1 102 Processing\r\n\r\n";
  EXPECT_EQ(parse(interim + ok("\r\n")).status, 200);
  EXPECT_THAT(problem_of(interim + "HTTP/1.1 102 Processing\r\n\r\n"), HasSubstr("too many interim"));
}

TEST(ResponseParser, stops_before_the_body_while_there_is_no_room_for_it) {
  ResponseParser parser(false);
  const std::string text = ok("Content-Length: 5\r\n\r\nhello");
  const auto bytes = std::as_bytes(std::span(text));
  const ResponseParser::Step head = parser.parse(bytes, 0);
  ASSERT_EQ(head.event, Event::Head);
  EXPECT_TRUE(parser.in_body());
  const auto rest = bytes.subspan(head.consumed);
  const ResponseParser::Step none = parser.parse(rest, 0);
  EXPECT_EQ(none.event, Event::More);
  EXPECT_EQ(none.consumed, 0u);
  const ResponseParser::Step body = parser.parse(rest, 4);
  EXPECT_EQ(body.event, Event::Body);
  EXPECT_EQ(body.body.size(), 4u);
}

}  // namespace
}  // namespace holdfast::upstream
