#include "worker/http1/request_parser.h"

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "worker/http/head_lines.h"

namespace holdfast::http1 {
namespace {

using stats::BadRequest;

constexpr HeadLimits kLimits{8192, 32768, 100};

/// What came of a head, with nothing left that points into the input.
struct Outcome {
  enum Kind { NeedsMore, IsRefused, IsParsed } kind = NeedsMore;
  BadRequest why{};
  std::size_t consumed = 0;
  std::string method, target;
  api::Version version{};
  std::vector<std::pair<std::string, std::string>> fields;

  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  if (outcome.kind == Outcome::NeedsMore) return out << "needs more";
  if (outcome.kind == Outcome::IsRefused) return out << "refused " << static_cast<int>(outcome.why);
  return out << "parsed " << outcome.consumed << " bytes";
}

class Feeder {
 public:
  explicit Feeder(HeadLimits limits = kLimits) : limits_(limits), storage_(limits.field_count) {}

  /// One call with a longer input than before.
  Outcome offer(std::string_view input) {
    // The input ends at an unmapped page and moves with each call, as a growing buffer does.
    const support::GuardedBuffer guarded(input);
    const ParseResult result = parse_request_head(guarded.text(), scanned_, limits_, storage_);
    Outcome outcome;
    if (const auto* refused = std::get_if<Refused>(&result)) {
      outcome.kind = Outcome::IsRefused;
      outcome.why = refused->why;
    } else if (const auto* parsed = std::get_if<Parsed>(&result)) {
      outcome.kind = Outcome::IsParsed;
      outcome.consumed = parsed->consumed;
      outcome.method = parsed->head.method;
      outcome.target = parsed->head.target;
      outcome.version = parsed->head.version;
      for (const api::Field& field : parsed->head.fields) outcome.fields.emplace_back(field.name, field.value);
    }
    return outcome;
  }

  /// Grows the input by `step` bytes until something is decided.
  Outcome grow(std::string_view input, std::size_t step) {
    for (std::size_t size = 0; size < input.size();) {
      size = std::min(size + step, input.size());
      const Outcome outcome = offer(input.substr(0, size));
      if (outcome.kind != Outcome::NeedsMore || size == input.size()) return outcome;
    }
    return {};
  }

