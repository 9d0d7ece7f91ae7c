#include "worker/http/percent_encoding.h"

#include <gtest/gtest.h>

namespace holdfast::http {
namespace {

TEST(PercentEncoding, APathNeverNamesAnotherHost) {
  std::string out;
  append_encoded_path(out, "///evil.example/a b%\r\n\"<\xc3\xa4/");
  EXPECT_EQ(out, "/evil.example/a%20b%25%0D%0A%22%3C%C3%A4/");
}

TEST(PercentEncoding, ASegmentIsNeverTakenForASchemeOrASeparator) {
  std::string out;
  append_encoded_segment(out, "javascript:a/b?c#d&'");
  EXPECT_EQ(out, "javascript%3Aa%2Fb%3Fc%23d%26%27");
}

}  // namespace
}  // namespace holdfast::http
