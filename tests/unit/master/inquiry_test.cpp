#include "master/inquiry.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace holdfast::master {
namespace {

std::optional<std::string> outcome_of(std::function<std::string()> work) {
  Result<Inquiry> inquiry = Inquiry::start(std::nullopt, std::move(work));
  if (!inquiry) return "not started";
  pollfd polled{inquiry->output(), POLLIN, 0};
  while (::poll(&polled, 1, 20'000) == 1)
    if (inquiry->ended()) break;
  ::waitpid(-1, nullptr, 0);
  return inquiry->answer();
}

TEST(Inquiry, answers_with_what_its_work_returns) {
  EXPECT_EQ(outcome_of([] { return std::string("two\nlines"); }), "two\nlines");
  EXPECT_EQ(outcome_of([] { return std::string(); }), "");
  EXPECT_EQ(outcome_of([] { return std::string(300'000, 'x'); }), std::string(300'000, 'x'));
}

TEST(Inquiry, that_dies_has_no_answer) {
  EXPECT_EQ(outcome_of([]() -> std::string {
              ::raise(SIGKILL);
              return "never";
            }),
            std::nullopt);
  EXPECT_EQ(outcome_of([]() -> std::string { ::_exit(0); }), std::nullopt);
}

TEST(Inquiry, has_nothing_of_ours_open) {
  const Fd ours(::open("/dev/null", O_RDONLY));
  EXPECT_EQ(outcome_of([fd = ours.get()] { return std::string(::fcntl(fd, F_GETFD) < 0 ? "closed" : "open"); }),
            "closed");
}

TEST(Inquiry, is_killed_with_its_owner) {
  // Those that other tests have left were killed with their owners, too, but nobody has waited for them.
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  Result<Inquiry> inquiry = Inquiry::start(std::nullopt, [] {
    ::pause();
    return std::string();
  });
  ASSERT_TRUE(inquiry);
  EXPECT_FALSE(inquiry->ended());
  { const Inquiry gone = std::move(*inquiry); }
  int status = 0;
  ASSERT_GT(::waitpid(-1, &status, 0), 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

}  // namespace
}  // namespace holdfast::master
