#include "master/listener_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "tests/unit/master/temp_folder.h"

namespace holdfast::master {
namespace {

EndpointNeed need(const std::string& bind, std::uint32_t sockets = 1, const std::string& name = "http") {
  return {name, *Endpoint::parse(bind), false, sockets};
}

Fd try_connect(const Endpoint& address) {
  Fd client(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(client.get(), address.address(), address.length()) != 0) client.reset();
  return client;
}

/// Binds a port as another server would that does not share it.
struct Stranger {
  Stranger() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const Endpoint any = *Endpoint::parse("127.0.0.1:0");
    EXPECT_EQ(::bind(socket.get(), any.address(), any.length()), 0);
    EXPECT_EQ(::listen(socket.get(), 1), 0);
    sockaddr_storage chosen{};
    socklen_t length = sizeof chosen;
    getsockname(socket.get(), reinterpret_cast<sockaddr*>(&chosen), &length);
    address = Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&chosen), length);
  }
  Fd socket;
  Endpoint address;
};

TEST(ListenerSet, KernelChosenPortIsTheSameForEverySlot) {
  ListenerSet set;
  const EndpointNeed http = need("127.0.0.1:0", 3);
  ASSERT_TRUE(set.prepare({http}));
  set.commit({http});
  EXPECT_NE(set.address_of(http).port(), 0);
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    const std::vector<int> sockets = set.sockets_of(http, slot, 3);
    ASSERT_EQ(sockets.size(), 1U);
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    getsockname(sockets[0], reinterpret_cast<sockaddr*>(&address), &length);
    EXPECT_EQ(Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&address), length), set.address_of(http));
  }
}

TEST(ListenerSet, TwoKernelChosenPortsAreToldApartByName) {
  ListenerSet set;
  const EndpointNeed a = need("127.0.0.1:0", 1, "a");
  const EndpointNeed b = need("127.0.0.1:0", 1, "b");
  ASSERT_TRUE(set.prepare({a, b}));
  EXPECT_NE(set.address_of(a).port(), set.address_of(b).port());
}

TEST(ListenerSet, PreparingAgainKeepsTheSocketsThatAreThere) {
  ListenerSet set;
  const EndpointNeed http = need("127.0.0.1:0", 2);
  ASSERT_TRUE(set.prepare({http}));
  set.commit({http});
  const std::vector<int> before = set.sockets_of(http, 1, 2);
  const Endpoint address = set.address_of(http);
  ASSERT_TRUE(set.prepare({http}));
  set.commit({http});
  EXPECT_EQ(set.sockets_of(http, 1, 2), before);
  EXPECT_EQ(set.address_of(http), address);
}

TEST(ListenerSet, SocketsOfLeavingSlotsAreServedByStayingOnes) {
  ListenerSet set;
  const EndpointNeed five = need("127.0.0.1:0", 5);
  ASSERT_TRUE(set.prepare({five}));
  set.commit({five});
  const EndpointNeed two = need("127.0.0.1:0", 2);
  ASSERT_TRUE(set.prepare({two}));
  set.commit({two});
  EXPECT_EQ(set.sockets_of(two, 0, 2).size(), 3U);
  EXPECT_EQ(set.sockets_of(two, 1, 2).size(), 2U);
}

/// How many connections wait in each slot's queue after `count` more have been made; they are kept in
/// `clients`.
std::vector<std::uint32_t> queued(const ListenerSet& set, const EndpointNeed& need, std::uint32_t slots,
                                  int count, std::vector<Fd>& clients) {
  for (int i = 0; i < count; ++i) clients.push_back(try_connect(set.address_of(need)));
  std::vector<std::uint32_t> lengths;
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    tcp_info info{};
    socklen_t length = sizeof info;
    // Of a listening socket this is the length of its accept queue.
    getsockopt(set.sockets_of(need, slot, slots).front(), IPPROTO_TCP, TCP_INFO, &info, &length);
    lengths.push_back(info.tcpi_unacked);
  }
  return lengths;
}

