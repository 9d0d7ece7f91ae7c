#include <gtest/gtest.h>
#include <malloc.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/scripted_transport.h"
#include "worker/http2/field_decoder.h"
#include "worker/http2/field_encoder.h"
#include "worker/http2/frame.h"

namespace holdfast::http2 {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class HpackTest : public ::testing::Test {
 protected:
  std::string sent() {
    while (!output_.empty()) output_.flush(transport_, SIZE_MAX);
    return peer_.take_received();
  }
  /// What a peer makes of these bytes, which are frames of one field section.
  Pairs unpacked(std::string_view bytes) {
    Pairs pairs;
    while (!bytes.empty()) {
      const auto all = std::as_bytes(std::span(bytes));
      heads_.push_back(read_head(all));
      std::span<const std::byte> piece = all.subspan(kFrameHead, heads_.back().length);
      bytes.remove_prefix(kFrameHead + heads_.back().length);
      std::string_view name;
      std::string_view value;
      while (decoder_.next(piece, bytes.empty(), name, value) == FieldDecoder::Step::Field)
        pairs.emplace_back(name, value);
    }
    return pairs;
  }

  support::ScriptedPeer peer_;
  support::ScriptedTransport transport_{peer_};
  net::OutputQueue output_;
  FieldEncoder encoder_;
  FieldDecoder decoder_;
  std::vector<FrameHead> heads_;
};

TEST_F(HpackTest, names_are_sent_in_lower_case_and_values_as_they_are) {
  std::string name;
  for (int c = '!'; c < 0x7f; ++c) name += static_cast<char>(c);
  std::string lower = name;
  for (char& c : lower) c = ascii_lower(c);
  for (std::size_t size = 1; size <= name.size(); ++size) {
    const std::string tail = name.substr(name.size() - size);
    const api::Field fields[] = {{":status", "200"}, {std::string_view(tail), "A@[z"}};
    encoder_.put(output_, 1, fields, false);
    EXPECT_EQ(unpacked(sent()), (Pairs{{":status", "200"}, {lower.substr(lower.size() - size), "A@[z"}}));
  }
}

TEST_F(HpackTest, what_does_not_fit_into_one_frame_is_continued) {
  const std::string large(40'000, '~');  // longer by Huffman than as it is
  const api::Field fields[] = {{":status", "200"}, {"x", std::string_view(large)}};
  const std::size_t bytes = encoder_.put(output_, 7, fields, true);
  const std::string all = sent();
  EXPECT_EQ(unpacked(all), (Pairs{{":status", "200"}, {"x", large}}));
  ASSERT_EQ(heads_.size(), 3u);
  EXPECT_EQ(all.size(), bytes + 3 * kFrameHead);
  EXPECT_TRUE(heads_[0].ends());
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    EXPECT_EQ(heads_[i].type, i == 0 ? FrameType::Headers : FrameType::Continuation);
    EXPECT_EQ(heads_[i].stream, 7);
    EXPECT_EQ(heads_[i].has(flags::kEndHeaders), i == 2);
  }
}

TEST_F(HpackTest, what_was_sent_before_is_sent_in_a_byte) {
  const api::Field fields[] = {{"server", "holdfast"}};
  const std::size_t first = encoder_.put(output_, 1, fields, false);
  EXPECT_GT(first, 1u);
  EXPECT_EQ(encoder_.put(output_, 1, fields, false), 1u);
  encoder_.set_table_size(0);
  EXPECT_GE(encoder_.put(output_, 1, fields, false), first);
}

TEST_F(HpackTest, each_byte_has_its_code) {
  std::string all;
  for (int c = 0; c < 256; ++c) {
    all += static_cast<char>(c);
    // Short codes around it, so that Huffman's form is the shorter one.
    const std::string value = "0000000000" + std::string(1, static_cast<char>(c)) + "0000000000";
    const api::Field field{"location", value};
    encoder_.put(output_, 1, {&field, 1}, false);
    EXPECT_EQ(unpacked(sent()), (Pairs{{"location", value}})) << c;
  }
  const api::Field field{"location", all};
  encoder_.put(output_, 1, {&field, 1}, false);
  EXPECT_EQ(unpacked(sent()), (Pairs{{"location", all}}));
}

TEST_F(HpackTest, each_name_that_the_protocol_knows_arrives_as_itself) {
  for (const char* name : {":status",
                           "accept-ranges",
                           "access-control-allow-origin",
                           "age",
                           "allow",
                           "cache-control",
                           "content-disposition",
                           "content-encoding",
                           "content-language",
                           "content-length",
                           "content-location",
                           "content-range",
                           "content-type",
                           "date",
                           "etag",
                           "expires",
                           "last-modified",
                           "link",
                           "location",
                           "proxy-authenticate",
                           "refresh",
                           "retry-after",
                           "server",
                           "set-cookie",
                           "strict-transport-security",
                           "vary",
                           "via",
                           "www-authenticate"}) {
    const api::Field field{name, "v"};
    EXPECT_LE(encoder_.put(output_, 1, {&field, 1}, false), 4u) << name;
    EXPECT_EQ(unpacked(sent()), (Pairs{{name, "v"}}));
  }
  for (int status = 100; status < 600; ++status) {
    const std::string text = std::to_string(status);
    const api::Field field{":status", text};
    encoder_.put(output_, 1, {&field, 1}, false);
    EXPECT_EQ(unpacked(sent()), (Pairs{{":status", text}}));
  }
}

TEST_F(HpackTest, what_differs_each_time_pushes_nothing_out_and_leaves_alike_each_time) {
  const api::Field fields[] = {{"etag", "\"68a1c0de-400\""}, {"content-length", "1024"}, {"etag", ""}};
  const Pairs wanted{{"etag", "\"68a1c0de-400\""}, {"content-length", "1024"}, {"etag", ""}};
  std::string first;
  for (int round = 0; round < 3; ++round) {
    encoder_.put(output_, 1, fields, false);
    const std::string bytes = sent();
    EXPECT_EQ(unpacked(bytes), wanted);
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first);
  }
}

