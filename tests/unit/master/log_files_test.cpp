#include "master/log_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/master/temp_folder.h"

namespace holdfast::master {
namespace {

config::Log settings(const std::string& error, const std::string& access) {
  return {{error, LogLevel::Info, LogFormat::Text}, {access != "off", access, "combined"}};
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_line(int fd, std::string_view text) {
  ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST(LogFiles, FilesAreCreatedForOwnerAndGroupAndAppendedTo) {
  const TempFolder folder;
  std::ofstream(folder / "access") << "before\n";
  const Result<LogFiles> logs = LogFiles::open(settings(folder / "error", folder / "access"));
  ASSERT_TRUE(logs);
  write_line(logs->access_fd(), "after\n");
  EXPECT_EQ(content(folder / "access"), "before\nafter\n");
  struct stat file {};
  ASSERT_EQ(::stat((folder / "error").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0137, 0U);
}

TEST(LogFiles, ReopeningFollowsTheNameAfterARotation) {
  const TempFolder folder;
  Result<LogFiles> logs = LogFiles::open(settings("stderr", folder / "access"));
  write_line(logs->access_fd(), "old\n");
  std::filesystem::rename(folder / "access", folder / "access.1");
  ASSERT_TRUE(logs->reopen());
  write_line(logs->access_fd(), "new\n");
  EXPECT_EQ(content(folder / "access.1"), "old\n");
  EXPECT_EQ(content(folder / "access"), "new\n");
}

TEST(LogFiles, FailedReopeningKeepsTheOldFiles) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "sub");
  Result<LogFiles> logs = LogFiles::open(settings(folder / "error", folder / "sub/access"));
  ASSERT_TRUE(logs);
  const int access = logs->access_fd();
  std::filesystem::remove_all(folder / "sub");
  EXPECT_FALSE(logs->reopen());
  EXPECT_EQ(logs->access_fd(), access);
  write_line(logs->access_fd(), "still\n");
}

TEST(LogFiles, StandardStreamsAreBorrowedAndNeverReopened) {
  const Result<LogFiles> logs = LogFiles::open(settings("stderr", "stdout"));
  EXPECT_EQ(logs->error_fd(), 2);
  EXPECT_EQ(logs->access_fd(), 1);
  EXPECT_EQ(logs->error_file(), -1);
  EXPECT_EQ(logs->access_file(), -1);
}

TEST(LogFiles, AccessLogThatIsOffHasNoDescriptor) {
  EXPECT_EQ(LogFiles::open(settings("stderr", "off"))->access_fd(), -1);
}

TEST(LogFiles, FileThatCannotBeOpenedIsNamed) {
  const Result<LogFiles> logs = LogFiles::open(settings("/nonexistent/error.log", "off"));
  ASSERT_FALSE(logs);
  EXPECT_EQ(logs.error().message(),
            "cannot open the log file /nonexistent/error.log: No such file or directory");
}

}  // namespace
}  // namespace holdfast::master