TEST(ListenerSet, FewerWorkersHaveNewConnectionsSteeredToTheirOwnSockets) {
  ListenerSet set;
  const EndpointNeed four = need("127.0.0.1:0", 4);
  ASSERT_TRUE(set.prepare({four}));
  set.commit({four});
  const EndpointNeed two = need("127.0.0.1:0", 2);
  ASSERT_TRUE(set.prepare({two}));
  set.commit({two});
  std::vector<Fd> clients;
  const std::vector<std::uint32_t> lengths = queued(set, two, 4, 60, clients);
  EXPECT_EQ(lengths[0] + lengths[1], 60U);
  EXPECT_GE(std::min(lengths[0], lengths[1]), 10U) << "evenly";
}

TEST(ListenerSet, SocketsOfWorkersToComeGetNothingBeforeTheyServe) {
  ListenerSet set;
  const EndpointNeed one = need("127.0.0.1:0", 1);
  ASSERT_TRUE(set.prepare({one}));
  set.commit({one});
  const EndpointNeed three = need("127.0.0.1:0", 3);
  ASSERT_TRUE(set.prepare({three}));
  std::vector<Fd> clients;
  EXPECT_EQ(queued(set, three, 3, 40, clients)[0], 40U);
  set.rollback();
  for (const Fd& client : clients) {
    pollfd gone{client.get(), POLLIN, 0};
    EXPECT_EQ(poll(&gone, 1, 0), 0) << "closing the new sockets reset a connection";
  }
  ASSERT_TRUE(set.prepare({three}));
  set.commit({three});
  const std::vector<std::uint32_t> lengths = queued(set, three, 3, 60, clients);
  EXPECT_EQ(lengths[0] + lengths[1] + lengths[2], 100U);
  EXPECT_GE(std::min(lengths[1], lengths[2]), 5U) << "the new ones have their share";
}

TEST(ListenerSet, ManyChangesKeepTheSocketsInTheirOrder) {
  ListenerSet set;
  std::vector<Fd> clients;
  for (const std::uint32_t workers : {3U, 1U, 5U, 2U, 4U, 1U}) {
    const EndpointNeed wanted = need("127.0.0.1:0", workers);
    ASSERT_TRUE(set.prepare({wanted}));
    set.commit({wanted});
  }
  const EndpointNeed one = need("127.0.0.1:0", 1);
  EXPECT_EQ(queued(set, one, 5, 40, clients)[0], 40U);
  EXPECT_EQ(set.sockets_of(one, 0, 1).size(), 5U) << "none was closed, each is served";
}

TEST(ListenerSet, RollbackClosesOnlyWhatWasOpenedLast) {
  ListenerSet set;
  const EndpointNeed a = need("127.0.0.1:0", 1, "a");
  ASSERT_TRUE(set.prepare({a}));
  set.commit({a});
  const EndpointNeed grown = need("127.0.0.1:0", 3, "a");
  const EndpointNeed b = need("127.0.0.1:0", 1, "b");
  ASSERT_TRUE(set.prepare({grown, b}));
  const Endpoint address_of_b = set.address_of(b);
  EXPECT_TRUE(try_connect(address_of_b));
  set.rollback();
  EXPECT_FALSE(try_connect(address_of_b));
  EXPECT_TRUE(try_connect(set.address_of(a)));
  EXPECT_EQ(set.sockets_of(a, 0, 1).size(), 1U);
}

TEST(ListenerSet, CommitClosesEndpointsThatAreNotNeededAnyMore) {
  ListenerSet set;
  const EndpointNeed a = need("127.0.0.1:0", 1, "a");
  const EndpointNeed b = need("127.0.0.1:0", 1, "b");
  ASSERT_TRUE(set.prepare({a, b}));
  set.commit({a, b});
  const Endpoint address_of_b = set.address_of(b);
  ASSERT_TRUE(set.prepare({a}));
  EXPECT_TRUE(try_connect(address_of_b)) << "still served until the reload is complete";
  set.commit({a});
  EXPECT_FALSE(try_connect(address_of_b));
  EXPECT_TRUE(set.sockets_of(b, 0, 1).empty());
}

