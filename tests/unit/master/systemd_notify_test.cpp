#include "master/systemd_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/fd.h"
#include "tests/unit/master/temp_folder.h"

namespace holdfast::master {
namespace {

using namespace std::chrono_literals;

/// The service manager's end.
struct Manager {
  explicit Manager(const std::string& name) : socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string heard() const {
    char text[512];
    const ssize_t count = ::recv(socket.get(), text, sizeof text, MSG_DONTWAIT);
    return {text, count > 0 ? static_cast<std::size_t>(count) : 0};
  }
  Fd socket;
};

TEST(SystemdNotify, TellsEachStepOfTheServersLife) {
  const TempFolder folder;
  const Manager manager(folder / "notify");
  const SystemdNotify notify = SystemdNotify::from_environment();
  notify.ready("Serving");
  EXPECT_EQ(manager.heard(), "READY=1\nMAINPID=" + std::to_string(getpid()) + "\nSTATUS=Serving");
  notify.reloading(TimePoint(1500ms));
  EXPECT_EQ(manager.heard(), "RELOADING=1\nMONOTONIC_USEC=1500000\nSTATUS=Reloading");
  notify.stopping();
  EXPECT_EQ(manager.heard(), "STOPPING=1\nSTATUS=Stopping");
  notify.watchdog();
  EXPECT_EQ(manager.heard(), "WATCHDOG=1");
}

TEST(SystemdNotify, SpeaksToAbstractSockets) {
  const Manager manager("@holdfast-notify-" + std::to_string(getpid()));
  SystemdNotify::from_environment().watchdog();
  EXPECT_EQ(manager.heard(), "WATCHDOG=1");
}

TEST(SystemdNotify, ChildrenInheritNothingOfTheProtocol) {
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})
    setenv(name, "1", 1);
  SystemdNotify::from_environment();
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})
    EXPECT_EQ(getenv(name), nullptr) << name;
}

TEST(SystemdNotify, WatchdogIsFedTwiceInItsTime) {
  setenv("WATCHDOG_USEC", "3000000", 1);
  EXPECT_EQ(SystemdNotify::from_environment().watchdog_interval(), 1500ms);
  EXPECT_EQ(SystemdNotify::from_environment().watchdog_interval(), 0ms);
}

TEST(SystemdNotify, WatchdogOfAnotherProcessIsNotOurs) {
  setenv("WATCHDOG_USEC", "3000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(SystemdNotify::from_environment().watchdog_interval(), 0ms);
}

TEST(SystemdNotify, IsSilentWithoutAManager) {
  SystemdNotify::from_environment().ready("Serving");
}

}  // namespace
}  // namespace holdfast::master
