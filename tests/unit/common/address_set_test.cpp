#include "common/address_set.h"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

AddressSet set_of(const std::vector<std::string>& texts) {
  const Result<AddressSet> set = AddressSet::of(texts);
  EXPECT_TRUE(set) << (set ? "" : set.error().message());
  return set ? *set : AddressSet();
}

TEST(AddressSet, holds_single_addresses_and_networks_of_both_families) {
  const AddressSet set = set_of({"192.0.2.7", "10.0.0.0/8", "2001:db8::/33", "fe80::1"});
  for (const char* in :
       {"192.0.2.7", "10.0.0.0", "10.255.255.255", "2001:db8::", "2001:db8:7fff:ffff::1", "fe80::1"})
    EXPECT_TRUE(set.contains(std::string_view(in))) << in;
  for (const char* out : {"192.0.2.6", "192.0.2.8", "9.255.255.255", "11.0.0.0", "2001:db8:8000::", "fe80::2",
                          "unix", "", "10.0.0", "nonsense"})
    EXPECT_FALSE(set.contains(std::string_view(out))) << out;
}

TEST(AddressSet, takes_a_mapped_address_for_the_ipv4_one) {
  EXPECT_TRUE(set_of({"192.0.2.0/24"}).contains(std::string_view("::ffff:192.0.2.200")));
  EXPECT_TRUE(set_of({"::ffff:192.0.2.0/120"}).contains(std::string_view("192.0.2.200")));
}

TEST(AddressSet, everybody_is_two_networks) {
  const AddressSet all = set_of({"0.0.0.0/0", "::/0"});
  for (const char* in : {"0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"})
    EXPECT_TRUE(all.contains(std::string_view(in))) << in;
  EXPECT_FALSE(set_of({"0.0.0.0/0"}).contains(std::string_view("2001:db8::1")));
  EXPECT_FALSE(set_of({"::/0"}).contains(std::string_view("192.0.2.1")));
}

TEST(AddressSet, networks_within_each_other_and_side_by_side_are_one) {
  const AddressSet set = set_of({"10.1.0.0/16", "10.0.0.0/8", "10.2.3.4", "11.0.0.0/8"});
  EXPECT_TRUE(set.contains(std::string_view("10.200.0.1")));
  EXPECT_TRUE(set.contains(std::string_view("11.200.0.1")));
  EXPECT_FALSE(set.contains(std::string_view("12.0.0.0")));
}

TEST(AddressSet, knows_unix_and_emptiness) {
  EXPECT_TRUE(set_of({}).empty());
  EXPECT_FALSE(set_of({"unix"}).empty());
  EXPECT_TRUE(set_of({"unix"}).contains(std::string_view("unix")));
  EXPECT_FALSE(set_of({"unix"}).contains(std::string_view("127.0.0.1")));
}

TEST(AddressSet, brings_texts_into_one_form) {
  const auto normal = [](std::string_view text) { return *AddressSet::normalised(text); };
  EXPECT_EQ(normal("10.1.2.3/8"), "10.0.0.0/8");
  EXPECT_EQ(normal("2001:DB8:0::1"), "2001:db8::1");
  EXPECT_EQ(normal("::ffff:10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(normal("10.0.0.1/32"), "10.0.0.1");
  EXPECT_EQ(normal("unix"), "unix");
}

TEST(AddressSet, names_what_is_wrong) {
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0", "example.org",
                          "10.0.0.1:80", "10.0.0.0/8/8", "300.0.0.1"}) {
    const Result<AddressSet> set = AddressSet::of({bad});
    ASSERT_FALSE(set) << bad;
    EXPECT_NE(set.error().message().find(std::string("`") + bad), std::string::npos) << set.error().message();
  }
}

}  // namespace
}  // namespace holdfast
