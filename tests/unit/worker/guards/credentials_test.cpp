#include "worker/guards/credentials.h"

#include <gtest/gtest.h>

namespace holdfast::guards {
namespace {

TEST(Credentials, are_read_from_the_basic_scheme) {
  const auto one = parse_basic("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->user, "Aladdin");
  EXPECT_EQ(one->password, "open sesame");
  EXPECT_EQ(parse_basic("bAsIc  QWxhZGRpbjpvcGVuIHNlc2FtZQ")->user, "Aladdin");
}

TEST(Credentials, a_password_may_hold_colons_and_be_empty) {
  EXPECT_EQ(parse_basic("Basic YTpiOmM=")->password, "b:c");
  EXPECT_EQ(parse_basic("Basic YTo=")->password, "");
  EXPECT_EQ(parse_basic("Basic Og==")->user, "");
}

TEST(Credentials, anything_else_is_nobody) {
  for (const char* bad : {"", "Basic", "Basic ", "BasicQWxhZGRpbg==", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
                          "Basic YQ==", "Basic Y", "Basic YTpi=", "Basic YTp!",
                          "Basic YTpiYQ=== ", "Basic AGE6Yg==", "Basic YTpj YTpj", "Basic YTpjZ"})
    EXPECT_FALSE(parse_basic(bad)) << bad;
  EXPECT_FALSE(parse_basic("Basic " + std::string(2000, 'A')));
}

}  // namespace
}  // namespace holdfast::guards
