#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "worker/http/access_log_writer.h"

namespace holdfast::http {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr std::time_t kSeconds = 971'186'136;  // 2000-10-10T13:55:36Z

AccessEntry sample() {
  AccessEntry entry;
  entry.client_ip = "192.0.2.7";
  entry.method = "GET";
  entry.target = "/apache_pb.gif?x=1";
  entry.host = "example.org";
  entry.version = api::Version::Http10;
  entry.status = 200;
  entry.body_bytes_sent = 2326;
  entry.bytes_sent = 2500;
  entry.bytes_received = 120;
  entry.duration = std::chrono::microseconds(1250);
  entry.user_agent = "Mozilla/4.08 [en]";
  entry.referer = "http://www.example.com/start.html";
  entry.site = "example.org";
  entry.route = "/*";
  entry.worker = 3;
  entry.connection = 77;
  return entry;
}

std::string line_of(std::string_view format, const AccessEntry& entry) {
  auto compiled = compile_access_format(format);
  EXPECT_TRUE(compiled) << format;
  std::string out;
  append_access_line(out, **compiled, entry, kSeconds, 42);
  return out;
}

TEST(AccessFormat, WritesCommonLinesAsApacheDoes) {
  EXPECT_EQ(line_of("common", sample()),
            "192.0.2.7 - - [10/Oct/2000:13:55:36 +0000] \"GET /apache_pb.gif?x=1 HTTP/1.0\" 200 2326\n");
}

TEST(AccessFormat, WritesCombinedLinesAsApacheDoes) {
  EXPECT_EQ(line_of("combined", sample()),
            "192.0.2.7 - - [10/Oct/2000:13:55:36 +0000] \"GET /apache_pb.gif?x=1 HTTP/1.0\" 200 2326 "
            "\"http://www.example.com/start.html\" \"Mozilla/4.08 [en]\"\n");
}

TEST(AccessFormat, WritesADashForWhatIsAbsent) {
  AccessEntry entry;
  entry.client_ip = "::1";
  entry.status = 400;
  EXPECT_EQ(line_of("combined", entry), "::1 - - [10/Oct/2000:13:55:36 +0000] \"-\" 400 - \"-\" \"-\"\n");
}

TEST(AccessFormat, WritesJsonWithTheAgreedNames) {
  EXPECT_EQ(line_of("json", sample()),
            "{\"time\":\"2000-10-10T13:55:36.042Z\",\"level\":\"info\",\"client_ip\":\"192.0.2.7\",\"method\":"
            "\"GET\","
            "\"host\":\"example.org\",\"path\":\"/apache_pb.gif\",\"query\":\"x=1\",\"protocol\":\"HTTP/1.0\","
            "\"status\":200,\"bytes_sent\":2500,\"bytes_received\":120,\"duration\":0.001250,"
            "\"user_agent\":\"Mozilla/4.08 [en]\",\"referer\":\"http://www.example.com/start.html\","
            "\"request_id\":\"\",\"site\":\"example.org\",\"route\":\"/*\",\"worker\":3,\"connection\":77,"
            "\"complete\":true}\n");
}

TEST(AccessFormat, WritesATidyLineForTheTerminal) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(line_of("terse", sample()), "13:55:36 200 GET  /apache_pb.gif?x=1 1.2ms 2.2KiB\n");
  AccessEntry entry = sample();
  entry.method = "OPTIONS";
  entry.body_bytes_sent = 0;
  entry.duration = std::chrono::microseconds(85);
  entry.complete = false;
  EXPECT_EQ(line_of("terse", entry), "13:55:36 200 OPTIONS /apache_pb.gif?x=1 85us 0B (client left)\n");
  entry.body_bytes_sent = 200'000'000;
  entry.duration = std::chrono::seconds(12);
  entry.complete = true;
  EXPECT_THAT(line_of("terse", entry), HasSubstr(" 12.0s 190MiB\n"));
}

TEST(AccessFormat, FillsTemplatesAndKeepsDoubledBraces) {
  EXPECT_EQ(line_of("{{{method}}} {path} {query} {status} {duration} {time} w{worker} {request_id} {complete}",
                    sample()),
            "{GET} /apache_pb.gif x=1 200 0.001250 2000-10-10T13:55:36.042Z w3 - yes\n");
}

TEST(AccessFormat, RefusesBadTemplatesAndSaysWhatIsKnown) {
  const auto why = [](std::string_view format) {
    auto compiled = compile_access_format(format);
    return compiled ? std::string("accepted") : compiled.error().message();
  };
  EXPECT_THAT(why("{nonsense}"), HasSubstr("unknown name {nonsense}; known are client_ip time "));
  EXPECT_THAT(why("{status"), HasSubstr("'{' without '}'"));
  EXPECT_THAT(why("status}"), HasSubstr("'status}' is neither"));
  EXPECT_THAT(why("{status} }"), HasSubstr("single '}'"));
  EXPECT_THAT(why("combind"), HasSubstr("neither combined, common, json, terse"));
  EXPECT_THAT(why("{status}\n{method}"), HasSubstr("one line"));
}

