#include "worker/http2/priority.h"

#include <gtest/gtest.h>

namespace holdfast::http2 {
namespace {

TEST(Priority, of_nothing_is_the_default) {
  EXPECT_EQ(priority_from(""), (Priority{3, false}));
}

TEST(Priority, urgency_and_incremental_in_any_order) {
  EXPECT_EQ(priority_from("u=5, i"), (Priority{5, true}));
  EXPECT_EQ(priority_from("i,u=0"), (Priority{0, true}));
  EXPECT_EQ(priority_from("i=?0, u=7"), (Priority{7, false}));
  EXPECT_EQ(priority_from("i=?1"), (Priority{3, true}));
}

TEST(Priority, what_nobody_knows_is_passed_over) {
  EXPECT_EQ(priority_from("u=8, i=1"), (Priority{3, false}));
  EXPECT_EQ(priority_from("x=1;u=2, u=1;y"), (Priority{1, false}));
  EXPECT_EQ(priority_from(",,,u=10,u=,u,=i"), (Priority{3, false}));
}

}  // namespace
}  // namespace holdfast::http2
