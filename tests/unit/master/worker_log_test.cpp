#include "master/worker_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

#include "tests/unit/master/temp_folder.h"

namespace holdfast::master {
namespace {

class WorkerLogTest : public ::testing::Test {
 protected:
  LogFiles open() {
    config::Log settings;
    settings.error.to = "stderr";
    settings.access.enabled = true;
    settings.access.to = folder_ / "access.log";
    Result<LogFiles> files = LogFiles::open(settings);
    EXPECT_TRUE(files);
    return std::move(*files);
  }
  std::string content(const std::string& name = "access.log") const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name).rdbuf();
    return text.str();
  }
  WorkerLog::Outcome take_over(const WorkerLog& log) const {
    return log.take_over(*kept_, folder_ / "access.log");
  }
  static void write(int fd, std::string_view text) {
    ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  TempFolder folder_;
  std::unique_ptr<stats::KeptLines> kept_ = std::make_unique<stats::KeptLines>();
};

TEST_F(WorkerLogTest, WritesWhatWaited) {
  const LogFiles files = open();
  const WorkerLog log(files);
  kept_->append("one\n");
  kept_->append("two\n");
  const WorkerLog::Outcome outcome = take_over(log);
  EXPECT_EQ(outcome.written, 2u);
  EXPECT_EQ(outcome.lost, 0u);
  EXPECT_EQ(content(), "one\ntwo\n");
}

TEST_F(WorkerLogTest, WritesWhatWasJustToBeWritten) {
  const LogFiles files = open();
  const WorkerLog log(files);
  write(log.fd(), "before\n");
  kept_->append("one\n");
  kept_->begin_write(7);
  EXPECT_EQ(take_over(log).written, 1u);
  EXPECT_EQ(content(), "before\none\n");
}

TEST_F(WorkerLogTest, LeavesWhatIsInTheFileThoughTheWorkerNoLongerSaidSo) {
  const LogFiles files = open();
  const WorkerLog log(files), another(files);
  kept_->append("one\n");
  kept_->begin_write(0);
  write(log.fd(), "one\n");
  EXPECT_EQ(take_over(log).written, 0u);
  EXPECT_EQ(content(), "one\n");
}

TEST_F(WorkerLogTest, IsNotMisledByWhatOthersHaveWritten) {
  const LogFiles files = open();
  const WorkerLog log(files), another(files);
  kept_->append("one\n");
  kept_->begin_write(0);
  write(another.fd(), "one\n");
  EXPECT_EQ(take_over(log).written, 1u);
  EXPECT_EQ(content(), "one\none\n");
}

TEST_F(WorkerLogTest, LooksAtTheDescriptorThatTheWorkerHad) {
  LogFiles files = open();
  WorkerLog log(files);
  const int first = log.fd();
  ASSERT_EQ(::rename((folder_ / "access.log").c_str(), (folder_ / "old").c_str()), 0);
  ASSERT_TRUE(files.reopen());
  log.reopen(files, *kept_);
  EXPECT_NE(log.fd(), first);
  // It had not yet heard of the new one, and was writing to the old one.
  kept_->append("one\n");
  kept_->begin_write(0);
  write(first, "one\n");
  EXPECT_EQ(take_over(log).written, 0u);
  // It had the new one, and had not begun.
  kept_->opening.store(1);
  EXPECT_EQ(take_over(log).written, 1u);
  EXPECT_EQ(content("old"), "one\n");
  EXPECT_EQ(content(), "one\n");
}

TEST_F(WorkerLogTest, LetsGoOfDescriptorsThatTheWorkerHasLetGo) {
  const LogFiles files = open();
  WorkerLog log(files);
  const auto open_now = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  log.reopen(files, *kept_);
  const auto two = open_now();
  for (std::uint64_t opening = 1; opening < 5; ++opening) {
    kept_->opening.store(opening);
    log.reopen(files, *kept_);
    EXPECT_EQ(log.opening(), opening + 1);
    EXPECT_EQ(open_now(), two);
  }
}

TEST_F(WorkerLogTest, KeepsFewDescriptorsForAWorkerThatDoesNotListen) {
  const LogFiles files = open();
  WorkerLog log(files);
  for (int i = 0; i < 100; ++i) log.reopen(files, *kept_);
  EXPECT_EQ(log.opening(), 100u);
  const auto open_now = std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                      std::filesystem::directory_iterator());
  EXPECT_LT(open_now, 50);
}

TEST_F(WorkerLogTest, WritesWholeLinesOnly) {
  const LogFiles files = open();
  const WorkerLog log(files);
  kept_->append("one\n");
  kept_->append("tor");
  EXPECT_EQ(take_over(log).written, 1u);
  EXPECT_EQ(content(), "one\n");
}

TEST_F(WorkerLogTest, CountsWhatCannotBeWritten) {
  kept_->append("one\n");
  const WorkerLog log(Fd(::open("/dev/full", O_WRONLY | O_CLOEXEC)), 0);
  EXPECT_EQ(take_over(log).lost, 1u);
}

TEST_F(WorkerLogTest, SurvivesWordsThatABrokenWorkerHasWritten) {
  const LogFiles files = open();
  const WorkerLog log(files);
  for (const std::uint64_t range :
       std::initializer_list<std::uint64_t>{~0ULL, 1ULL << 32, 0xffffffffULL, 5ULL << 32 | 2}) {
    kept_->range.store(range);
    kept_->opening.store(~std::uint64_t{0});
    EXPECT_EQ(take_over(log).lost, 0u);
  }
  EXPECT_LE(content().size(), stats::KeptLines::kRoom);
}

TEST_F(WorkerLogTest, HasNothingToDoWithoutAnAccessLog) {
  kept_->append("one\n");
  EXPECT_EQ(WorkerLog().fd(), -1);
  EXPECT_EQ(take_over(WorkerLog()).written, 0u);
}

}  // namespace
}  // namespace holdfast::master
