#include "common/lost_lines.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "common/fd.h"

namespace holdfast {
namespace {

using namespace std::chrono_literals;

TEST(LostLines, AreToldOfAtTheirBeginningAndTheirEnd) {
  LostLines lines;
  const TimePoint now(100s);
  EXPECT_EQ(lines.written(now), 0U);
  EXPECT_TRUE(lines.lost(2, now));
  EXPECT_FALSE(lines.lost(3, now + 60s)) << "it goes on";
  EXPECT_TRUE(lines.any());
  EXPECT_EQ(lines.written(now + 61s), 5U);
  EXPECT_EQ(lines.written(now + 62s), 0U);
  EXPECT_FALSE(lines.any());
}

TEST(LostLines, ThatComeAndGoAreToldOfSeldomAndAllAreCounted) {
  LostLines lines;
  TimePoint now(100s);
  int told = 0;
  std::uint64_t counted = 0;
  for (int i = 0; i < 1000; ++i) {
    now += 100ms;
    told += lines.lost(1, now) ? 1 : 0;
    const std::uint64_t count = lines.written(now);
    told += count > 0 ? 1 : 0;
    counted += count;
  }
  counted += lines.written(now + 10s);
  EXPECT_LE(told, 20 + 2);
  EXPECT_GE(told, 4);
  EXPECT_EQ(counted, 1000U);
}

class TornLine : public testing::Test {
 protected:
  TornLine() {
    char pattern[] = "/tmp/holdfast-torn-XXXXXX";
    Fd(::mkstemp(pattern)).reset();
    path_ = pattern;
    file_ = Fd(::open(pattern, O_WRONLY | O_APPEND | O_CLOEXEC));
  }
  ~TornLine() override { ::unlink(path_.c_str()); }
  void append(const Fd& to, const std::string& text) {
    ASSERT_EQ(::write(to.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  off_t size() const {
    struct stat status {};
    ::stat(path_.c_str(), &status);
    return status.st_size;
  }
  std::string path_;
  Fd file_;
};

TEST_F(TornLine, IsTakenBackFromTheEndOfAFile) {
  append(file_, "whole\nto");
  EXPECT_TRUE(take_back(file_.get(), 2));
  EXPECT_EQ(size(), 6);
  append(file_, "next\n");
  EXPECT_EQ(size(), 11);
}

TEST_F(TornLine, StaysWhereSomebodyHasAppended) {
  const Fd other(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  append(file_, "whole\nto");
  append(other, "another's\n");
  EXPECT_FALSE(take_back(file_.get(), 2));
  EXPECT_EQ(size(), 18);
}

TEST_F(TornLine, StaysInAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reading(ends[0]);
  const Fd writing(ends[1]);
  append(writing, "to");
  EXPECT_FALSE(take_back(writing.get(), 2));
}

}  // namespace
}  // namespace holdfast
