#include "common/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>

namespace holdfast {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kTime[] = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z";

class LogTest : public ::testing::Test {
 protected:
  void use(LogLevel level, LogFormat format) { sink.configure(file.get(), level, format); }
  /// All that was written so far, without the times at the front.
  std::string written() const {
    std::string text(1 << 20, '\0');
    const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return text;
  }

  Fd file{::memfd_create("log", MFD_CLOEXEC)};
  ErrorLogSink sink;
};

TEST_F(LogTest, WritesTimeLevelEventAndFieldsOnOneLine) {
  use(LogLevel::Info, LogFormat::Text);
  sink.info("worker ready", {{"worker", 3}, {"pid", 4711}, {"share", 0.5}});
  EXPECT_THAT(written(),
              MatchesRegex(std::string(kTime) + " info  worker ready worker=3 pid=4711 share=0.5\n"));
}

TEST_F(LogTest, WritesOneJsonObjectALine) {
  use(LogLevel::Info, LogFormat::Json);
  sink.warning("reload refused", {{"line", 3}, {"reason", "unknown key \"worker\""}});
  EXPECT_THAT(written(), MatchesRegex(std::string("\\{\"time\":\"") + kTime +
                                      "\",\"level\":\"warn\",\"event\":\"reload refused\",\"line\":3,"
                                      "\"reason\":\"unknown key .\"worker.\"\"\\}\n"));
}

TEST_F(LogTest, LeavesOutLevelsBelowTheConfiguredOne) {
  use(LogLevel::Warning, LogFormat::Text);
  sink.debug("one");
  sink.info("two");
  EXPECT_EQ(written(), "");
  sink.warning("three");
  sink.error("four");
  EXPECT_THAT(written(), HasSubstr(" warn  three\n"));
  EXPECT_THAT(written(), HasSubstr(" error four\n"));
}

TEST_F(LogTest, QuotesOnlyValuesThatNeedIt) {
  use(LogLevel::Info, LogFormat::Text);
  sink.info("x", {{"plain", "a/b.c"}, {"spaced", "a b"}, {"empty", ""}, {"pair", "a=b"}});
  EXPECT_THAT(written(), EndsWith(" x plain=a/b.c spaced=\"a b\" empty=\"\" pair=\"a=b\"\n"));
}

TEST_F(LogTest, LetsNobodyForgeALine) {
  use(LogLevel::Info, LogFormat::Text);
  sink.info("x", {{"target", "/\r\n2026-01-01T00:00:00.000Z info forged\" \\ \x1b[2J"}});
  const std::string text = written();
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_THAT(text, HasSubstr("/\\x0D\\x0A2026"));
  EXPECT_THAT(text, HasSubstr("forged\\x22 \\x5C \\x1B[2J\""));
}

TEST_F(LogTest, KeepsReadableCharactersAndEscapesBrokenOnes) {
  std::string out;
  append_escaped(out, "gr\xc3\xbc\xc3\x9f \xff\xc0\x80 \xc2\x9b \xed\xa0\x80");
  EXPECT_EQ(out, "gr\xc3\xbc\xc3\x9f \\xFF\\xC0\\x80 \\xC2\\x9B \\xED\\xA0\\x80");
}

TEST_F(LogTest, WritesJsonThatIsAlwaysUtf8) {
  std::string out;
  append_json_escaped(out, std::string_view("a\"\\\n\t\x01\x7f\xff\xc3\xbc\0z", 12));
  EXPECT_EQ(out, "a\\\"\\\\\\n\\t\\u0001\\u007f\xef\xbf\xbd\xc3\xbc\\u0000z");
}

TEST_F(LogTest, NamesTheProcessOnEachLineUnlessTheLineDoes) {
  use(LogLevel::Info, LogFormat::Text);
  sink.set_role("master");
  sink.info("one");
  sink.set_role("worker 3");
  sink.info("two");
  sink.info("three", {{"worker", 5}});
  EXPECT_THAT(written(), HasSubstr(" one role=master\n"));
  EXPECT_THAT(written(), HasSubstr(" two worker=3\n"));
  EXPECT_THAT(written(), HasSubstr(" three worker=5\n"));
  use(LogLevel::Info, LogFormat::Json);
  sink.info("four");
  EXPECT_THAT(written(), HasSubstr("\"event\":\"four\",\"worker\":3}\n"));
}

TEST_F(LogTest, CutsLongLinesWithAMarkAndStaysValid) {
  const std::string umlauts = [] {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "\xc3\xbc";
    return text;
  }();
  for (const LogFormat format : {LogFormat::Text, LogFormat::Json}) {
    for (const std::string& value : {std::string(100'000, 'a'), std::string(100'000, '\x01'), umlauts}) {
      ASSERT_EQ(::ftruncate(file.get(), 0), 0);
      ::lseek(file.get(), 0, SEEK_SET);
      use(LogLevel::Info, format);
      sink.info("big", {{"before", 1}, {"value", value}, {"after", 2}});
      const std::string text = written();
      EXPECT_LE(text.size(), 8192u);
      EXPECT_GT(text.size(), 3000u);
      EXPECT_THAT(text, HasSubstr("\xe2\x80\xa6"));
      EXPECT_THAT(text, EndsWith(format == LogFormat::Json ? "\xe2\x80\xa6\"}\n" : "\n"));
      EXPECT_THAT(text, Not(HasSubstr("after")));
      std::string checked;
      append_json_escaped(checked, text);
      EXPECT_THAT(checked, Not(HasSubstr("\xef\xbf\xbd"))) << "a character was cut in the middle";
    }
  }
}

TEST_F(LogTest, WritesNumbersOfEverySize) {
  use(LogLevel::Info, LogFormat::Json);
  sink.info("x", {{"least", std::numeric_limits<std::int64_t>::min()},
                  {"nan", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_THAT(written(), HasSubstr("\"least\":-9223372036854775808,\"nan\":null}"));
}

TEST_F(LogTest, PreservesErrno) {
  sink.configure(-1, LogLevel::Info, LogFormat::Text);
  errno = ENOENT;
  sink.info("x");
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(LogTest, CountsLinesThatCouldNotBeWritten) {
  sink.configure(-1, LogLevel::Info, LogFormat::Text);
  sink.info("one");
  sink.info("two");
  EXPECT_EQ(sink.take_dropped(), 2u);
  EXPECT_EQ(sink.take_dropped(), 0u);
}

TEST_F(LogTest, BeginsANewLineAfterATornOne) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  ASSERT_EQ(::fcntl(writer.get(), F_SETPIPE_SZ, 8192), 8192);
  ASSERT_EQ(::write(writer.get(), std::string(4096, 'x').data(), 4096), 4096);
  sink.configure(writer.get(), LogLevel::Info, LogFormat::Text);
  sink.info("long", {{"value", std::string(7000, 'a')}});
  EXPECT_EQ(sink.take_dropped(), 1u);
  std::string text(8192, '\0');
  ASSERT_EQ(::read(reader.get(), text.data(), text.size()), 8192);
  sink.info("next");
  text.resize(static_cast<std::size_t>(::read(reader.get(), text.data(), text.size())));
  EXPECT_THAT(text, StartsWith("\n"));
  EXPECT_THAT(text, HasSubstr(" info  next\n"));
  EXPECT_THAT(text, EndsWith(" warn  log lines were lost lines=1\n"));
  EXPECT_EQ(sink.take_dropped(), 0u);
}

TEST_F(LogTest, TakesATornLineBackFromAFile) {
  use(LogLevel::Info, LogFormat::Text);
  sink.info("first");
  const std::size_t whole = written().size();
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit before = [] {
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    return limit;
  }();
  rlimit full = before;
  full.rlim_cur = whole + 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  sink.info("second");
  sink.info("third");
  EXPECT_EQ(sink.take_dropped(), 2U);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(written().size(), whole);
  sink.info("fourth");
  EXPECT_THAT(written(), HasSubstr(" info  first\n2"));
  EXPECT_THAT(written(), HasSubstr(" info  fourth\n2"));
  EXPECT_THAT(written(), EndsWith(" warn  log lines were lost lines=2\n"));
}

TEST_F(LogTest, GoesOnInTheAdoptedDescriptor) {
  use(LogLevel::Info, LogFormat::Text);
  sink.info("old");
  Fd next(::memfd_create("next", MFD_CLOEXEC));
  Fd look(::dup(next.get()));
  sink.adopt(std::move(next));
  sink.info("new");
  EXPECT_THAT(written(), Not(HasSubstr("new")));
  char text[128] = {};
  ASSERT_GT(::pread(look.get(), text, sizeof text - 1, 0), 0);
  EXPECT_THAT(text, HasSubstr(" new\n"));
}

TEST(LogRate, LetsABurstThroughAndTellsWhatItHeldBack) {
  LogRate rate(2, Milliseconds(1000));
  const TimePoint start{std::chrono::hours(5)};
  EXPECT_TRUE(rate.allow(start));
  EXPECT_TRUE(rate.allow(start));
  EXPECT_FALSE(rate.allow(start));
  EXPECT_FALSE(rate.allow(start + Milliseconds(999)));
  EXPECT_TRUE(rate.allow(start + Milliseconds(1000)));
  EXPECT_EQ(rate.suppressed(), 2u);
  EXPECT_TRUE(rate.allow(start + Milliseconds(1001)));
  EXPECT_EQ(rate.suppressed(), 0u);
}

}  // namespace
}  // namespace holdfast
