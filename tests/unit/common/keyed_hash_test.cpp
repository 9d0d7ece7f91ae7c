#include "common/keyed_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast {
namespace {

// The secret 00 01 .. 0f and the texts of the paper's appendix: 00, 00 01, ...
constexpr HashSecret kPaper{0x0706050403020100, 0x0f0e0d0c0b0a0908};

TEST(KeyedHash, is_siphash_2_4) {
  std::string text;
  EXPECT_EQ(keyed_hash(kPaper, text), 0x726fdb47dd0e0e31u);
  for (char c = 0; c < 15; ++c) {
    if (c == 8) {
      EXPECT_EQ(keyed_hash(kPaper, text), 0x93f5f5799a932462u);
    }
    text += c;
  }
  EXPECT_EQ(keyed_hash(kPaper, text), 0xa129ca6149be45e5u);
}

TEST(KeyedHash, has_a_new_secret_each_time_and_one_for_each_purpose) {
  const HashSecret one = *HashSecret::random();
  const HashSecret other = *HashSecret::random();
  EXPECT_NE(keyed_hash(one, "x"), keyed_hash(other, "x"));
  EXPECT_NE(keyed_hash(secret_for(one, "a"), "x"), keyed_hash(secret_for(one, "b"), "x"));
  EXPECT_EQ(keyed_hash(secret_for(one, "a"), "x"), keyed_hash(secret_for(one, "a"), "x"));
}

}  // namespace
}  // namespace holdfast
