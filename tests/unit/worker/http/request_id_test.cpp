#include "worker/http/request_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace holdfast::http {
namespace {

TEST(RequestId, no_two_are_equal_and_all_may_be_passed_on) {
  RequestIds ids, others;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i)
    for (RequestIds* source : {&ids, &others}) {
      const RequestIds::Text text = source->next();
      const std::string id(text.data(), text.size());
      EXPECT_TRUE(is_request_id(id)) << id;
      EXPECT_TRUE(seen.insert(id).second) << id;
    }
}

TEST(RequestId, one_from_outside_is_bounded_and_plain) {
  for (const char* good : {"a", "7d5d747b-e160-e280-5049-099d984bcfe0", "Root=1.2_3"})
    EXPECT_EQ(is_request_id(good), std::string(good).find('=') == std::string::npos) << good;
  EXPECT_TRUE(is_request_id(std::string(128, 'x')));
  for (const std::string& bad : {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a\"b"),
                                 std::string("a\r\nX: y"), std::string("\xc3\xa4")})
    EXPECT_FALSE(is_request_id(bad)) << bad;
}

TEST(RequestId, the_trace_is_that_of_a_valid_traceparent) {
  constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string good = "00-" + std::string(kTrace) + "-00f067aa0ba902b7-01";
  EXPECT_EQ(trace_id_of(good), kTrace);
  EXPECT_EQ(trace_id_of("cc" + good.substr(2) + "-more"), kTrace);
  for (std::string bad : {good.substr(1), good + "-x", "ff" + good.substr(2), good + "0", std::string()})
    EXPECT_EQ(trace_id_of(bad), "") << bad;
  for (const std::size_t at : {0u, 2u, 3u, 20u, 35u, 40u, 52u, 54u}) {
    std::string bad = good;
    bad[at] = 'G';
    EXPECT_EQ(trace_id_of(bad), "") << bad;
  }
  EXPECT_EQ(trace_id_of("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(trace_id_of("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"), "");
}

}  // namespace
}  // namespace holdfast::http
