// Packing that takes its time: in a thread, while requests go on.
#include <gtest/gtest.h>

#include "tests/unit/worker/handlers/site_folder.h"
#include "tests/unit/worker/handlers/telling_packer.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;

FileCacheLimits small_limits() {
  FileCacheLimits limits;
  limits.content_of_one = 1000;
  limits.packed_at_once = 150;
  limits.packed_of_one = 10'000;
  return limits;
}

class PackingInThreadsTest : public testing::Test {
 protected:
  PackingInThreadsTest() {
    folder.write("page.html", "abc" + std::string(900, '.'));
    folder.write("other.html", "def" + std::string(900, '.'));
    folder.write("large.html", "ghi" + std::string(5000, '.'));
    folder.write("tiny.html", "jkl" + std::string(110, '.'));
    folder.write("huge.html", "mno" + std::string(20'000, '.'));
    reopen();
  }
  void reopen(FileCacheLimits limits = small_limits()) {
    cache = std::make_unique<FileCache>(limits, "");
    cache->work_in(pool);
    const config::Compression settings{true, {Coding::Zstd, Coding::Gzip}, 4, 100, {"text/*"}};
    handler = std::make_unique<StaticFile>(*cache, cache->add_tree(folder.action()).value(), folder.action(),
                                           settings, &packer);
  }
  FakeExchange& ask(FakeExchange& exchange) {
    exchange.set_now(now, std::time(nullptr) + 3600);
    handler->handle(exchange);
    return exchange;
  }
  std::string start_of(std::string_view target, const std::string& accepted = "gzip") {
    FakeExchange exchange("GET", target, {{"Accept-Encoding", accepted}});
    return ask(exchange).body().substr(0, 6);
  }
  void second_passes() { now += std::chrono::milliseconds(1000); }

  SiteFolder folder;
  TellingPacker packer;
  WaitingPool pool;
  TimePoint now{std::chrono::hours(5)};
  std::unique_ptr<FileCache> cache;
  std::unique_ptr<StaticFile> handler;
};

TEST_F(PackingInThreadsTest, NobodyWaitsAndLaterRequestsGetThePackedForm) {
  EXPECT_EQ(start_of("/page.html"), "abc...");
  EXPECT_EQ(start_of("/page.html"), "abc...");
  ASSERT_EQ(pool.waiting.size(), 1U) << "one packing, though two have asked";
  pool.run();
  EXPECT_EQ(start_of("/page.html"), "abc...");
  EXPECT_EQ(packer.counted_in, 0U) << "counted in the loop's thread only";
  pool.finish();
  EXPECT_EQ(start_of("/page.html"), "gzip 4");
  EXPECT_EQ(packer.counted_in, 903U);
  EXPECT_EQ(packer.counted_out, 10U);
  EXPECT_EQ(cache->content_bytes(), 903U + 10U);
}

TEST_F(PackingInThreadsTest, WhatWasSentBeforeTheFormWasThereIsRevalidatedAfterwardsAndTheOtherWayRound) {
  const auto again = [&](const std::string& tag) {
    FakeExchange exchange("GET", "/page.html", {{"Accept-Encoding", "gzip"}, {"If-None-Match", tag}});
    ask(exchange);
    return std::to_string(exchange.status()) + " " + exchange.field("ETag").value_or("-");
  };
  FakeExchange first("GET", "/page.html", {{"Accept-Encoding", "gzip"}});
  const std::string plain = ask(first).field("ETag").value();
  const std::string weak = "W/" + plain;  // what the compress filter makes of it
  const std::string packed = plain.substr(0, plain.size() - 1) + "-gz\"";
  EXPECT_EQ(again(packed), "304 " + packed) << "another worker had it packed already";
  EXPECT_EQ(again(weak), "304 " + plain);
  EXPECT_EQ(again("\"other\"").substr(0, 3), "200");
  pool.finish();
  EXPECT_EQ(again(packed), "304 " + packed);
  EXPECT_EQ(again(weak), "304 " + weak);
  EXPECT_EQ(again(weak + ", " + packed), "304 " + packed);
  EXPECT_EQ(again("\"other\"").substr(0, 3), "200");
}

TEST_F(PackingInThreadsTest, TinyFilesArePackedAtOnceAlsoWhileAnotherIsAtIt) {
  start_of("/page.html");
  EXPECT_EQ(start_of("/tiny.html"), "gzip 4");
  start_of("/other.html");
  EXPECT_EQ(pool.waiting.size(), 1U) << "the other still has to wait for its turn";
}

TEST_F(PackingInThreadsTest, FilesTakeTurns) {
  start_of("/page.html");
  EXPECT_EQ(start_of("/other.html"), "def...");
  EXPECT_EQ(pool.waiting.size(), 1U);
  pool.finish();
  EXPECT_EQ(start_of("/other.html"), "def...");
  pool.finish();
  EXPECT_EQ(start_of("/other.html"), "gzip 4");
  EXPECT_EQ(start_of("/other.html", "zstd"), "def...") << "each coding for itself";
  pool.finish();
  EXPECT_EQ(start_of("/other.html", "zstd"), "zstd 4");
}

TEST_F(PackingInThreadsTest, AFullPoolIsDoneWithoutAndTriedAgain) {
  pool.full = true;
  EXPECT_EQ(start_of("/page.html"), "abc...");
  pool.full = false;
  EXPECT_EQ(start_of("/page.html"), "abc...");
  pool.finish();
  EXPECT_EQ(start_of("/page.html"), "gzip 4");
}

TEST_F(PackingInThreadsTest, WhatGainsNothingIsTriedOnce) {
  packer.swells = true;
  start_of("/page.html");
  pool.finish();
  EXPECT_EQ(start_of("/page.html"), "abc...");
  EXPECT_TRUE(pool.waiting.empty());
  EXPECT_EQ(packer.calls, 1);
}

TEST_F(PackingInThreadsTest, WhatIsTooBigIsNotTried) {
  EXPECT_EQ(start_of("/huge.html"), "mno...");
  EXPECT_TRUE(pool.waiting.empty());
}

TEST_F(PackingInThreadsTest, AFileThatIsReplacedMeanwhileNeverGetsTheOldForm) {
  start_of("/page.html");
  folder.replace("page.html", "new" + std::string(900, '.'));
  second_passes();
  EXPECT_EQ(start_of("/page.html"), "new...");
  pool.finish();
  EXPECT_EQ(start_of("/page.html"), "new...") << "what was made of the old content is dropped";
  pool.finish();
  FakeExchange exchange("GET", "/page.html", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(ask(exchange).body(), "gzip 4 new");
}

TEST_F(PackingInThreadsTest, AnEntryMayBeEvictedMeanwhile) {
  FileCacheLimits limits = small_limits();
  limits.entries = 1;
  reopen(limits);
  start_of("/page.html");
  start_of("/tiny.html", "identity");
  ASSERT_EQ(cache->size(), 1U);
  pool.finish();
  EXPECT_EQ(cache->content_bytes(), 113U);
  EXPECT_EQ(start_of("/page.html"), "abc...");
  pool.finish();
  EXPECT_EQ(start_of("/page.html"), "gzip 4");
}

TEST_F(PackingInThreadsTest, WorkMayOutliveTheCache) {
  start_of("/page.html");
  pool.run();
  handler.reset();
  cache.reset();
  pool.waiting.clear();
}

TEST_F(PackingInThreadsTest, ABigFileIsPackedWhenItHasSettled) {
  EXPECT_EQ(start_of("/large.html"), "ghi...");
  EXPECT_TRUE(pool.waiting.empty()) << "it was written a moment ago";
  FileCacheLimits limits = small_limits();
  limits.settled = std::chrono::seconds(-1);
  reopen(limits);
  EXPECT_EQ(start_of("/large.html"), "ghi...");
  ASSERT_EQ(pool.waiting.size(), 1U);
  pool.finish();
  EXPECT_EQ(start_of("/large.html"), "gzip 4");
}

TEST_F(PackingInThreadsTest, ABigFileThatChangesBeforeItsTurnIsNotPacked) {
  FileCacheLimits limits = small_limits();
  limits.settled = std::chrono::seconds(-1);
  reopen(limits);
  start_of("/large.html");
  ASSERT_EQ(pool.waiting.size(), 1U);
  folder.write("large.html", "new" + std::string(6000, '.'));
  pool.finish();
  EXPECT_EQ(packer.calls, 0);
  second_passes();
  FakeExchange exchange("GET", "/large.html", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(ask(exchange).body(), "new" + std::string(6000, '.'));
  pool.finish();
  EXPECT_EQ(start_of("/large.html"), "gzip 4");
}

TEST_F(PackingInThreadsTest, NewSmallContentThatStaysTheSameKeepsItsForms) {
  start_of("/page.html");
  pool.finish();
  second_passes();
  EXPECT_EQ(start_of("/page.html"), "gzip 4") << "it could have changed unseen, so it was compared";
}

}  // namespace
}  // namespace holdfast::handlers
