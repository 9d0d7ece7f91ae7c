// Files in a coding: packed once, kept, with validators of their own.
#include <gtest/gtest.h>

#include "tests/unit/worker/handlers/site_folder.h"
#include "tests/unit/worker/handlers/telling_packer.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;

class PackedFilesTest : public testing::Test {
 protected:
  PackedFilesTest() : cache(limits(), ""), tree(cache.add_tree(folder.action()).value()) {
    folder.write("page.html", "abc" + std::string(200, '.'));
    folder.write("large.html", "def" + std::string(5000, '.'));
    folder.write("huge.html", std::string(20'000, '.'));
    folder.write("tiny.html", "x");
    folder.write("picture.png", std::string(200, '.'));
  }
  static FileCacheLimits limits() {
    FileCacheLimits limits;
    limits.content_of_one = 1000;
    limits.packed_of_one = 10'000;
    return limits;
  }
  static config::Compression settings() {
    return {true, {Coding::Zstd, Coding::Brotli, Coding::Gzip}, 4, 100, {"text/*"}};
  }
  FakeExchange& ask(FakeExchange& exchange) {
    StaticFile handler(cache, tree, folder.action(), settings(), &packer);
    exchange.set_now(TimePoint{std::chrono::hours(5)}, std::time(nullptr) + 3600);
    handler.handle(exchange);
    return exchange;
  }
  std::string body(std::string_view target, const FakeExchange::Fields& fields) {
    FakeExchange exchange("GET", target, fields);
    return ask(exchange).body();
  }

  SiteFolder folder;
  TellingPacker packer;
  FileCache cache;
  std::uint32_t tree;
};

TEST_F(PackedFilesTest, AreMadeOnceForEachCoding) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(body("/page.html", {{"Accept-Encoding", "gzip"}}), "gzip 4 abc");
    EXPECT_EQ(body("/page.html", {{"Accept-Encoding", "gzip, zstd, br"}}), "zstd 4 abc");
    EXPECT_EQ(body("/large.html", {{"Accept-Encoding", "gzip"}}), "gzip 4 def") << "read from its descriptor";
  }
  EXPECT_EQ(packer.calls, 3);
  EXPECT_EQ(cache.content_bytes(), 203U + 3 * 10U) << "they count as content";
}

TEST_F(PackedFilesTest, HaveTheirFieldsAndAnETagOfTheirOwn) {
  FakeExchange plain("GET", "/page.html");
  FakeExchange packed("GET", "/page.html", {{"Accept-Encoding", "gzip"}});
  ask(plain);
  ask(packed);
  EXPECT_EQ(packed.field("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.field("Vary"), "Accept-Encoding");
  EXPECT_EQ(packed.field("Last-Modified"), plain.field("Last-Modified"));
  EXPECT_EQ(packed.field("Content-Type"), plain.field("Content-Type"));
  EXPECT_EQ(packed.field("Accept-Ranges"), std::nullopt);
  EXPECT_EQ(plain.field("Content-Encoding"), std::nullopt);
  std::string expected = plain.field("ETag").value();
  expected.insert(expected.size() - 1, "-gz");
  EXPECT_EQ(packed.field("ETag"), expected);
}

TEST_F(PackedFilesTest, AreRevalidatedByTheirOwnETagOnly) {
  FakeExchange first("GET", "/page.html", {{"Accept-Encoding", "gzip"}});
  const std::string etag = ask(first).field("ETag").value();
  FakeExchange again("GET", "/page.html", {{"Accept-Encoding", "gzip"}, {"If-None-Match", etag}});
  EXPECT_EQ(ask(again).status(), 304);
  EXPECT_EQ(again.field("ETag"), etag);
  FakeExchange other("GET", "/page.html", {{"Accept-Encoding", "zstd"}, {"If-None-Match", etag}});
  EXPECT_EQ(ask(other).status(), 200);
  FakeExchange plain("GET", "/page.html", {{"If-None-Match", etag}});
  EXPECT_EQ(ask(plain).status(), 200);
}

TEST_F(PackedFilesTest, WhatIsTinyHugePackedAlreadyOrAPartGoesAsItIs) {
  for (const char* target : {"/tiny.html", "/huge.html", "/picture.png"}) {
    FakeExchange exchange("GET", target, {{"Accept-Encoding", "gzip"}});
    EXPECT_EQ(ask(exchange).field("Content-Encoding"), std::nullopt) << target;
  }
  FakeExchange part("GET", "/page.html", {{"Accept-Encoding", "gzip"}, {"Range", "bytes=0-1"}});
  EXPECT_EQ(ask(part).status(), 206);
  EXPECT_EQ(part.body(), "ab");
  EXPECT_EQ(packer.calls, 0);
}

TEST_F(PackedFilesTest, WhatGainsNothingIsTriedOnce) {
  packer.swells = true;
  for (int i = 0; i < 3; ++i) {
    FakeExchange exchange("GET", "/page.html", {{"Accept-Encoding", "gzip"}});
    EXPECT_EQ(ask(exchange).field("Content-Encoding"), std::nullopt);
  }
  EXPECT_EQ(packer.calls, 1);
}

TEST_F(PackedFilesTest, ChangedContentIsPackedAnew) {
  EXPECT_EQ(body("/page.html", {{"Accept-Encoding", "gzip"}}), "gzip 4 abc");
  folder.replace("page.html", "new" + std::string(300, '.'));
  FakeExchange later("GET", "/page.html", {{"Accept-Encoding", "gzip"}});
  StaticFile handler(cache, tree, folder.action(), settings(), &packer);
  later.set_now(TimePoint{std::chrono::hours(6)}, std::time(nullptr) + 7200);
  handler.handle(later);
  EXPECT_EQ(later.body(), "gzip 4 new");
  EXPECT_EQ(cache.content_bytes(), 303U + 10U) << "what was made of the old content is gone";
}

}  // namespace
}  // namespace holdfast::handlers
