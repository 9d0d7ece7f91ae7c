#include "common/broadcast/segment.h"

#include <gtest/gtest.h>

namespace holdfast::broadcast {
namespace {

TEST(Segment, names_its_host_to_others_for_as_long_as_it_lives) {
  Segment one = *Segment::create();
  const Segment other = *Segment::create();
  EXPECT_NE(one.host_id(), 0u);
  EXPECT_NE(one.host_id(), other.host_id());
  const std::uint64_t id = one.host_id();
  ASSERT_TRUE(one.claim_lane(1));
  const Segment moved = std::move(one);
  EXPECT_EQ(moved.host_id(), id);
}

}  // namespace
}  // namespace holdfast::broadcast
