#include "common/http_date.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace holdfast {
namespace {

constexpr std::time_t kSpecTime = 784111777;  // the example of RFC 9110
constexpr std::time_t kNow = 1'790'000'000;   // September 2026

std::string formatted(std::time_t seconds) {
  const HttpDateText text = format_http_date(seconds);
  return {text.data(), text.size()};
}

TEST(HttpDate, WritesTheFixedFormOfTheRfc) {
  EXPECT_EQ(formatted(kSpecTime), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(formatted(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(formatted(951'782'400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(formatted(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(HttpDate, StaysWithinFourDigitYears) {
  EXPECT_EQ(formatted(std::time_t{1} << 60), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(formatted(-(std::time_t{1} << 60)), "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(HttpDate, ReadsAllThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kSpecTime);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kSpecTime);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", kNow), kSpecTime);
  EXPECT_EQ(parse_http_date("Sun Nov 16 08:49:37 1994", kNow), kSpecTime + 10 * 86400);
}

TEST(HttpDate, TakesATwoDigitYearForThePastWhenItLiesMoreThanFiftyYearsAhead) {
  const auto year = [](std::string_view text) { return formatted(*parse_http_date(text, kNow)).substr(12, 4); };
  EXPECT_EQ(year("Sunday, 06-Nov-26 08:49:37 GMT"), "2026");
  EXPECT_EQ(year("Sunday, 06-Nov-76 08:49:37 GMT"), "2076");
  EXPECT_EQ(year("Sunday, 06-Nov-77 08:49:37 GMT"), "1977");
  EXPECT_EQ(year("Saturday, 06-Nov-99 08:49:37 GMT"), "1999");
}

TEST(HttpDate, CountsALeapSecondAsTheNextMinute) {
  EXPECT_EQ(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", kNow), 1'483'228'800);
}

TEST(HttpDate, RefusesWhatIsNotADate) {
  for (const char* text : {"",
                           "0",
                           "yesterday",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "sun, 06 nov 1994 08:49:37 gmt",
                           "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           " Sun, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov -994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 GMT; length=7",
                           "Sun Nov 6 08:49:37 1994",
                           "Sunday, 06-Nov-1994 08:49:37 GMT",
                           "Someday, 06-Nov-94 08:49:37 GMT",
                           "Sun, 06 Foo 1994 08:49:37 GMT",
                           "Sun, 06-Nov-1994 08:49:37 GMT"})
    EXPECT_EQ(parse_http_date(text, kNow), std::nullopt) << text;
}

TEST(HttpDate, ReadsBackEveryDateItWrites) {
  std::mt19937_64 random(7);
  std::uniform_int_distribution<std::time_t> seconds(-62'167'219'200, 253'402'300'799);
  for (int i = 0; i < 20'000; ++i) {
    const std::time_t moment = seconds(random);
    tm parts{};
    gmtime_r(&moment, &parts);
    const std::string text = formatted(moment);
    ASSERT_EQ(parse_http_date(text, kNow), moment) << text;
    ASSERT_EQ(std::stoi(text.substr(5, 2)), parts.tm_mday) << text;
    ASSERT_EQ(std::stoi(text.substr(12, 4)), parts.tm_year + 1900) << text;
  }
}

}  // namespace
}  // namespace holdfast