 private:
  HeadLimits limits_;
  std::vector<api::Field> storage_;
  std::size_t scanned_ = 0;
};

Outcome parse(std::string_view input, HeadLimits limits = kLimits) {
  return Feeder(limits).offer(input);
}

std::optional<BadRequest> refusal(std::string_view input, HeadLimits limits = kLimits) {
  const Outcome outcome = parse(input, limits);
  if (outcome.kind != Outcome::IsRefused) return std::nullopt;
  return outcome.why;
}

TEST(RequestParser, takes_a_plain_request_apart) {
  const std::string_view input =
      "GET /a?b HTTP/1.1\r\nHost: example.com\r\nX-Empty:\r\nX-Tab: \ta\tb \t\r\n\r\nrest";
  const Outcome outcome = parse(input);
  ASSERT_EQ(outcome.kind, Outcome::IsParsed);
  EXPECT_EQ(outcome.consumed, input.size() - 4);
  EXPECT_EQ(outcome.method, "GET");
  EXPECT_EQ(outcome.target, "/a?b");
  EXPECT_EQ(outcome.version, api::Version::Http11);
  const std::vector<std::pair<std::string, std::string>> fields{
      {"Host", "example.com"}, {"X-Empty", ""}, {"X-Tab", "a\tb"}};
  EXPECT_EQ(outcome.fields, fields);
}

TEST(RequestParser, accepts_what_the_grammar_allows) {
  for (const std::string_view input : {
           "GET / HTTP/1.0\r\n\r\n",
           "OPTIONS * HTTP/1.1\r\nHost:a\r\n\r\n",
           "M-SEARCH http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
           "!#$%&'*+-.^_`|~09az / HTTP/1.1\r\n!#$%&'*+-.^_`|~: x\r\n\r\n",
           "GET / HTTP/1.1\r\nX: \x80\xff obs-text\r\n\r\n",
           "GET / HTTP/1.1\r\nX: :,;=\"\\()\r\n\r\n",
       })
    EXPECT_EQ(parse(input).kind, Outcome::IsParsed) << input;
}

TEST(RequestParser, refuses_each_malformed_request_line_with_its_reason) {
  const std::pair<std::string_view, BadRequest> cases[] = {
      {"GET / HTTP/1.1 \r\n\r\n", BadRequest::Target},
      {"GET  / HTTP/1.1\r\n\r\n", BadRequest::Target},
      {"GET /  HTTP/1.1\r\n\r\n", BadRequest::Target},
      {"GET /a b HTTP/1.1\r\n\r\n", BadRequest::Target},
      {"GET /a\tb HTTP/1.1\r\n\r\n", BadRequest::Target},
      {"GET /a\rb HTTP/1.1\r\n\r\n", BadRequest::Target},
      {"GET /a\x7f HTTP/1.1\r\n\r\n", BadRequest::Target},
      {"GET  HTTP/1.1\r\n\r\n", BadRequest::Target},
      {"GET HTTP/1.1\r\n\r\n", BadRequest::RequestLine},
      {"GET /\r\n\r\n", BadRequest::RequestLine},
      {"GET\r\n\r\n", BadRequest::RequestLine},
      {" GET / HTTP/1.1\r\n\r\n", BadRequest::RequestLine},
      {"\tGET / HTTP/1.1\r\n\r\n", BadRequest::RequestLine},
      {"(GET) / HTTP/1.1\r\n\r\n", BadRequest::RequestLine},
      {"G(T / HTTP/1.1\r\n\r\n", BadRequest::Method},
      {"GET\t/ HTTP/1.1\r\n\r\n", BadRequest::RequestLine},
      {"GET / http/1.1\r\n\r\n", BadRequest::RequestLine},
      {"GET / HTTP/1\r\n\r\n", BadRequest::RequestLine},
      {"GET / HTTP/1.\r\n\r\n", BadRequest::RequestLine},
      {"GET / HTTP/11.1\r\n\r\n", BadRequest::RequestLine},
      {"GET / HTTP/1.10\r\n\r\n", BadRequest::RequestLine},
      {"GET / HTTP/1,1\r\n\r\n", BadRequest::RequestLine},
      {"GET / HTTPS/1.1\r\n\r\n", BadRequest::RequestLine},
      {"GET / HTTP/0.9\r\n\r\n", BadRequest::Version},
      {"GET / HTTP/2.0\r\n\r\n", BadRequest::Version},
      {"GET / HTTP/3.1\r\n\r\n", BadRequest::Version},
      {"\x16\x03\x01\x02", BadRequest::RequestLine},
  };
  for (const auto& [input, why] : cases) EXPECT_EQ(refusal(input), why) << input;
}

TEST(RequestParser, answers_a_higher_minor_version_as_http_1_1) {
  EXPECT_EQ(parse("GET / HTTP/1.7\r\nHost: a\r\n\r\n").version, api::Version::Http11);
  EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n").version, api::Version::Http10);
}

TEST(RequestParser, refuses_each_malformed_field_line) {
  using namespace std::string_view_literals;
  const std::string_view lines[] = {
      "NoColon",  ": x",     " X: x",     "\tX: x",     "X : x",          "X\t: x",     "X Y: x",
      "X: a\rb",  "X: a\nb", "X: a\0b"sv, "X: a\x01 b", "X: a\x7f",       "X: a\r\n b", "X: a\r\n\tb",
      "X\x80: a", "X(: a",   "\x0bX: a",  "X: a\x0b",   "X: a\r\r\nY: b", "",
  };
  for (const std::string_view line : lines) {
    const std::string input =
        "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(line) + (line.empty() ? "\n\r\n" : "\r\nZ: z\r\n\r\n");
    EXPECT_EQ(refusal(input), BadRequest::FieldLine) << testing::PrintToString(line);
  }
}

TEST(RequestParser, refuses_a_line_end_without_carriage_return_as_soon_as_it_is_seen) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\n"), BadRequest::FieldLine);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\n"), BadRequest::FieldLine);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\n"), BadRequest::FieldLine);
  EXPECT_EQ(refusal("\n"), BadRequest::RequestLine);
  EXPECT_EQ(refusal("\nGET / HTTP/1.1\r\n\r\n"), BadRequest::RequestLine);
}

TEST(RequestParser, refuses_a_malformed_request_line_before_the_fields_have_come) {
  EXPECT_EQ(refusal("hello\r\n"), BadRequest::RequestLine);
  EXPECT_EQ(refusal("GET / HTTP/2.0\r\nHost"), BadRequest::Version);
  EXPECT_EQ(Feeder().grow("hello\r\nHost: a", 1).why, BadRequest::RequestLine);
}