TEST_F(HpackTest, a_cookie_is_kept_by_nobody) {
  const api::Field field{"Set-Cookie", "~"};
  for (int round = 0; round < 2; ++round) {
    encoder_.put(output_, 1, {&field, 1}, false);
    EXPECT_EQ(sent().substr(kFrameHead), (std::string{0x1f, 0x28, 0x01, '~'}));
  }
}

TEST_F(HpackTest, a_table_that_shrank_and_grew_in_between_is_empty) {
  const api::Field field{"server", "holdfast"};
  const std::size_t first = encoder_.put(output_, 1, {&field, 1}, false);
  encoder_.set_table_size(0);
  encoder_.set_table_size(4096);
  // Both sizes are told: one byte, and three.
  sent();
  EXPECT_EQ(encoder_.put(output_, 1, {&field, 1}, false), 1 + 3 + first);
  EXPECT_EQ(unpacked(sent()), (Pairs{{"server", "holdfast"}}));
  EXPECT_EQ(encoder_.put(output_, 1, {&field, 1}, false), 1u);
  EXPECT_EQ(unpacked(sent()), (Pairs{{"server", "holdfast"}}));
}

TEST_F(HpackTest, what_was_pushed_out_of_the_table_holds_no_memory) {
  const auto held = [] { return mallinfo2().uordblks; };
  encoder_.put(output_, 1, {}, false);
  sent();
  const std::size_t before = held();
  for (int i = 0; i < 300; ++i) {
    const std::string value = std::to_string(i) + std::string(4000, 'x');
    const api::Field field{"x-large", value};
    encoder_.put(output_, 1, {&field, 1}, false);
    sent();
  }
  EXPECT_LT(held(), before + 64 * 1024);
}

TEST_F(HpackTest, a_field_without_a_value_is_found_again) {
  const api::Field field{"x-a", {}};
  for (int round = 0; round < 2; ++round) {
    encoder_.put(output_, 1, {&field, 1}, false);
    EXPECT_EQ(unpacked(sent()), (Pairs{{"x-a", ""}}));
  }
}

TEST_F(HpackTest, what_found_no_room_is_kept_once_there_is_room) {
  const api::Field field{"vary", "Accept"};
  encoder_.set_table_size(0);
  encoder_.put(output_, 1, {&field, 1}, false);
  encoder_.set_table_size(4096);
  encoder_.put(output_, 1, {&field, 1}, false);
  EXPECT_EQ(encoder_.put(output_, 1, {&field, 1}, false), 1u);
}

TEST_F(HpackTest, whatever_is_sent_in_whatever_order_arrives) {
  std::mt19937 random(20261128);
  const auto any_text = [&](std::size_t most) {
    std::string text(random() % most, '\0');
    for (char& c : text) c = static_cast<char>(random() % 256);
    return text;
  };
  // Few names and values, so that many come again; some that fill the table, or do not fit.
  std::vector<std::string> names = {"date", "Date", "etag", "set-cookie", "x-request-id",
                                    "vary", "x-a",  "x-b",  "x-c"};
  std::vector<std::string> values;
  for (int i = 0; i < 60; ++i) values.push_back(any_text(i < 50 ? 60 : 4200));
  for (int section = 0; section < 20'000; ++section) {
    if (random() % 50 == 0) encoder_.set_table_size(static_cast<std::uint32_t>(random() % 5000));
    std::vector<api::Field> fields;
    Pairs wanted;
    for (std::size_t count = 1 + random() % 6; count > 0; --count) {
      const std::string& value = values[random() % (random() % 8 == 0 ? values.size() : 50)];
      const std::string& name = names[random() % names.size()];
      fields.push_back({name, value});
      wanted.emplace_back(ascii_lowered(name), value);
    }
    encoder_.put(output_, 1, fields, false);
    ASSERT_EQ(unpacked(sent()), wanted) << section;
  }
}

}  // namespace
}  // namespace holdfast::http2
