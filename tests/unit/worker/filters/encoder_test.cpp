#include "worker/filters/encoder.h"

#include <gtest/gtest.h>

#include "tests/support/gzip_text.h"

namespace holdfast::filters {
namespace {

using support::gunzip;

struct EachCoding : testing::TestWithParam<Coding> {};
INSTANTIATE_TEST_SUITE_P(codings, EachCoding, testing::Values(Coding::Gzip, Coding::Brotli, Coding::Zstd),
                         [](const auto& info) { return std::string(row(info.param).name); });

std::string feed(Encoder& encoder, std::string_view text, std::size_t room_size, Encoder::End end) {
  std::string packed;
  std::span<const std::byte> rest = std::as_bytes(std::span(text));
  std::vector<std::byte> room(room_size);
  for (bool done = false; !done;) {
    const Encoder::Step step = encoder.encode(rest, room, end);
    EXPECT_LE(step.produced, room_size);
    packed.append(reinterpret_cast<const char*>(room.data()), step.produced);
    rest = rest.subspan(step.consumed);
    done = step.done;
    if (!done && step.consumed == 0 && step.produced == 0) return ADD_FAILURE() << "no progress", packed;
  }
  EXPECT_TRUE(rest.empty());
  return packed;
}

TEST_P(EachCoding, gives_the_same_in_small_rooms_and_after_a_reset) {
  if (!is_available(GetParam())) GTEST_SKIP() << "not in this build";
  const auto encoder = make_encoder(GetParam(), 6);
  ASSERT_TRUE(encoder);
  const std::string text = support::packable_text(100'000);
  const std::string large = feed(*encoder, text, 200'000, Encoder::End::Finish);
  EXPECT_LT(large.size(), text.size() / 2);
  encoder->reset();
  const std::string small = feed(*encoder, text, 100, Encoder::End::Finish);
  if (GetParam() == Coding::Gzip) {
    EXPECT_EQ(gunzip(small), text);
    EXPECT_EQ(gunzip(large), text);
  }
  EXPECT_LT(small.size(), text.size() / 2);
}

TEST_P(EachCoding, packs_at_once_and_an_empty_text_too) {
  if (!is_available(GetParam())) GTEST_SKIP() << "not in this build";
  const std::string text = support::packable_text(300'000);
  const auto packed = compress_whole(GetParam(), 6, text);
  ASSERT_TRUE(packed);
  EXPECT_LT(packed->size(), text.size() / 2);
  ASSERT_TRUE(compress_whole(GetParam(), 6, ""));
  EXPECT_FALSE(compress_whole(GetParam(), 6, "")->empty());
}

TEST(Gzip, flush_makes_all_that_went_in_readable) {
  const auto encoder = make_encoder(Coding::Gzip, 6);
  std::string packed = feed(*encoder, "first", 1000, Encoder::End::Flush);
  EXPECT_EQ(gunzip(packed, false), "first");
  packed += feed(*encoder, " second", 1000, Encoder::End::Finish);
  EXPECT_EQ(gunzip(packed), "first second");
}

TEST(EncoderPool, gives_a_clean_encoder_again) {
  EncoderPool pool;
  auto encoder = pool.take(Coding::Gzip, 6);
  feed(*encoder, "half of something", 1000, Encoder::End::None);
  Encoder* const first = encoder.get();
  pool.give_back(Coding::Gzip, 6, std::move(encoder));
  EXPECT_NE(pool.take(Coding::Gzip, 1).get(), first) << "another level is another encoder";
  encoder = pool.take(Coding::Gzip, 6);
  EXPECT_EQ(encoder.get(), first);
  EXPECT_EQ(gunzip(feed(*encoder, "new", 1000, Encoder::End::Finish)), "new");
}

}  // namespace
}  // namespace holdfast::filters
