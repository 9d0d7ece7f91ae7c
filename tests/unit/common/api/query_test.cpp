#include "common/api/query.h"

#include <gtest/gtest.h>

namespace holdfast::api {
namespace {

TEST(Query, values_are_decoded) {
  constexpr std::string_view kQuery = "name=Ada+Lovelace&city=Z%C3%BCrich&empty=&flag&a%26b=c%3Dd";
  EXPECT_EQ(query_value(kQuery, "name"), "Ada Lovelace");
  EXPECT_EQ(query_value(kQuery, "city"), "Z\xc3\xbcrich");
  EXPECT_EQ(query_value(kQuery, "empty"), "");
  EXPECT_EQ(query_value(kQuery, "flag"), "");
  EXPECT_EQ(query_value(kQuery, "a&b"), "c=d");
  EXPECT_EQ(query_value(kQuery, "Name"), std::nullopt);
}

TEST(Query, the_first_of_several_is_taken) {
  EXPECT_EQ(query_value("a=1&a=2", "a"), "1");
}

TEST(Query, what_is_no_escape_stays) {
  EXPECT_EQ(form_decoded("100%"), "100%");
  EXPECT_EQ(form_decoded("%4"), "%4");
  EXPECT_EQ(form_decoded("%zz%41"), "%zzA");
}

TEST(Query, empty_pieces_are_passed_over) {
  int count = 0;
  for_each_query_pair("&&a=1&&", [&](std::string_view, std::string_view) { ++count; });
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace holdfast::api
