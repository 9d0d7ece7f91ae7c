#include "worker/http2/hpack.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/scripted_transport.h"
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

}  // namespace
}  // namespace holdfast::http2
