#include "master/control_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "tests/unit/master/temp_folder.h"

namespace holdfast::master {
namespace {

using namespace std::chrono_literals;

Fd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) client.reset();
  return client;
}

void say(const Fd& client, std::string_view text) {
  ASSERT_EQ(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

std::string hear(const Fd& client) {
  char bytes[256];
  const ssize_t count = ::recv(client.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  return {bytes, count > 0 ? static_cast<std::size_t>(count) : 0};
}

bool hung_up(const Fd& client) {
  char byte;
  return ::recv(client.get(), &byte, 1, MSG_DONTWAIT) == 0;
}

struct ControlSocketTest : testing::Test {
  ControlSocketTest() : path(folder / "x.control"), control(std::move(*ControlSocket::open(path))) {}

  TempFolder folder;
  std::string path;
  ControlSocket control;
  TimePoint now = TimePoint{} + 1h;
};

TEST(ControlPath, StandsBesideThePidFile) {
  EXPECT_EQ(control_path_of("/run/holdfast/holdfast.pid"), "/run/holdfast/holdfast.control");
  EXPECT_EQ(control_path_of("/run/holdfast.lock"), "/run/holdfast.lock.control");
  EXPECT_EQ(control_path_of(""), "");
}

TEST_F(ControlSocketTest, FileIsForItsOwnerOnly) {
  struct stat file {};
  ASSERT_EQ(::stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST_F(ControlSocketTest, WordArrivesWhenItsLineIsComplete) {
  const Fd client = connect_to(path);
  control.on_listener(now);
  say(client, "rel");
  EXPECT_EQ(control.on_client(1), std::nullopt);
  say(client, "oad\n");
  EXPECT_EQ(control.on_client(1), "reload");
  control.answer(1, "ok done\n");
  EXPECT_EQ(hear(client), "ok done\n");
  EXPECT_TRUE(hung_up(client));
}

TEST_F(ControlSocketTest, OnlyOneWordAClientIsHeard) {
  const Fd client = connect_to(path);
  control.on_listener(now);
  say(client, "reload\n");
  EXPECT_EQ(control.on_client(1), "reload");
  say(client, "stop\n");
  EXPECT_EQ(control.on_client(1), std::nullopt);
}

TEST_F(ControlSocketTest, SilentClientIsSentAwayButOneThatWaitsForItsAnswerIsNot) {
  const Fd silent = connect_to(path);
  const Fd waiting = connect_to(path);
  control.on_listener(now);
  say(waiting, "reload\n");
  EXPECT_EQ(control.on_client(2), "reload");
  EXPECT_EQ(control.next_deadline(), now + 5s);
  control.on_time(now + 5s);
  EXPECT_TRUE(hung_up(silent));
  EXPECT_FALSE(hung_up(waiting));
  EXPECT_EQ(control.next_deadline(), kNever);
}

TEST_F(ControlSocketTest, EndlessWordIsCutOff) {
  const Fd client = connect_to(path);
  control.on_listener(now);
  say(client, std::string(1000, 'x'));
  for (int n = 0; n < 20; ++n) control.on_client(1);
  EXPECT_TRUE(hung_up(client) || ::send(client.get(), "x", 1, MSG_NOSIGNAL) < 0);
}

TEST_F(ControlSocketTest, DescriptorIsHandedOverAndTheLineStaysOpen) {
  const Fd client = connect_to(path);
  control.on_listener(now);
  control.hand_over(1, STDIN_FILENO);
  char text[16];
  iovec piece{text, sizeof text};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))];
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = room;
  header.msg_controllen = sizeof room;
  ASSERT_EQ(::recvmsg(client.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT), 3);
  ASSERT_NE(CMSG_FIRSTHDR(&header), nullptr);
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof descriptor);
  EXPECT_TRUE(Fd(descriptor));
  EXPECT_FALSE(hung_up(client));
}

TEST_F(ControlSocketTest, ClientsBeyondTheLimitWaitForAPlace) {
  std::vector<Fd> clients;
  for (int n = 0; n < 17; ++n) clients.push_back(connect_to(path));
  control.on_listener(now);
  PollSet full;
  control.add_to(full);
  for (ControlSocket::ClientId id = 1; id <= 16; ++id) control.answer(id, "ok\n");
  control.on_listener(now);
  say(clients[16], "status\n");
  EXPECT_EQ(control.on_client(17), "status");
}

TEST_F(ControlSocketTest, ClientThatLeavesBeforeItsAnswerDoesNoHarm) {
  connect_to(path);
  control.on_listener(now);
  EXPECT_EQ(control.on_client(1), std::nullopt);
  control.answer(1, "ok\n");
}

TEST_F(ControlSocketTest, LiveServersSocketIsNotTakenOver) {
  EXPECT_FALSE(ControlSocket::open(path));
}

TEST(ControlSocketFile, IsReplacedWhenStaleAndRemovedAtTheEnd) {
  const TempFolder folder;
  const std::string path = folder / "x.control";
  {
    Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  { EXPECT_TRUE(ControlSocket::open(path)); }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace holdfast::master
