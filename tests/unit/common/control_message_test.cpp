#include "common/control_message.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace holdfast {
namespace {

class ControlChannel : public ::testing::Test {
 protected:
  ControlChannel() {
    auto ends = make_control_channel();
    master = std::move(ends->first);
    worker = std::move(ends->second);
  }
  static ino_t inode_of(int fd) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd, &status), 0);
    return status.st_ino;
  }
  Fd master, worker;
  ControlMessage message;
};

TEST_F(ControlChannel, CarriesKindValueAndText) {
  ASSERT_TRUE(send_control(worker.get(), ControlKind::Failed, 7, "cannot open /srv"));
  ASSERT_TRUE(send_control(worker.get(), ControlKind::Ready));
  ASSERT_EQ(receive_control(master.get(), message), Received::Message);
  EXPECT_EQ(message.kind, ControlKind::Failed);
  EXPECT_EQ(message.value, 7u);
  EXPECT_EQ(message.text, "cannot open /srv");
  ASSERT_EQ(receive_control(master.get(), message), Received::Message);
  EXPECT_EQ(message.kind, ControlKind::Ready);
  EXPECT_EQ(message.text, "");
  EXPECT_EQ(receive_control(master.get(), message), Received::Nothing);
}

TEST_F(ControlChannel, CutsLongTexts) {
  ASSERT_TRUE(send_control(worker.get(), ControlKind::Failed, 0, std::string(5000, 'x')));
  ASSERT_EQ(receive_control(master.get(), message), Received::Message);
  EXPECT_EQ(message.text, std::string(ControlMessage::kTextLimit, 'x'));
}

TEST_F(ControlChannel, PassesEitherLogOrBothOrNone) {
  const Fd error(::memfd_create("error", MFD_CLOEXEC)), access(::memfd_create("access", MFD_CLOEXEC));
  for (const bool with_error : {false, true}) {
    for (const bool with_access : {false, true}) {
      ASSERT_TRUE(send_control(master.get(), ControlKind::ReopenLogs, 0, "", with_error ? error.get() : -1,
                               with_access ? access.get() : -1));
      ASSERT_EQ(receive_control(worker.get(), message), Received::Message);
      ASSERT_EQ(bool(message.first_file), with_error);
      ASSERT_EQ(bool(message.second_file), with_access);
      if (with_access) {
        EXPECT_EQ(inode_of(message.second_file.get()), inode_of(access.get()));
      }
      if (with_error) {
        EXPECT_EQ(inode_of(message.first_file.get()), inode_of(error.get()));
        EXPECT_NE(::fcntl(message.first_file.get(), F_GETFD) & FD_CLOEXEC, 0);
      }
    }
  }
}

TEST_F(ControlChannel, TellsWhenTheOtherEndIsGone) {
  ASSERT_TRUE(send_control(master.get(), ControlKind::Drain, 30'000));
  master.reset();
  EXPECT_EQ(receive_control(worker.get(), message), Received::Message) << "what was sent before still arrives";
  EXPECT_EQ(message.value, 30'000u);
  EXPECT_EQ(receive_control(worker.get(), message), Received::EndOfFile);
  EXPECT_FALSE(send_control(worker.get(), ControlKind::Drained));
}

TEST_F(ControlChannel, NeverBlocksOnAPeerThatDoesNotRead) {
  int sent = 0;
  while (send_control(master.get(), ControlKind::Drain) && sent < 100'000) ++sent;
  EXPECT_GT(sent, 0);
  EXPECT_LT(sent, 100'000);
  EXPECT_EQ(send_control(master.get(), ControlKind::Drain).error().system_code, EAGAIN);
}

TEST_F(ControlChannel, RefusesAMessageOfAnotherSize) {
  ASSERT_EQ(::send(master.get(), "short", 5, 0), 5);
  EXPECT_EQ(receive_control(worker.get(), message), Received::Broken);
}

}  // namespace
}  // namespace holdfast
