#include "common/network.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace holdfast {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes v6(std::uint8_t first, std::uint8_t second, std::uint8_t last) {
  Bytes bytes(16, 0);
  bytes[0] = first;
  bytes[1] = second;
  bytes[15] = last;
  return bytes;
}

TEST(Network, reads_and_writes_all_forms) {
  for (const char* text : {"10.0.0.0/8", "192.0.2.1", "0.0.0.0/0", "192.0.2.128/25", "::/0", "fd00::/8",
                           "2001:db8::1", "2001:db8:0:8000::/49"}) {
    const auto network = Network::parse(text);
    ASSERT_TRUE(network) << text;
    EXPECT_EQ(network->text(), text);
    EXPECT_EQ(*Network::parse(network->text()), *network);
  }
  EXPECT_EQ(Network::parse("192.0.2.1/32")->text(), "192.0.2.1");
  EXPECT_EQ(Network::parse("::ffff:10.0.0.0/104")->text(), "10.0.0.0/8");
}

TEST(Network, holds_what_shares_its_prefix_and_nothing_else) {
  const Network ten = *Network::parse("10.0.0.0/8");
  EXPECT_TRUE(ten.contains(Bytes{10, 255, 1, 2}));
  EXPECT_FALSE(ten.contains(Bytes{11, 0, 0, 0}));
  EXPECT_FALSE(ten.contains(v6(10, 0, 0))) << "a family of its own";
  const Network half = *Network::parse("192.0.2.128/25");
  EXPECT_TRUE(half.contains(Bytes{192, 0, 2, 128}));
  EXPECT_TRUE(half.contains(Bytes{192, 0, 2, 255}));
  EXPECT_FALSE(half.contains(Bytes{192, 0, 2, 127}));
  const Network one = *Network::parse("192.0.2.1");
  EXPECT_TRUE(one.contains(Bytes{192, 0, 2, 1}));
  EXPECT_FALSE(one.contains(Bytes{192, 0, 2, 0}));
  EXPECT_TRUE(Network::parse("0.0.0.0/0")->contains(Bytes{203, 0, 113, 7}));
  EXPECT_TRUE(Network::parse("fd00::/8")->contains(v6(0xFD, 0xFF, 1)));
  EXPECT_FALSE(Network::parse("fd00::/8")->contains(v6(0xFC, 0, 1)));
  EXPECT_FALSE(ten.contains(Bytes{})) << "a unix socket has no address";
}

TEST(Network, refuses_what_it_could_misread) {
  for (const std::string& text :
       {std::string(), std::string("10.0.0.0/33"), std::string("10.0.0.0/"), std::string("10.0.0.0/08"),
        std::string("10.0.0.0/-1"), std::string("10.1.2.3/8"), std::string("10.0.0"), std::string("fd00::1/8"),
        std::string("fd00::/129"), std::string("[::1]"), std::string("localhost"), std::string("10.0.0.0/8/8"),
        std::string("10.0.0.1\0x", 10), std::string("127.0.0.1:80"), std::string("010.0.0.0/8")})
    EXPECT_FALSE(Network::parse(text)) << text;
}

}  // namespace
}  // namespace holdfast
