#include "master/port_holders.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"

namespace holdfast::master {
namespace {

Endpoint at(const char* text) {
  return Endpoint::parse(text).value();
}

TEST(ListeningPorts, AreReadFromTheTablesOfProc) {
  const auto found = listening_in(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 "
      "0\n"
      "   1: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 "
      "0\n"
      "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 "
      "00:00000000 00000000     0        0 4713 1 0 100 0\n"
      "garbage\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].address.text(), "127.0.0.1:8080");
  EXPECT_EQ(found[0].inode, 4711U);
  EXPECT_EQ(found[1].address.text(), "[::1]:80");
}

TEST(ListeningPorts, StandInTheWayWhereAnAddressIsInCommon) {
  EXPECT_TRUE(stand_in_each_others_way(at("127.0.0.1:80"), at("127.0.0.1:80")));
  EXPECT_TRUE(stand_in_each_others_way(at("0.0.0.0:80"), at("127.0.0.1:80")));
  EXPECT_TRUE(stand_in_each_others_way(at("127.0.0.1:80"), at("[::]:80")));
  EXPECT_TRUE(stand_in_each_others_way(at("[::]:80"), at("[::1]:80")));
  EXPECT_FALSE(stand_in_each_others_way(at("0.0.0.0:80"), at("[::1]:80")));
  EXPECT_FALSE(stand_in_each_others_way(at("127.0.0.1:80"), at("127.0.0.2:80")));
  EXPECT_FALSE(stand_in_each_others_way(at("127.0.0.1:80"), at("127.0.0.1:81")));
  EXPECT_FALSE(stand_in_each_others_way(at("unix:/x"), at("unix:/x")));
}

TEST(PortHolders, WeHoldOurOwnSockets) {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct stat status {};
  ASSERT_EQ(::fstat(socket.get(), &status), 0);
  const auto holders = holders_of(status.st_ino);
  ASSERT_EQ(holders.size(), 1U);
  EXPECT_EQ(holders[0].pid, ::getpid());
  EXPECT_EQ(holders[0].name, "unit_master");
}

TEST(PortHolders, DescentIsFollowedToTheFirstProcess) {
  EXPECT_TRUE(descends_from(::getpid(), ::getpid()));
  EXPECT_TRUE(descends_from(::getpid(), ::getppid()));
  EXPECT_FALSE(descends_from(::getppid(), ::getpid()));
}

}  // namespace
}  // namespace holdfast::master
