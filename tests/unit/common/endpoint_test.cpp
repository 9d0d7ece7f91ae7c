#include "common/endpoint.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <string>

namespace holdfast {
namespace {

TEST(Endpoint, ReadsAndWritesAllForms) {
  for (const char* text :
       {"0.0.0.0:8080", "127.0.0.1:0", "[::]:8443", "[::1]:65535", "[2001:db8::1]:80", "unix:/run/x.sock"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->text(), text);
    EXPECT_EQ(*endpoint, Endpoint::from_sockaddr(endpoint->address(), endpoint->length())) << text;
  }
}

TEST(Endpoint, TakesShortFormsForWhatTheyMean) {
  EXPECT_EQ(Endpoint::parse(":8080")->text(), "[::]:8080");
  EXPECT_EQ(Endpoint::parse("localhost:80")->text(), "127.0.0.1:80");
}

TEST(Endpoint, RefusesWhatCannotBeBound) {
  for (const char* text : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1: 80", "127.0.0.1:80x", "127.0.0.256:80", "example.org:80", "::1:80",
                           "[::1:80", "[::1]", "[127.0.0.1]:80", "unix:", "unix:relative", "[]:80"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_NE(endpoint.error().message().find("'" + std::string(text) + "'"), std::string::npos);
  }
  EXPECT_TRUE(Endpoint::parse("unix:/" + std::string(106, 'x')));
  EXPECT_FALSE(Endpoint::parse("unix:/" + std::string(107, 'x')));
}

TEST(Endpoint, ComparesByWhatItBinds) {
  EXPECT_EQ(*Endpoint::parse("[::0]:80"), *Endpoint::parse("[::]:80"));
  EXPECT_FALSE(*Endpoint::parse("127.0.0.1:80") == *Endpoint::parse("127.0.0.1:81"));
  EXPECT_FALSE(*Endpoint::parse("0.0.0.0:80") == *Endpoint::parse("[::]:80"));
}

TEST(Endpoint, NamesTheHostAsLogsDo) {
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]:80")->host_text(), "2001:db8::1");
  EXPECT_EQ(Endpoint::parse("192.0.2.1:80")->host_text(), "192.0.2.1");
  EXPECT_EQ(Endpoint::parse("unix:/x")->host_text(), "unix");
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  ASSERT_EQ(inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr), 1);
  EXPECT_EQ(Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&mapped), sizeof mapped).host_text(),
            "192.0.2.1");
}

TEST(Endpoint, OfAnUnnamedUnixPeerIsUnix) {
  sockaddr_un peer{};
  peer.sun_family = AF_UNIX;
  const Endpoint endpoint =
      Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&peer), sizeof(sa_family_t));
  EXPECT_TRUE(endpoint.is_unix());
  EXPECT_EQ(endpoint.host_text(), "unix");
  EXPECT_EQ(endpoint.port(), 0);
}

}  // namespace
}  // namespace holdfast
