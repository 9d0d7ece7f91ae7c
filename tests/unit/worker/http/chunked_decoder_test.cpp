#include "worker/http/chunked_decoder.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>

#include "tests/support/guarded_buffer.h"

namespace holdfast::http {
namespace {

using stats::BadRequest;

struct Decoded {
  std::string data;
  std::size_t consumed = 0;
  bool done = false;
  std::optional<BadRequest> refused;

  bool operator==(const Decoded&) const = default;
};

/// Feeds pieces of `step` bytes, as far as each is used; `most` bounds the data of each call.
Decoded decode(std::string_view input, std::size_t step = SIZE_MAX, std::size_t most = SIZE_MAX) {
  ChunkedDecoder decoder;
  Decoded decoded;
  while (decoded.consumed < input.size() && !decoded.done && !decoded.refused) {
    const support::GuardedBuffer piece(input.substr(decoded.consumed, step));
    const ChunkedDecoder::Step taken = decoder.decode(piece.bytes(), most);
    EXPECT_LE(taken.consumed, piece.bytes().size());
    EXPECT_LE(taken.data.size(), most);
    decoded.data.append(reinterpret_cast<const char*>(taken.data.data()), taken.data.size());
    decoded.consumed += taken.consumed;
    decoded.done = taken.done;
    decoded.refused = taken.refused;
    if (taken.consumed == 0 && !taken.done && !taken.refused) {
      ADD_FAILURE() << "no progress at " << decoded.consumed;
      break;
    }
  }
  return decoded;
}

TEST(ChunkedDecoder, gives_the_data_and_stops_after_the_end) {
  const Decoded decoded = decode("4\r\nWiki\r\nA\r\npedia in c\r\n0\r\n\r\nGET / HTTP/1.1");
  EXPECT_EQ(decoded.data, "Wikipedia in c");
  EXPECT_TRUE(decoded.done);
  EXPECT_EQ(decoded.consumed, 29u);
}

TEST(ChunkedDecoder, accepts_what_the_grammar_allows) {
  for (const std::string_view input : {
           "0\r\n\r\n",
           "000\r\n\r\n",
           "00000A\r\n0123456789\r\n0\r\n\r\n",
           "a\r\n0123456789\r\n0\r\n\r\n",
           "1;name\r\nx\r\n0\r\n\r\n",
           "1;name=value;other=\"quo;ted\\\"\"\r\nx\r\n0;last\r\n\r\n",
           "1 ; name = value\r\nx\r\n0\r\n\r\n",
           "1\t;name\r\nx\r\n0\r\n\r\n",
           "1\r\nx\r\n0\r\nTrailer: value\r\nOther:\r\n\r\n",
       }) {
    const Decoded decoded = decode(input);
    EXPECT_TRUE(decoded.done) << input;
    EXPECT_EQ(decoded.consumed, input.size()) << input;
  }
}

TEST(ChunkedDecoder, refuses_chunk_size_junk) {
  using namespace std::string_view_literals;
  const std::string_view inputs[] = {
      "\r\n",
      "x\r\n",
      "-1\r\n",
      "+1\r\nx\r\n0\r\n\r\n",
      " 1\r\nx\r\n0\r\n\r\n",
      "0x1\r\nx\r\n0\r\n\r\n",
      "1_0\r\n",
      "1,\r\n",
      "1 1\r\nx\r\n0\r\n\r\n",
      "1 x\r\nx\r\n0\r\n\r\n",
      "1 \r\nx\r\n0\r\n\r\n",
      "1\t\t\r\nx\r\n0\r\n\r\n",
      ";ext\r\n",
      "1\nx\n0\n\n",
      "1\r\rx",
      "1;a\nx",
      "1;a\rb\r\nx",
      "1;a\0b\r\nx"sv,
      "1;a\x7f\r\nx",
      "1\r\nxx\r\n0\r\n\r\n",
      "1\r\nx\n0\r\n\r\n",
      "1\r\nx0\r\n\r\n",
      "3\r\nabc\r\r\n0\r\n\r\n",
  };
  for (const std::string_view input : inputs)
    EXPECT_EQ(decode(input).refused, BadRequest::ChunkSyntax) << testing::PrintToString(input);
}

TEST(ChunkedDecoder, a_quoted_extension_ends_within_its_line) {
  for (const std::string_view input : {
           "1;a=\"\r\nx\r\n0\r\n\r\n",
           "1;a=\"\r\n\"\r\nx\r\n0\r\n\r\n",
           "1;a=\"b\\\"\r\nx\r\n0\r\n\r\n",
           "1;a=\"b\\\r\n\"\r\nx\r\n0\r\n\r\n",
           "1;a=\"b\"c\"\r\nx\r\n0\r\n\r\n",
           "0;a=\"\r\n\r\n",
       }) {
    EXPECT_EQ(decode(input).refused, BadRequest::ChunkSyntax) << input;
    EXPECT_EQ(decode(input, 1).refused, BadRequest::ChunkSyntax) << input;
  }
  EXPECT_TRUE(decode("1;a=\"b\\\\\";c=\"\";d=\"\\\"\"\r\nx\r\n0\r\n\r\n").done);
}

TEST(ChunkedDecoder, refuses_malformed_trailers) {
  for (const std::string_view input : {
           "0\r\n\n",
           "0\r\n folded\r\n\r\n",
           "0\r\n: x\r\n\r\n",
           "0\r\nA : x\r\n\r\n",
           "0\r\nA\r\n\r\n",
           "0\r\nA: x\n\r\n",
           "0\r\nA: x\ry\r\n\r\n",
           "0\r\nA: x\x01\r\n\r\n",
           "0\r\n\rx",
       })
    EXPECT_EQ(decode(input).refused, BadRequest::TrailerSyntax) << testing::PrintToString(input);
}

TEST(ChunkedDecoder, a_size_beyond_any_body_is_refused_rather_than_wrapped) {
  EXPECT_TRUE(decode("10000000000000000\r\n").refused);
  EXPECT_TRUE(decode("ffffffffffffffff\r\n").refused);
  EXPECT_TRUE(decode("0000000000000000000000001\r\nx").refused);
  EXPECT_FALSE(decode("fffffffffffffff\r\nx").refused);
}

TEST(ChunkedDecoder, gives_the_same_whatever_the_cuts) {
  const std::string_view inputs[] = {
      "4\r\nWiki\r\n5;a=b\r\npedia\r\n0\r\nTrailer: v\r\n\r\nnext",
      "1\r\nx\r\n1\r\ny\r\n00\r\n\r\n",
      "4\r\nWikiX\n",
      "4\r\nWiki\r\n0\r\nbad trailer\r\n\r\n",
      "4 4\r\nWiki\r\n0\r\n\r\n",
  };
  for (const std::string_view input : inputs) {
    const Decoded whole = decode(input);
    for (std::size_t step = 1; step < input.size(); ++step)
      for (const std::size_t most : {std::size_t{1}, std::size_t{3}, std::size_t{SIZE_MAX}})
        EXPECT_EQ(decode(input, step, most), whole) << input << " by " << step;
  }
}

TEST(ChunkedDecoder, random_bodies_come_through_random_cuts) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string body, wire;
    for (unsigned chunks = random() % 6; chunks > 0; --chunks) {
      const std::string data(1 + random() % 300, static_cast<char>('a' + random() % 26));
      char size[16];
      std::snprintf(size, sizeof size, random() % 2 ? "%zx" : "%zX", data.size());
      body += data;
      wire += std::string(size) + "\r\n" + data + "\r\n";
    }
    wire += "0\r\n\r\n";
    const Decoded decoded = decode(wire, 1 + random() % 50, 1 + random() % 100);
    ASSERT_TRUE(decoded.done);
    ASSERT_EQ(decoded.data, body);
  }
}

