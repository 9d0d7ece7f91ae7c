#include "common/buffer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

namespace holdfast {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
std::string text_of(const Buffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.bytes().data()), buffer.bytes().size()};
}

TEST(Buffer, HoldsNothingAtFirstAndAfterAllIsConsumed) {
  Buffer buffer;
  EXPECT_TRUE(buffer.empty());
  buffer.append({});
  EXPECT_TRUE(buffer.empty());
  buffer.append(bytes_of("abc"));
  buffer.consume(3);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.size(), 0u);
}

TEST(Buffer, MovesItsBytes) {
  Buffer buffer;
  buffer.append(bytes_of("abc"));
  Buffer other(std::move(buffer));
  EXPECT_EQ(text_of(other), "abc");
  Buffer third;
  third = std::move(other);
  EXPECT_EQ(text_of(third), "abc");
}

TEST(Buffer, KeepsItsContentsWhileItGrowsAndShrinks) {
  std::mt19937 random(3);
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::string piece(random() % 300, static_cast<char>('a' + i % 26));
    if (i % 2 == 0) {
      buffer.append(bytes_of(piece));
    } else {
      const auto room = buffer.room(piece.size());
      ASSERT_GE(room.size(), piece.size());
      if (!piece.empty()) std::memcpy(room.data(), piece.data(), piece.size());
      buffer.commit(piece.size());
    }
    expected += piece;
    const std::size_t take = std::min<std::size_t>(random() % 320, expected.size());
    if (take > 0) buffer.consume(take);
    expected.erase(0, take);
    ASSERT_EQ(text_of(buffer), expected);
  }
}

}  // namespace
}  // namespace holdfast