TEST(ListenerSet, PortOfAStrangerIsRefusedWithItsAddress) {
  const Stranger stranger;
  ListenerSet set;
  const Result<void> bound = set.prepare({need(stranger.address.text(), 2)});
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().system_code, EADDRINUSE);
  EXPECT_EQ(bound.error().message(),
            "cannot listen on " + stranger.address.text() + ": Address already in use");
}

TEST(ListenerSet, PortOfAnotherServerThatSharesItIsRefusedToo) {
  ListenerSet running;
  const EndpointNeed http = need("127.0.0.1:0");
  ASSERT_TRUE(running.prepare({http}));
  ListenerSet second;
  EXPECT_FALSE(second.prepare({need(running.address_of(http).text())}));
}

TEST(ListenerSet, TakenPortUndoesTheWholePreparation) {
  const Stranger stranger;
  ListenerSet set;
  const EndpointNeed fine = need("127.0.0.1:0", 1, "fine");
  ASSERT_FALSE(set.prepare({fine, need(stranger.address.text(), 1, "taken")}));
  EXPECT_TRUE(set.sockets_of(fine, 0, 1).empty());
}

TEST(ListenerSet, AnAddressThatTheKernelChoseForUsIsNotSharedWithAnotherListener) {
  ListenerSet set;
  const EndpointNeed http = need("127.0.0.1:0");
  ASSERT_TRUE(set.prepare({http}));
  set.commit({http});
  EXPECT_FALSE(set.prepare({http, need(set.address_of(http).text(), 1, "other")}));
}

TEST(ListenerSet, OurOwnWildcardSocketDoesNotForbidAMoreSpecificAddress) {
  ListenerSet set;
  const EndpointNeed wide = need("0.0.0.0:0");
  ASSERT_TRUE(set.prepare({wide}));
  set.commit({wide});
  const EndpointNeed narrow = need("127.0.0.1:" + std::to_string(set.address_of(wide).port()));
  ASSERT_TRUE(set.prepare({narrow}));
  set.commit({narrow});
  EXPECT_TRUE(try_connect(set.address_of(narrow)));
}

TEST(ListenerSet, PrivilegedPortIsExplained) {
  if (geteuid() == 0) GTEST_SKIP() << "root may";
  ListenerSet set;
  const Result<void> bound = set.prepare({need("127.0.0.1:80")});
  if (bound) GTEST_SKIP() << "this system has no privileged ports";
  EXPECT_EQ(bound.error().message(),
            "cannot listen on 127.0.0.1:80: Permission denied (ports below 1024 need root or "
            "CAP_NET_BIND_SERVICE)");
}

TEST(ListenerSet, UnixSocketIsOneForAllSlotsAndItsFileGoesWithTheSet) {
  const TempFolder folder;
  const EndpointNeed unix_need = need("unix:" + (folder / "s"));
  {
    ListenerSet set;
    ASSERT_TRUE(set.prepare({unix_need}));
    set.commit({unix_need});
    EXPECT_EQ(set.sockets_of(unix_need, 0, 4), set.sockets_of(unix_need, 3, 4));
    EXPECT_TRUE(try_connect(unix_need.bind));
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "s"));
}

TEST(ListenerSet, StaleUnixSocketIsReplacedButALiveOneIsNot) {
  const TempFolder folder;
  const EndpointNeed unix_need = need("unix:" + (folder / "s"));
  Fd stale(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(stale.get(), unix_need.bind.address(), unix_need.bind.length()), 0);
  ASSERT_EQ(::listen(stale.get(), 1), 0);
  ListenerSet set;
  EXPECT_FALSE(set.prepare({unix_need}));
  EXPECT_TRUE(std::filesystem::exists(folder / "s")) << "the file of a live server was removed";
  stale.reset();
  EXPECT_TRUE(set.prepare({unix_need}));
}

TEST(ListenerSet, NewsAreToldOnce) {
  ListenerSet set;
  const EndpointNeed http = need("127.0.0.1:0");
  ASSERT_TRUE(set.prepare({http}));
  EXPECT_TRUE(set.take_news(http));
  EXPECT_FALSE(set.take_news(http));
}

}  // namespace
}  // namespace holdfast::master
