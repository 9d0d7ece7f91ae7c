#include "config/nearest_name.h"

#include <gtest/gtest.h>

namespace holdfast::config {
namespace {

TEST(NearestName, counts_edits_and_swaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("workers", "workres"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("User", "user"), 0u);
}

TEST(NearestName, is_the_closest_that_is_close_enough) {
  EXPECT_EQ(nearest_name("worker", {"user", "workers", "group"}), "workers");
  EXPECT_EQ(nearest_name("warn", {"debug", "warning"}), "warning");
  EXPECT_EQ(nearest_name("xyz", {"user", "workers"}), "");
  EXPECT_EQ(nearest_name("", {"a"}), "");
  EXPECT_EQ(nearest_name("200", {"301", "302"}), "") << "a wrong number is not a misspelt one";
}

}  // namespace
}  // namespace holdfast::config