TEST(RequestParser, skips_a_few_empty_lines_in_front_and_counts_them_as_consumed) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const std::size_t step : {1u, 2u, 3u, 1000u}) {
    const Outcome outcome = Feeder().grow("\r\n\r\n" + head, step);
    ASSERT_EQ(outcome.kind, Outcome::IsParsed) << step;
    EXPECT_EQ(outcome.consumed, head.size() + 4);
    EXPECT_EQ(Feeder().grow("\r\n\r\n\r\n\r\n" + head, step).kind, Outcome::IsParsed);
    EXPECT_EQ(Feeder().grow("\r\n\r\n\r\n\r\n\r\n" + head, step).why, BadRequest::RequestLine);
    EXPECT_EQ(Feeder().grow("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", step).kind, Outcome::IsRefused);
    EXPECT_EQ(Feeder().grow("\r\r\n" + head, step).kind, Outcome::IsRefused);
  }
}

TEST(RequestParser, needs_more_until_the_last_byte) {
  const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
  for (std::size_t size = 0; size < head.size(); ++size)
    EXPECT_EQ(parse(std::string_view(head).substr(0, size)).kind, Outcome::NeedsMore) << size;
  EXPECT_EQ(parse(head).kind, Outcome::IsParsed);
}

TEST(RequestParser, understands_the_same_however_the_bytes_arrive) {
  const std::string_view inputs[] = {
      "GET /a?b HTTP/1.1\r\nHost: example.com\r\nX: y\r\n\r\n",
      "\r\nGET / HTTP/1.0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
      "GET\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  for (const std::string_view input : inputs) {
    const Outcome whole = parse(input);
    for (std::size_t step = 1; step < input.size(); ++step)
      EXPECT_EQ(Feeder().grow(input, step), whole) << input << " by " << step;
  }
}

TEST(RequestParser, takes_a_request_line_of_the_limit_and_refuses_one_byte_more) {
  const HeadLimits limits{64, 1000, 10};
  const auto line = [](std::size_t size) { return "GET /" + std::string(size - 14, 'a') + " HTTP/1.1"; };
  for (const std::size_t step : {1u, 7u, 1000u}) {
    EXPECT_EQ(Feeder(limits).grow(line(64) + "\r\nHost: a\r\n\r\n", step).kind, Outcome::IsParsed);
    EXPECT_EQ(Feeder(limits).grow(line(65) + "\r\nHost: a\r\n\r\n", step).why, BadRequest::RequestLineTooLong);
  }
}

TEST(RequestParser, takes_a_field_section_of_the_limit_and_refuses_one_byte_more) {
  const HeadLimits limits{64, 100, 10};
  // "X: ....\r\n" of exactly that many bytes.
  const auto request = [](std::size_t size) {
    return "GET / HTTP/1.1\r\nX: " + std::string(size - 5, 'x') + "\r\n\r\n";
  };
  for (const std::size_t step : {1u, 7u, 1000u}) {
    EXPECT_EQ(Feeder(limits).grow(request(100), step).kind, Outcome::IsParsed);
    EXPECT_EQ(Feeder(limits).grow(request(101), step).why, BadRequest::HeadTooLarge);
  }
}

TEST(RequestParser, takes_as_many_fields_as_the_limit_and_refuses_one_more) {
  const HeadLimits limits{64, 1000, 3};
  EXPECT_EQ(parse("GET / HTTP/1.1\r\na:1\r\nb:2\r\nc:3\r\n\r\n", limits).fields.size(), 3u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\na:1\r\nb:2\r\nc:3\r\nd:4\r\n\r\n", limits), BadRequest::TooManyFields);
}

TEST(RequestParser, refuses_an_endless_head_without_waiting_for_its_end) {
  const HeadLimits limits{64, 100, 10};
  EXPECT_EQ(Feeder(limits).grow("GET /" + std::string(1000, 'a'), 10).why, BadRequest::RequestLineTooLong);
  std::string fields = "GET / HTTP/1.1\r\n";
  while (fields.size() < 400) fields += "X: yyyyyyyy\r\n";
  EXPECT_EQ(Feeder(limits).grow(fields, 10).kind, Outcome::IsRefused);
  EXPECT_EQ(Feeder(limits).grow("GET / HTTP/1.1\r\nX: " + std::string(400, 'x'), 10).why,
            BadRequest::HeadTooLarge);
}

TEST(RequestParser, knows_which_bytes_a_field_value_may_hold) {
  for (int c = 0; c < 256; ++c) {
    const std::string value = std::string("ab") + static_cast<char>(c) + "cd";
    const bool allowed = (c >= 0x20 && c != 0x7f) || c == '\t';
    EXPECT_EQ(http::is_field_value(value), allowed) << c;
  }
}

}  // namespace
}  // namespace holdfast::http1
