#include "config/schema/kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> with_timeout(const std::string& value) {
  return problems_with_site("timeouts: {keep_alive: " + value + "}\n");
}
std::vector<std::string> with_body_limit(const std::string& value) {
  return problems_with_site("limits: {request_body: " + value + "}\n");
}
std::vector<std::string> with_workers(const std::string& value) {
  return problems_with_site("process: {workers: " + value + "}\n");
}

TEST(Durations, have_one_of_the_five_units) {
  const auto read = [](const std::string& text) {
    return load_with_site("timeouts: {keep_alive: " + text + "}\n").config->timeouts.keep_alive;
  };
  EXPECT_EQ(read("250ms"), 250ms);
  EXPECT_EQ(read("30s"), 30s);
  EXPECT_EQ(read("5m"), 5min);
  EXPECT_EQ(read("1h"), 1h);
  EXPECT_EQ(read("1d"), 24h);
  EXPECT_EQ(read("\"30s\""), 30s);
}

TEST(Durations, without_a_unit_are_refused_with_a_hint) {
  EXPECT_THAT(with_timeout("30"), ElementsAre(HasSubstr("write `30s`")));
  EXPECT_THAT(with_timeout("0"), ElementsAre(HasSubstr("write `0s`")));
}

TEST(Durations, that_are_malformed_or_too_long_are_refused) {
  for (const char* text :
       {"1.5s", "-1s", "30 s", "30sec", "s", "1h30m", "030s", "99999999999999999999s", "\"\"", "~", "[1s]"})
    EXPECT_THAT(with_timeout(text), ElementsAre(HasSubstr("`keep_alive` must be a duration"))) << text;
  EXPECT_THAT(with_timeout("25h"), ElementsAre(HasSubstr("must be from 10ms to 1d, not `25h`")));
  EXPECT_THAT(with_timeout("1ms"), ElementsAre(HasSubstr("must be from 10ms to 1d")));
}

TEST(Sizes, are_bytes_or_have_a_binary_unit) {
  const auto read = [](const std::string& text) {
    return load_with_site("limits: {request_body: " + text + "}\n").config->limits.request_body;
  };
  EXPECT_EQ(read("512"), 512u);
  EXPECT_EQ(read("64KiB"), 65536u);
  EXPECT_EQ(read("1MiB"), 1048576u);
  EXPECT_EQ(read("3GiB"), 3221225472u);
  EXPECT_EQ(read("0"), 0u);
}

TEST(Sizes, with_a_decimal_unit_are_refused_as_ambiguous) {
  EXPECT_THAT(with_body_limit("8kB"), ElementsAre(HasSubstr("ambiguous: write `8KiB`")));
  EXPECT_THAT(with_body_limit("8K"), ElementsAre(HasSubstr("ambiguous: write `8KiB`")));
  EXPECT_THAT(with_body_limit("5MB"), ElementsAre(HasSubstr("ambiguous: write `5MiB`")));
  EXPECT_THAT(with_body_limit("5g"), ElementsAre(HasSubstr("ambiguous: write `5GiB`")));
  EXPECT_THAT(with_body_limit("8kib"), ElementsAre(HasSubstr("; write `8KiB`")));
  EXPECT_THAT(with_body_limit("512B"), ElementsAre(HasSubstr("; write `512`")));
}

TEST(Sizes, that_are_malformed_are_refused) {
  for (const char* text :
       {"1.5MiB", "-1", "0512", "0x200", "KiB", "18446744073709551616", "9999999999GiB", "\"512\""})
    EXPECT_THAT(with_body_limit(text), ElementsAre(HasSubstr("`request_body` must be a size"))) << text;
}

TEST(Numbers, are_plain_decimal) {
  EXPECT_THAT(with_workers("16"), IsEmpty());
  for (const char* text :
       {"010", "0x50", "\"80\"", "1e3", "+1", "-1", "1_000", "1.0", "''", "~", "{}", "18446744073709551616"})
    EXPECT_THAT(with_workers(text), ElementsAre(HasSubstr("`workers` must be a whole decimal number"))) << text;
  EXPECT_THAT(with_workers("0"), ElementsAre(HasSubstr("must be from 1 to 256, not `0`")));
  EXPECT_THAT(with_workers("257"), ElementsAre(HasSubstr("must be from 1 to 256")));
}

TEST(Booleans, are_true_or_false_and_nothing_else) {
  const auto with_listing = [](const std::string& value) {
    return problems_of_route("{path: /*, files: {root: /, listing: " + value + "}}");
  };
  EXPECT_THAT(with_listing("true"), IsEmpty());
  EXPECT_THAT(with_listing("false"), IsEmpty());
  for (const char* text : {"yes", "on", "True", "TRUE", "y", "1", "\"true\"", "off", "~"})
    EXPECT_THAT(with_listing(text), ElementsAre(HasSubstr("`listing` must be true or false"))) << text;
}

TEST(Off, is_taken_only_where_the_manual_shows_it) {
  for (const char* text :
       {"log: {access: off}\n", "admin: off\n", "admin: {bind: off}\n", "process: {pid_file: off}\n",
        "listeners: {a: {bind: \":80\", proxy_protocol: off}}\n"})
    EXPECT_THAT(problems_with_site(text), IsEmpty()) << text;
  for (const char* text : {"log: {error: off}\n", "log: off\n", "limits: off\n", "process: {workers: off}\n"})
    EXPECT_EQ(problems_with_site(text).size(), 1u) << text;
}

TEST(ProxyProtocol, is_on_off_or_a_list_of_those_who_may_speak_it) {
  const auto with_proxy = [](const std::string& value) {
    return problems_with_site("listeners: {a: {bind: \":80\", proxy_protocol: " + value + "}}\n");
  };
  for (const char* text : {"on", "off", "{from: [10.0.0.0/8, \"fd00::/8\", 192.0.2.1]}"})
    EXPECT_THAT(with_proxy(text), IsEmpty()) << text;
  for (const char* text : {"true", "yes", "[10.0.0.0/8]", "~", "v2"})
    EXPECT_THAT(with_proxy(text), ElementsAre(HasSubstr("`proxy_protocol` must be on, off or {from"))) << text;
  EXPECT_THAT(with_proxy("{}"), ElementsAre("x.yaml:1:46: `from` is missing"));
  EXPECT_THAT(with_proxy("{from: []}"), ElementsAre("x.yaml:1:53: `from` must not be empty, not a list"));
  EXPECT_THAT(with_proxy("{from: [balancer]}"),
              ElementsAre(HasSubstr("x.yaml:1:54: `from` must be addresses or networks")));
  EXPECT_THAT(with_proxy("{form: [10.0.0.0/8]}"), testing::SizeIs(2));
}

TEST(Lists, are_refused_when_written_as_one_value) {
  EXPECT_THAT(problems_of_route("{path: /x, methods: GET, hello: {}}"),
              ElementsAre("x.yaml:3:27: `methods` must be a list, not `GET`; write `[GET]`"));
}

TEST(Printing, takes_the_largest_unit_that_is_exact) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(48h), "2d");
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(1025), "1025");
  EXPECT_EQ(format_size(1536), "1536");
  EXPECT_EQ(format_size(2048), "2KiB");
}

}  // namespace
}  // namespace holdfast::config