TEST(AccessFormat, LetsNobodyForgeALine) {
  AccessEntry entry = sample();
  entry.target = "/x\" 200 1\r\n192.0.2.8 - - forged";
  entry.user_agent = "a\\\"b\n\x7f\xff";
  entry.host = "\nhost";
  entry.method = "GE\tT";
  for (const char* format :
       {"combined", "common", "json", "terse", "{host} {user_agent} {target} {method} {path}"}) {
    const std::string line = line_of(format, entry);
    EXPECT_EQ(std::ranges::count(line, '\n'), 1) << line;
    EXPECT_EQ(line.find('\r'), std::string::npos) << line;
  }
  EXPECT_THAT(line_of("combined", entry), HasSubstr("\"GE\\x09T /x\\x22 200 1\\x0D\\x0A192.0.2.8"));
  EXPECT_THAT(line_of("combined", entry), HasSubstr("\"a\\x5C\\x22b\\x0A\\x7F\\xFF\"\n"));
}

TEST(AccessFormat, FollowsTheClockAcrossMidnight) {
  const auto format = compile_access_format("{time_local} {time}");
  std::string out;
  append_access_line(out, **format, sample(), 978'307'199, 999);
  append_access_line(out, **format, sample(), 978'307'200, 0);
  EXPECT_EQ(out,
            "31/Dec/2000:23:59:59 +0000 2000-12-31T23:59:59.999Z\n"
            "01/Jan/2001:00:00:00 +0000 2001-01-01T00:00:00.000Z\n");
}

class AccessLogWriterTest : public ::testing::Test {
 protected:
  std::unique_ptr<stats::KeptLines> kept = std::make_unique<stats::KeptLines>();

  static AccessFormatHandle format(std::string_view text) {
    return std::move(compile_access_format(text)).value();
  }
  static std::string content(int fd) {
    std::string text(1 << 20, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(::pread(fd, text.data(), text.size(), 0), 0)));
    return text;
  }
  static std::string drained(int fd) {
    std::string text(1 << 20, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(::read(fd, text.data(), text.size()), 0)));
    return text;
  }
  static void add(AccessLogWriter& writer, std::string_view target) {
    AccessEntry entry = sample();
    entry.target = target;
    writer.add(entry, kSeconds, 0);
  }
};

TEST_F(AccessLogWriterTest, WritesTheLinesOfATurnWithOneCall) {
  int ends[2];
  // Each write is one datagram here, so that calls can be counted.
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  const Fd reader(ends[0]);
  AccessLogWriter writer(format("{target}"), LineOutput(Fd(ends[1]), ""), *kept);
  add(writer, "/1");
  add(writer, "/2");
  EXPECT_EQ(drained(reader.get()), "");
  writer.flush();
  writer.flush();
  EXPECT_EQ(drained(reader.get()), "/1\n/2\n");
  EXPECT_EQ(drained(reader.get()), "");
}

TEST_F(AccessLogWriterTest, FlushesByItselfWhenMuchIsPendingAndAtItsEnd) {
  const Fd file(::memfd_create("access", MFD_CLOEXEC));
  {
    AccessLogWriter writer(format("{target}"), LineOutput(Fd(::dup(file.get())), ""), *kept);
    const std::string large(20'000, 'x');
    add(writer, large);
    EXPECT_EQ(content(file.get()).size(), 0u);
    add(writer, large);
    EXPECT_EQ(content(file.get()).size(), 40'002u);
    add(writer, "/last");
  }
  EXPECT_THAT(content(file.get()), ::testing::EndsWith("\n/last\n"));
}

TEST_F(AccessLogWriterTest, GoesOnInTheNewFileAfterReopening) {
  const Fd before(::memfd_create("before", MFD_CLOEXEC)), after(::memfd_create("after", MFD_CLOEXEC));
  AccessLogWriter writer(format("{target}"), LineOutput(Fd(::dup(before.get())), ""), *kept);
  add(writer, "/old");
  writer.reopen(Fd(::dup(after.get())));
  add(writer, "/new");
  writer.flush();
  EXPECT_EQ(content(before.get()), "/old\n");
  EXPECT_EQ(content(after.get()), "/new\n");
}

TEST_F(AccessLogWriterTest, NeverWaitsForThePipesReaderAndLeavesNoTornLine) {
  int ends[2];
  // The pipe blocks for others; the writer must not.
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  ASSERT_EQ(::fcntl(reader.get(), F_SETPIPE_SZ, 4096), 4096);
  AccessLogWriter writer(format("{target}"), LineOutput(Fd(ends[1]), ""), *kept);
  std::string text;
  std::uint64_t added = 0;
  for (int turn = 0; turn < 50; ++turn) {
    for (int i = 0; i < 40; ++i, ++added)
      add(writer, "/line-" + std::to_string(added) + "-" + std::string(300, 'y') + "-end");
    writer.flush();
    if (turn % 3 == 2) text += drained(reader.get());
  }
  for (int i = 0; i < 4; ++i) {
    // A line begun before is finished by these; reading an empty pipe would wait.
    // read.
    add(writer, "/tail");
    ++added;
    writer.flush();
    text += drained(reader.get());
  }
  std::uint64_t lines = 0;
  for (std::size_t at = 0; at < text.size(); ++lines) {
    const std::size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos) << "the last line is torn";
    EXPECT_THAT(text.substr(at, end - at), MatchesRegex("/line-[0-9]+-y{300}-end|/tail"));
    at = end + 1;
  }
  EXPECT_GT(lines, 100u);
  EXPECT_EQ(lines + writer.take_dropped(), added);
}

TEST_F(AccessLogWriterTest, CountsWhatAFailingDescriptorCosts) {
  AccessLogWriter writer(format("{target}"), LineOutput(Fd(), ""), *kept);
  add(writer, "/1");
  add(writer, "/2");
  writer.flush();
  EXPECT_EQ(writer.take_dropped(), 2u);
  EXPECT_EQ(writer.take_dropped(), 0u);
}

}  // namespace
}  // namespace holdfast::http
