#include "master/pid_file.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/master/temp_folder.h"

namespace holdfast::master {
namespace {

std::string content(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

TEST(PidFile, IsThereOnlyWhenPublishedAndGoesWithItsOwner) {
  const TempFolder folder;
  const std::string path = folder / "x.pid";
  {
    Result<PidFile> file = PidFile::claim(path);
    ASSERT_TRUE(file);
    EXPECT_FALSE(std::filesystem::exists(path));
    ASSERT_TRUE(file->publish());
    EXPECT_EQ(content(path), std::to_string(getpid()));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder / "")) << "neither the file nor the one beside it may stay";
}

TEST(PidFile, SecondServerIsRefusedByTheLockAndToldThePid) {
  const TempFolder folder;
  Result<PidFile> first = PidFile::claim(folder / "x.pid");
  ASSERT_TRUE(first->publish());
  const Result<PidFile> second = PidFile::claim(folder / "x.pid");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::Unavailable);
  EXPECT_NE(second.error().message().find("pid " + std::to_string(getpid())), std::string::npos);
}

TEST(PidFile, OfTwoThatStartAtOnceTheLaterIsRefused) {
  const TempFolder folder;
  Result<PidFile> first = PidFile::claim(folder / "x.pid");
  Result<PidFile> second = PidFile::claim(folder / "x.pid");
  ASSERT_TRUE(first->publish());
  const std::string pid = content(folder / "x.pid");
  const Result<void> late = second->publish();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::Unavailable);
  EXPECT_EQ(content(folder / "x.pid"), pid);
}

TEST(PidFile, StaleFileIsNoErrorAndIsReplaced) {
  const TempFolder folder;
  std::ofstream(folder / "x.pid") << "1\n";
  Result<PidFile> file = PidFile::claim(folder / "x.pid");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->found_stale());
  EXPECT_EQ(content(folder / "x.pid"), "1") << "nothing is written before the server is ready";
  ASSERT_TRUE(file->publish());
  EXPECT_EQ(content(folder / "x.pid"), std::to_string(getpid()));
}

TEST(PidFile, StaleFileStaysWhenTheServerNeverBecameReady) {
  const TempFolder folder;
  std::ofstream(folder / "x.pid") << "1\n";
  { const Result<PidFile> file = PidFile::claim(folder / "x.pid"); }
  EXPECT_EQ(content(folder / "x.pid"), "1");
}

TEST(PidFile, FileOfASuccessorIsNotRemoved) {
  const TempFolder folder;
  const std::string path = folder / "x.pid";
  {
    Result<PidFile> file = PidFile::claim(path);
    ASSERT_TRUE(file->publish());
    std::ofstream(folder / "new") << "4711\n";
    std::filesystem::rename(folder / "new", path);
  }
  EXPECT_EQ(content(path), "4711");
}

TEST(PidFile, UnwritableFolderIsNamed) {
  Result<PidFile> file = PidFile::claim("/nonexistent/folder/x.pid");
  ASSERT_TRUE(file);
  const Result<void> published = file->publish();
  ASSERT_FALSE(published);
  EXPECT_NE(published.error().message().find("/nonexistent/folder/x.pid"), std::string::npos);
}

TEST(PidFile, SymbolicLinkIsNotFollowed) {
  const TempFolder folder;
  std::ofstream(folder / "precious") << "data\n";
  std::filesystem::create_symlink(folder / "precious", folder / "x.pid");
  EXPECT_FALSE(PidFile::claim(folder / "x.pid"));
  EXPECT_EQ(content(folder / "precious"), "data");
}

}  // namespace
}  // namespace holdfast::master
