#include "config/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Environment : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("HOLDFAST_TEST_SET", "4", 1);
    ::setenv("HOLDFAST_TEST_EMPTY", "", 1);
    ::unsetenv("HOLDFAST_TEST_UNSET");
  }
  void TearDown() override {
    ::unsetenv("HOLDFAST_TEST_SET");
    ::unsetenv("HOLDFAST_TEST_EMPTY");
  }
};

TEST_F(Environment, is_put_into_values) {
  EXPECT_EQ(expand_environment("a${HOLDFAST_TEST_SET}b").text, "a4b");
  EXPECT_EQ(expand_environment("${HOLDFAST_TEST_UNSET:-x}${HOLDFAST_TEST_SET:-y}").text, "x4");
  EXPECT_EQ(expand_environment("${HOLDFAST_TEST_EMPTY:-x}").text, "x");
  EXPECT_EQ(expand_environment("[${HOLDFAST_TEST_EMPTY}]").text, "[]");
  EXPECT_EQ(expand_environment("${HOLDFAST_TEST_UNSET:-}").text, "");
}

TEST_F(Environment, leaves_other_dollars_alone_and_can_be_escaped) {
  EXPECT_EQ(expand_environment("$5 $$ $NAME").text, "$5 $$ $NAME");
  EXPECT_EQ(expand_environment("$${HOLDFAST_TEST_SET}").text, "${HOLDFAST_TEST_SET}");
  for (const char* text : {"${A}", "$${A}", "$$${", "$", "${", "a$b{c}"})
    EXPECT_EQ(expand_environment(escape_environment(text)).text, text);
}

TEST_F(Environment, reports_what_it_cannot_expand) {
  EXPECT_THAT(expand_environment("${HOLDFAST_TEST_UNSET}").problem,
              HasSubstr("`HOLDFAST_TEST_UNSET` is not set"));
  EXPECT_THAT(expand_environment("${HOLDFAST_TEST_SET").problem, HasSubstr("without `}`"));
  EXPECT_THAT(expand_environment("${}").problem, HasSubstr("names no environment variable"));
  EXPECT_THAT(expand_environment("${1X}").problem, HasSubstr("names no environment variable"));
  ::setenv("HOLDFAST_TEST_SET", "\xFF", 1);
  EXPECT_THAT(expand_environment("${HOLDFAST_TEST_SET}").problem, HasSubstr("not valid UTF-8"));
}

TEST_F(Environment, values_are_typed_as_if_written) {
  const Loaded loaded = load_with_site("process: {workers: ${HOLDFAST_TEST_SET}}\n");
  ASSERT_EQ(loaded.config, nullptr) << "braces end a flow map";
  const Loaded block = load_with_site("process:\n  workers: ${HOLDFAST_TEST_SET}\n");
  ASSERT_THAT(lines(block.problems), IsEmpty());
  EXPECT_EQ(block.config->process.workers, 4u);
  EXPECT_THAT(problems_with_site("process:\n  workers: \"${HOLDFAST_TEST_SET}\"\n"),
              ElementsAre(HasSubstr("the text \"4\"")));
}

TEST_F(Environment, is_not_put_into_keys) {
  EXPECT_THAT(problems_with_site("\"${HOLDFAST_TEST_SET}\": 1\n"),
              ElementsAre(HasSubstr("unknown key `${HOLDFAST")));
}

TEST_F(Environment, problems_stand_at_the_value) {
  EXPECT_THAT(problems_with_site("process:\n  user: ${HOLDFAST_TEST_UNSET}\n"),
              ElementsAre(HasSubstr("x.yaml:2:9: the environment variable `HOLDFAST_TEST_UNSET` is not set")));
}

}  // namespace
}  // namespace holdfast::config
