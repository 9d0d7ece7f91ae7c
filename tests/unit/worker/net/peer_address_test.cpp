#include "worker/net/peer_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace holdfast::net {
namespace {

TEST(PeerAddress, writes_addresses_as_logs_have_them) {
  sockaddr_storage storage{};
  auto& in6 = reinterpret_cast<sockaddr_in6&>(storage);
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(99);
  inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr);
  EXPECT_EQ(PeerAddress::from(storage).text(), "2001:db8::1");
  EXPECT_EQ(PeerAddress::from(storage).port, 99);
  inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr);
  EXPECT_EQ(PeerAddress::from(storage).text(), "192.0.2.7");
  EXPECT_EQ(PeerAddress::from(sockaddr_storage{}).text(), "unix");
}

}  // namespace
}  // namespace holdfast::net
