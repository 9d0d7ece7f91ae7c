#include "master/signal_source.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace holdfast::master {
namespace {

struct SignalSourceTest : testing::Test {
  SignalSourceTest() { sigprocmask(SIG_SETMASK, nullptr, &before); }
  ~SignalSourceTest() override { sigprocmask(SIG_SETMASK, &before, nullptr); }
  sigset_t before{};
};

TEST_F(SignalSourceTest, SignalsOfTheManualHaveTheirMeaning) {
  Result<SignalSource> source = SignalSource::open();
  ASSERT_TRUE(source);
  const std::pair<int, Signal> meanings[] = {{SIGHUP, Signal::Reload},         {SIGTERM, Signal::Stop},
                                             {SIGQUIT, Signal::Stop},          {SIGINT, Signal::QuickStop},
                                             {SIGUSR1, Signal::ReopenLogs},    {SIGUSR2, Signal::Upgrade},
                                             {SIGWINCH, Signal::DrainWorkers}, {SIGTTIN, Signal::MoreWorkers},
                                             {SIGTTOU, Signal::FewerWorkers},  {SIGCHLD, Signal::ChildEnded}};
  for (const auto& [number, meaning] : meanings) {
    kill(getpid(), number);
    const std::optional<SignalNotice> notice = source->next();
    ASSERT_TRUE(notice) << number;
    EXPECT_EQ(notice->signal, meaning) << number;
    EXPECT_EQ(notice->number, number);
    EXPECT_EQ(notice->sender, getpid());
  }
  EXPECT_FALSE(source->next());
}

TEST_F(SignalSourceTest, NoCatchableSignalGetsThrough) {
  Result<SignalSource> source = SignalSource::open();
  ASSERT_TRUE(source);
  for (int number = 1; number <= 64; ++number) {
    if (number == SIGKILL || number == SIGSTOP || number == SIGCONT) continue;
    if (number == SIGPIPE || number == SIGXFSZ) {  // ignored: a log line about it could bring the next one
      kill(getpid(), number);
      EXPECT_FALSE(source->next());
      continue;
    }
    kill(getpid(), number);
    const std::optional<SignalNotice> notice = source->next();
    ASSERT_TRUE(notice) << number;
    EXPECT_EQ(notice->number, number);
  }
}

TEST_F(SignalSourceTest, MaskIsHeldAfterSomebodyOpenedIt) {
  Result<SignalSource> source = SignalSource::open();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  source->hold();
  kill(getpid(), SIGUSR1);
  EXPECT_TRUE(source->next());
}

TEST_F(SignalSourceTest, ChildIgnoresTheTerminalAndWhatSteersTheMasterButCanBeAborted) {
  const Result<SignalSource> source = SignalSource::open();
  const pid_t child = fork();
  if (child == 0) {
    SignalSource::settle_in_child();
    for (const int number :
         {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH, SIGPIPE, SIGXFSZ})
      kill(getpid(), number);
    kill(getpid(), SIGABRT);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
}

}  // namespace
}  // namespace holdfast::master