TEST(ChunkedDecoder, stops_before_data_while_none_may_be_given) {
  ChunkedDecoder decoder;
  const std::string_view input = "3\r\nabc\r\n0\r\n\r\n";
  const auto bytes = std::as_bytes(std::span(input));
  const ChunkedDecoder::Step first = decoder.decode(bytes, 0);
  EXPECT_EQ(first.consumed, 3u);
  EXPECT_TRUE(first.data.empty());
  EXPECT_EQ(decoder.decode(bytes.subspan(3), 0).consumed, 0u);
  EXPECT_EQ(decoder.decode(bytes.subspan(3), 2).data.size(), 2u);
}

TEST(ChunkedDecoder, bounds_what_extensions_and_trailers_may_cost) {
  EXPECT_TRUE(decode("1;" + std::string(16'000, 'a') + "\r\nx\r\n0\r\n\r\n").done);
  EXPECT_EQ(decode("1;" + std::string(17'000, 'a') + "\r\nx").refused, BadRequest::ChunkSyntax);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "1;" + std::string(20, 'a') + "\r\nx\r\n";
  EXPECT_EQ(decode(many + "0\r\n\r\n").refused, BadRequest::ChunkSyntax);
  EXPECT_EQ(decode("0\r\nA: " + std::string(17'000, 'a')).refused, BadRequest::TrailerSyntax);
}

TEST(ChunkedDecoder, is_as_new_after_reset) {
  ChunkedDecoder decoder;
  const std::string_view broken = "zz";
  EXPECT_TRUE(decoder.decode(std::as_bytes(std::span(broken)), 10).refused);
  decoder.reset();
  const std::string_view fine = "0\r\n\r\n";
  EXPECT_TRUE(decoder.decode(std::as_bytes(std::span(fine)), 10).done);
}

}  // namespace
}  // namespace holdfast::http
