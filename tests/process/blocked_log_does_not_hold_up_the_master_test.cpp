#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/deadline.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

// A pipe that is full and that nobody reads, in the place of the error log.
TEST(blocked_log, does_not_hold_up_reload_and_stop) {
  const TempDir dir;
  const std::string pipe = dir / "errors";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0622), 0);
  const Fd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  server.allow("the error log cannot be written");
  const Fd writer(::open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  while (::write(writer.get(), "x", 1) == 1) continue;

  ServerConfig config;
  config.log = "error: {to: \"" + pipe + "\", level: info}, access: off";
  const std::uint16_t port = server.port();
  const std::uint16_t admin = server.admin_port();
  server.write_config(config);
  const auto generation_is = [&](const std::string& number) {
    return get(admin, "/metrics").body.find("holdfast_generation " + number) != std::string::npos;
  };
  server.signal(SIGHUP);
  ASSERT_TRUE(eventually(10s, [&] { return generation_is("2"); }));
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually(10s, [&] { return generation_is("3"); }))
      << "the log of this one goes to the full pipe";
  EXPECT_EQ(get(port, "/fixed").status, 200);
  EXPECT_EQ(server.stop(), (Exit{0, 0}));
}

}  // namespace
}  // namespace holdfast::support
