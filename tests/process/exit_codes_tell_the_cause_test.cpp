// Service managers and scripts tell by the exit code what is wrong (sysexits): each code once, from a real
// cause. 64 (usage) and most causes of 78 (configuration) are with the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::HasSubstr;

class exit_codes : public testing::Test {
 protected:
  exit_codes() { dir_.write("www/index.html", "x"); }
  CommandResult start(const ServerConfig& config, const SpawnOptions& options = {}) {
    dir_.write("holdfast.yaml", config.yaml(dir_));
    return run_command({holdfast_binary(), "-c", dir_ / "holdfast.yaml"}, options);
  }
  TempDir dir_;
};

TEST_F(exit_codes, of_a_taken_port_is_69) {
  const TakenPort taken;
  ServerConfig config;
  config.listeners = "  http: {bind: \"127.0.0.1:" + std::to_string(taken.port()) + "\"}\n";
  const CommandResult result = start(config);
  EXPECT_EQ(result.code(), 69);
  EXPECT_THAT(result.err, HasSubstr(std::to_string(taken.port())));
}

TEST_F(exit_codes, of_what_the_system_refuses_is_71) {
  SpawnOptions options;
  options.limits[RLIMIT_FSIZE] = 1024;  // no memory is shared with so little
  const CommandResult result = start({}, options);
  EXPECT_EQ(result.code(), 71);
  EXPECT_THAT(result.err, HasSubstr("shared memory"));
  EXPECT_THAT(result.err, HasSubstr("ulimit -f"));
}

TEST_F(exit_codes, of_a_missing_permission_is_77) {
  std::filesystem::create_directory(dir_ / "run");
  std::filesystem::permissions(dir_ / "run", std::filesystem::perms::owner_read |
                                                 std::filesystem::perms::owner_exec |
                                                 std::filesystem::perms::others_exec);
  SpawnOptions options;
  if (::geteuid() == 0) options.wrapper = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"};
  ServerConfig config;
  config.process = "pid_file: \"" + (dir_ / "run/server.pid") + "\"";
  const CommandResult result = start(config, options);
  EXPECT_EQ(result.code(), 77) << result.err;
  EXPECT_THAT(result.err, HasSubstr("process.pid_file: writing in the folder " + (dir_ / "run")));
}

TEST_F(exit_codes, of_a_wrong_configuration_is_78) {
  ServerConfig config;
  config.more = "colour: blue\n";
  const CommandResult result = start(config);
  EXPECT_EQ(result.code(), 78);
  EXPECT_THAT(result.err, HasSubstr("colour"));
}

}  // namespace
}  // namespace holdfast::support
