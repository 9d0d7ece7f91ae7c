#include "worker/http/conditional.h"

#include <gtest/gtest.h>

#include <vector>

namespace holdfast::http {
namespace {

constexpr std::time_t kModified = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::time_t kNow = kModified + 86400;
constexpr std::string_view kSame = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";

using Fields = std::vector<api::Field>;

Precondition evaluate(const Fields& fields, api::Method method = api::Method::Get,
                      Validators validators = {"\"v1\"", kModified, true}) {
  api::Request request;
  request.method = method;
  request.fields = fields;
  return evaluate_preconditions(request, validators, kNow);
}

bool range_holds(const Fields& fields, Validators validators = {"\"v1\"", kModified, true},
                 std::time_t now = kNow) {
  api::Request request;
  request.fields = fields;
  return if_range_holds(request, validators, now);
}

TEST(Conditional, WithoutConditionsItProceeds) {
  EXPECT_EQ(evaluate({{"Accept", "*/*"}, {"If-Range", "\"x\""}}), Precondition::Proceed);
}

TEST(Conditional, IfNoneMatchComparesWeaklyOverListsAndLines) {
  for (const char* list : {"\"v1\"", "W/\"v1\"", "\"a\", W/\"v1\" ,\"b\"", "*", " * ", ",,\"v1\"",
                           "junk, \"v1\"", "\"a,b\",\"v1\""})
    EXPECT_EQ(evaluate({{"if-none-match", list}}), Precondition::NotModified) << list;
  for (const char* list : {"\"v2\"", "v1", "\"v1", "w/\"v1\"x", "\"V1\"", "", "\"x, \"v1\\\""})
    EXPECT_EQ(evaluate({{"If-None-Match", list}}), Precondition::Proceed) << list;
  EXPECT_EQ(evaluate({{"If-None-Match", "\"a\""}, {"X", "y"}, {"If-None-Match", "\"v1\""}}),
            Precondition::NotModified);
}

TEST(Conditional, IfNoneMatchFailsForMethodsThatChangeSomething) {
  EXPECT_EQ(evaluate({{"If-None-Match", "*"}}, api::Method::Put), Precondition::Failed);
  EXPECT_EQ(evaluate({{"If-None-Match", "*"}}, api::Method::Put, {"", std::nullopt, false}),
            Precondition::Proceed);
  EXPECT_EQ(evaluate({{"If-None-Match", "\"v1\""}}, api::Method::Head), Precondition::NotModified);
}

TEST(Conditional, IfNoneMatchOverrulesIfModifiedSince) {
  EXPECT_EQ(evaluate({{"If-None-Match", "\"old\""}, {"If-Modified-Since", kSame}}), Precondition::Proceed);
  EXPECT_EQ(evaluate({{"If-None-Match", "\"v1\""}, {"If-Modified-Since", kBefore}}), Precondition::NotModified);
}

TEST(Conditional, IfModifiedSinceComparesDates) {
  EXPECT_EQ(evaluate({{"If-Modified-Since", kSame}}), Precondition::NotModified);
  EXPECT_EQ(evaluate({{"If-Modified-Since", kAfter}}), Precondition::NotModified);
  EXPECT_EQ(evaluate({{"If-Modified-Since", kBefore}}), Precondition::Proceed);
  EXPECT_EQ(evaluate({{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}), Precondition::NotModified);
  EXPECT_EQ(evaluate({{"If-Modified-Since", "Sun Nov  6 08:49:37 1994"}}), Precondition::NotModified);
}

TEST(Conditional, IfModifiedSinceIsIgnoredWhenMalformedRepeatedOrNotARead) {
  EXPECT_EQ(evaluate({{"If-Modified-Since", "yesterday"}}), Precondition::Proceed);
  EXPECT_EQ(evaluate({{"If-Modified-Since", kSame}, {"If-Modified-Since", kSame}}), Precondition::Proceed);
  EXPECT_EQ(evaluate({{"If-Modified-Since", kSame}}, api::Method::Post), Precondition::Proceed);
  EXPECT_EQ(evaluate({{"If-Modified-Since", kSame}}, api::Method::Get, {"\"v1\"", std::nullopt, true}),
            Precondition::Proceed);
}

TEST(Conditional, IfMatchComparesStrongly) {
  EXPECT_EQ(evaluate({{"If-Match", "\"a\", \"v1\""}}), Precondition::Proceed);
  EXPECT_EQ(evaluate({{"If-Match", "*"}}), Precondition::Proceed);
  EXPECT_EQ(evaluate({{"If-Match", "W/\"v1\""}}), Precondition::Failed);
  EXPECT_EQ(evaluate({{"If-Match", "\"v2\""}}), Precondition::Failed);
  EXPECT_EQ(evaluate({{"If-Match", ""}}), Precondition::Failed);
  EXPECT_EQ(evaluate({{"If-Match", "W/\"v1\""}}, api::Method::Get, {"W/\"v1\"", kModified, true}),
            Precondition::Failed);
}

TEST(Conditional, IfUnmodifiedSinceCountsOnlyWithoutIfMatch) {
  EXPECT_EQ(evaluate({{"If-Unmodified-Since", kBefore}}), Precondition::Failed);
  EXPECT_EQ(evaluate({{"If-Unmodified-Since", kSame}}), Precondition::Proceed);
  EXPECT_EQ(evaluate({{"If-Unmodified-Since", "junk"}}), Precondition::Proceed);
  EXPECT_EQ(evaluate({{"If-Match", "\"v1\""}, {"If-Unmodified-Since", kBefore}}), Precondition::Proceed);
}

TEST(Conditional, AFailedRequirementComesBeforeNotModified) {
  EXPECT_EQ(evaluate({{"If-None-Match", "\"v1\""}, {"If-Match", "\"v2\""}}), Precondition::Failed);
  EXPECT_EQ(evaluate({{"If-None-Match", "\"v1\""}, {"If-Match", "\"v1\""}}), Precondition::NotModified);
}

TEST(IfRange, HoldsForTheSameStrongTagOnly) {
  EXPECT_TRUE(range_holds({}));
  EXPECT_TRUE(range_holds({{"If-Range", "\"v1\""}}));
  EXPECT_FALSE(range_holds({{"If-Range", "\"v2\""}}));
  EXPECT_FALSE(range_holds({{"If-Range", "W/\"v1\""}}, {"W/\"v1\"", kModified, true}));
  EXPECT_FALSE(range_holds({{"If-Range", "\"v1\""}, {"If-Range", "\"v1\""}}));
}

TEST(IfRange, HoldsForTheExactDateOnceItsSecondIsOver) {
  EXPECT_TRUE(range_holds({{"If-Range", kSame}}));
  EXPECT_FALSE(range_holds({{"If-Range", kAfter}}));
  EXPECT_FALSE(range_holds({{"If-Range", kBefore}}));
  EXPECT_FALSE(range_holds({{"If-Range", "junk"}}));
  EXPECT_FALSE(range_holds({{"If-Range", kSame}}, {"\"v1\"", kModified, true}, kModified));
}

}  // namespace
}  // namespace holdfast::http
