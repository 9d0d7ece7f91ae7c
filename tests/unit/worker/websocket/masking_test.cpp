#include "worker/websocket/masking.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace holdfast::websocket {
namespace {

constexpr MaskingKey kAnyKey{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};

TEST(Masking, is_that_of_the_example) {
  // RFC 6455 section 5.7: a masked "Hello".
  std::vector<std::byte> bytes;
  for (const int byte : {0x7f, 0x9f, 0x4d, 0x51, 0x58}) bytes.push_back(static_cast<std::byte>(byte));
  unmask(bytes, kAnyKey, 0);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "Hello");
}

TEST(Masking, is_the_same_as_byte_by_byte_for_every_size_phase_and_place) {
  std::mt19937 random(4);
  std::vector<std::byte> memory(96);
  for (std::size_t size = 0; size <= 70; ++size)
    for (std::size_t place = 0; place < 8; ++place)
      for (std::size_t phase = 0; phase < 9; ++phase) {
        for (std::byte& byte : memory) byte = static_cast<std::byte>(random());
        std::vector<std::byte> expected = memory;
        for (std::size_t i = 0; i < size; ++i) expected[place + i] ^= kAnyKey[(phase + i) % 4];
        unmask(std::span(memory).subspan(place, size), kAnyKey, phase);
        ASSERT_EQ(memory, expected) << size << ' ' << place << ' ' << phase;
      }
}

TEST(Masking, a_payload_may_be_cut_anywhere) {
  std::vector<std::byte> whole(100);
  for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = static_cast<std::byte>(i);
  const std::vector<std::byte> before = whole;
  unmask(whole, kAnyKey, 0);
  for (std::size_t cut = 0; cut <= before.size(); ++cut) {
    std::vector<std::byte> parts = before;
    unmask(std::span(parts).first(cut), kAnyKey, 0);
    unmask(std::span(parts).subspan(cut), kAnyKey, cut);
    EXPECT_EQ(parts, whole);
  }
}

TEST(Masking, twice_is_nothing) {
  std::vector<std::byte> bytes(33, std::byte{0x5a});
  const std::vector<std::byte> before = bytes;
  unmask(bytes, kAnyKey, SIZE_MAX);
  EXPECT_NE(bytes, before);
  unmask(bytes, kAnyKey, SIZE_MAX);
  EXPECT_EQ(bytes, before);
}

}  // namespace
}  // namespace holdfast::websocket
