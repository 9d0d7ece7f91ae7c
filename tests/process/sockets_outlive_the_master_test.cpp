// Under a service manager: it hears of each step, keeps the listening sockets past the end of the server, and
// may listen for it from the beginning.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/support/deadline.h"
#include "tests/support/init_system.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::uint16_t free_port() {
  const TakenPort momentary;
  return momentary.port();
}

ServerConfig on_port(std::uint16_t port, int workers = 2) {
  ServerConfig config;
  config.workers = workers;
  config.listeners = "  http: {bind: \"127.0.0.1:" + std::to_string(port) + "\"}\n";
  return config;
}

/// A socket as a socket unit has it; without a port the kernel chooses one.
Fd listening_socket(std::uint16_t& port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(socket.get(), 512), 0);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return socket;
}

TEST(service_manager, hears_of_start_reload_upgrade_and_stop) {
  InitSystem manager;
  ServerProcess server({}, manager.options());
  ASSERT_TRUE(server.ready());
  const std::string main_pid = "MAINPID=" + std::to_string(server.pid());
  ASSERT_TRUE(manager.wait_notice("READY=1\n" + main_pid, 0, 10s));
  std::size_t heard = manager.notices().size();
  ASSERT_EQ(server.reload().event, "reload complete");
  EXPECT_TRUE(manager.wait_notice("RELOADING=1\nMONOTONIC_USEC=", heard, 10s));
  EXPECT_TRUE(manager.wait_notice("READY=1\n" + main_pid, heard, 10s));
  heard = manager.notices().size();
  ASSERT_EQ(server.upgrade().event, "upgrade complete");
  EXPECT_TRUE(manager.wait_notice("RELOADING=1\nMONOTONIC_USEC=", heard, 10s));
  // The same process: nothing is to be handed over.
  EXPECT_TRUE(manager.wait_notice("READY=1\n" + main_pid, heard, 10s));
  heard = manager.notices().size();
  EXPECT_EQ(server.stop(), (Exit{0, 0}));
  EXPECT_TRUE(manager.wait_notice("STOPPING=1", heard, 10s));
}

TEST(service_manager, keeps_the_sockets_that_there_are) {
  InitSystem manager;
  ServerConfig config = on_port(free_port());
  ServerProcess server(config, manager.options());
  ASSERT_TRUE(server.ready());
  const auto keeps = [&](const auto& names) {
    return eventually(10s, [&] { return ::testing::Matches(names)(manager.names()); });
  };
  EXPECT_TRUE(keeps(UnorderedElementsAre("stored/http/0", "stored/http/1", "stored/admin/0")));
  config.listeners += "  more: {bind: \"127.0.0.1:0\"}\n";
  server.write_config(config);
  ASSERT_EQ(server.reload().event, "reload complete");
  EXPECT_TRUE(keeps(UnorderedElementsAre("stored/http/0", "stored/http/1", "stored/admin/0", "stored/more/0",
                                         "stored/more/1")));
  server.write_config(on_port(server.port()));
  ASSERT_EQ(server.reload().event, "reload complete");
  EXPECT_TRUE(keeps(UnorderedElementsAre("stored/http/0", "stored/http/1", "stored/admin/0")));
}

// Nobody is refused, whatever becomes of the processes: who connects while there is none waits.
TEST(service_manager, gives_the_sockets_to_the_next_server) {
  InitSystem manager;
  const std::uint16_t port = free_port();
  for (const int end : {SIGKILL, SIGTERM}) {
    std::vector<pid_t> processes;
    {
      ServerProcess first(on_port(port, 3), manager.options());
      ASSERT_TRUE(first.ready());
      first.allow("master is gone");
      ASSERT_EQ(get(port, "/fixed").status, 200);
      processes = first.processes();
      first.signal(end);
      ASSERT_TRUE(first.wait_exit());
      for (const pid_t pid : processes) ASSERT_TRUE(wait_until_gone(pid, 10s)) << pid;
    }
    std::vector<std::unique_ptr<Client>> waiting;
    for (int i = 0; i < 60; ++i) {
      waiting.push_back(std::make_unique<Client>(port));
      ASSERT_EQ(waiting.back()->connected(), Outcome::Ok) << "connection " << i;
      ASSERT_EQ(waiting.back()->send(request_text("GET", "/fixed")), Outcome::Ok);
    }
    // With fewer workers than sockets, and with more.
    for (const int workers : {2, 5}) {
      ServerProcess next(on_port(port, workers), manager.options());
      ASSERT_TRUE(next.ready());
      for (std::size_t i = 0; i < waiting.size(); ++i) EXPECT_EQ(waiting[i]->receive().status, 200) << i;
      waiting.clear();
      for (int i = 0; i < 50; ++i) EXPECT_EQ(get(port, "/fixed").status, 200);
      // Every worker has its share again.
      EXPECT_TRUE(eventually(10s, [&] {
        get(port, "/fixed");
        const Scrape metrics = scrape(next.admin_port());
        for (int worker = 0; worker < workers; ++worker)
          if (metrics.sum("holdfast_worker_requests_total", {std::to_string(worker)}) == 0) return false;
        return true;
      }));
      EXPECT_EQ(next.stop(), (Exit{0, 0}));
    }
  }
}

TEST(service_manager, listens_for_the_server_under_the_listeners_name) {
  InitSystem manager;
  std::uint16_t port = 0;
  manager.listen("http", listening_socket(port));
  Client early(port);
  early.send(request_text("GET", "/fixed"));
  ServerConfig config;  // whose listener would bind another port
  ServerProcess server(config, manager.options());
  ASSERT_TRUE(server.ready());
  EXPECT_EQ(server.port(), port);
  EXPECT_EQ(early.receive().status, 200);
  Load load(port, {.kind = Load::Kind::Flood, .threads = 4, .target = "/fixed"});
  ASSERT_EQ(server.reload().event, "reload complete");
  config.workers = 3;
  server.write_config(config);
  ASSERT_EQ(server.reload().event, "reload complete");
  ASSERT_EQ(server.upgrade().event, "upgrade complete");
  load.stop();
  EXPECT_EQ(load.outcomes().failed(), 0u) << load.outcomes().text() << '\n' << describe(load.failures());
  EXPECT_EQ(server.stop(), (Exit{0, 0}));
  EXPECT_EQ(Client(port).connected(), Outcome::Ok) << "it is still the manager's";
}

TEST(service_manager, listens_for_the_server_on_the_listeners_address) {
  InitSystem manager;
  std::uint16_t port = 0;
  manager.listen("holdfast.socket", listening_socket(port));
  std::uint16_t other = 0;
  manager.listen("stray", listening_socket(other));
  ServerProcess server(on_port(port), manager.options());
  ASSERT_TRUE(server.ready());
  server.allow("socket of the service manager not used");
  EXPECT_EQ(get(port, "/fixed").status, 200);
  const auto told = server.log().wait_event("socket of the service manager not used", 0, 10s);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->field("name"), "stray");
}

}  // namespace
}  // namespace holdfast::support
