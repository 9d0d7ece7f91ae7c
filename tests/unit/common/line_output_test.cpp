#include "common/line_output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace holdfast {
namespace {

std::string drained(int fd) {
  std::string text(1 << 20, '\0');
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(::read(fd, text.data(), text.size()), 0)));
  return text;
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
  }
  Fd reader, writer;
};

TEST(LineOutput, TellsHowFarADescriptorHasComeInAFile) {
  const Fd file(::memfd_create("lines", MFD_CLOEXEC));
  LineOutput output(Fd(::dup(file.get())), "/a/file");
  EXPECT_EQ(output.place(), 0u);
  EXPECT_EQ(output.write("one\ntwo\n").written, 8u);
  EXPECT_EQ(output.place(), 8u);
  Pipe pipe;
  EXPECT_EQ(LineOutput(std::move(pipe.writer), "stdout").place(), std::nullopt);
}

TEST(LineOutput, WritesWholeLinesInPiecesThatAPipeTakesAtOnce) {
  int ends[2];
  // One packet a write, so that they can be told apart.
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  LineOutput output(Fd(::dup(writer.get())), "stdout");
  std::string lines;
  for (int i = 0; i < 40; ++i) lines += std::string(300, 'x') + "\n";
  EXPECT_EQ(output.write(lines).problem, 0);
  std::string all;
  for (std::string piece; !(piece = drained(reader.get())).empty(); all += piece) {
    EXPECT_LE(piece.size(), std::size_t{PIPE_BUF});
    EXPECT_EQ(piece.back(), '\n');
  }
  EXPECT_EQ(all, lines);
}

TEST(LineOutput, StopsAtALineWhereAPipeIsFull) {
  Pipe pipe;
  ASSERT_EQ(::fcntl(pipe.writer.get(), F_SETPIPE_SZ, 8192), 8192);
  LineOutput output(std::move(pipe.writer), "stdout");
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += std::string(300, 'x') + "\n";
  const LineOutput::Outcome outcome = output.write(lines);
  EXPECT_EQ(outcome.problem, EAGAIN);
  EXPECT_FALSE(output.line_begun());
  EXPECT_EQ(outcome.written % 301, 0u);
  EXPECT_EQ(drained(pipe.reader.get()), lines.substr(0, outcome.written));
}

TEST(LineOutput, SaysThatALineLongerThanAPipeTakesIsBegun) {
  Pipe pipe;
  ASSERT_EQ(::fcntl(pipe.writer.get(), F_SETPIPE_SZ, 4096), 4096);
  LineOutput output(std::move(pipe.writer), "stdout");
  const std::string line = std::string(6000, 'x') + "\n";
  const LineOutput::Outcome outcome = output.write(line);
  EXPECT_EQ(outcome.problem, EAGAIN);
  ASSERT_TRUE(output.line_begun());
  std::string all = drained(pipe.reader.get());
  EXPECT_EQ(output.write(line.substr(outcome.written)).problem, 0);
  EXPECT_FALSE(output.line_begun());
  EXPECT_EQ(all + drained(pipe.reader.get()), line);
}

TEST(LineOutput, KeepsTheErrorOfADescriptorThatFails) {
  LineOutput output(Fd(), "/a/file");
  const LineOutput::Outcome outcome = output.write("one\n");
  EXPECT_EQ(outcome.written, 0u);
  EXPECT_EQ(outcome.problem, EBADF);
}

TEST(LineOutput, TakesAFileForAFileWhateverTheTargetIsCalled) {
  const Fd file(::memfd_create("lines", MFD_CLOEXEC));
  EXPECT_EQ(LineOutput(Fd(::dup(file.get())), "syslog").write("one\n").written, 4u);
}

TEST(Syslog, IsNamedByItsWordOrTheWordWithAPath) {
  EXPECT_EQ(syslog_socket_of("syslog"), "/dev/log");
  EXPECT_EQ(syslog_socket_of("syslog:/run/log"), "/run/log");
  EXPECT_EQ(syslog_socket_of("syslog:run/log"), std::nullopt);
  EXPECT_EQ(syslog_socket_of("stderr"), std::nullopt);
  EXPECT_EQ(syslog_socket_of("/var/log/x"), std::nullopt);
}

TEST(Syslog, WhichIsNotThereIsNamed) {
  const Result<Fd> none = open_syslog("/no/such/socket");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), ::testing::HasSubstr("no syslog at /no/such/socket"));
  EXPECT_THAT(open_syslog("/dev/null").error().message(), ::testing::HasSubstr("it is no socket"));
}

}  // namespace
}  // namespace holdfast
