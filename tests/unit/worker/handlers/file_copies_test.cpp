#include <gtest/gtest.h>

#include <string>

#include "tests/unit/worker/handlers/site_folder.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;

FileCacheLimits settled_at_once() {
  FileCacheLimits limits;
  limits.settled = -std::chrono::seconds(1);  // stamps of files may be ahead of the coarse clock
  return limits;
}

/// Files that are sent from descriptors, asked for over TLS.
class FileCopiesTest : public ::testing::Test {
 protected:
  FileCopiesTest() { folder.write("big", first); }

  FakeExchange& handle_encrypted(FakeExchange& exchange) {
    exchange.mutable_request().tls = &facts;
    return site.handle(exchange);
  }
  std::string encrypted_body(std::string_view path) {
    FakeExchange exchange("GET", path);
    return handle_encrypted(exchange).body();
  }
  FileEntry& entry(std::string_view path) { return *site.cache.find(site.tree, path, site.now).entry; }

  const api::TlsFacts facts;
  const std::string first = std::string(100'000, 'a');
  const std::string other = std::string(100'000, 'b');
  SiteFolder folder;
  Site site{folder.action(), settled_at_once()};
};

TEST_F(FileCopiesTest, AreMadeWhenAskedForTheSecondTimeAndCountAsContent) {
  EXPECT_TRUE(encrypted_body("/big") == first);
  EXPECT_FALSE(entry("/big").has_copy());
  EXPECT_EQ(site.cache.content_bytes(), 0U);
  EXPECT_TRUE(encrypted_body("/big") == first);
  EXPECT_TRUE(entry("/big").has_copy());
  EXPECT_EQ(site.cache.content_bytes(), 100'000U);
  EXPECT_TRUE(encrypted_body("/big") == first);
  EXPECT_EQ(site.cache.content_bytes(), 100'000U);
  std::filesystem::remove(folder.inside("big"));
  site.now += std::chrono::milliseconds(1000);
  EXPECT_EQ(site.status("/big"), 404);
  EXPECT_EQ(site.cache.content_bytes(), 0U);
}

TEST_F(FileCopiesTest, AreForHttp2InClearToo) {
  for (int i = 0; i < 2; ++i) {
    FakeExchange exchange("GET", "/big");
    exchange.mutable_request().version = api::Version::Http2;
    EXPECT_TRUE(site.handle(exchange).body() == first);
  }
  EXPECT_TRUE(entry("/big").has_copy());
}

TEST_F(FileCopiesTest, AreNotMadeForPlainConnectionsNorWithoutContent) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(site.body("/big") == first);
    FakeExchange head("HEAD", "/big");
    EXPECT_EQ(handle_encrypted(head).status(), 200);
    FakeExchange known("GET", "/big", {{"If-None-Match", "*"}});
    EXPECT_EQ(handle_encrypted(known).status(), 304);
    FakeExchange range("GET", "/big", {{"Range", "bytes=10-19"}});
    EXPECT_EQ(handle_encrypted(range).status(), 206);
  }
  EXPECT_FALSE(entry("/big").has_copy());
}

TEST_F(FileCopiesTest, AreNotMadeOfWhatIsTooBig) {
  folder.write("bigger", std::string(128 * 1024 + 1, 'x'));
  folder.write("limit", std::string(128 * 1024, 'x'));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(encrypted_body("/bigger").size(), 128U * 1024 + 1);
    EXPECT_EQ(encrypted_body("/limit").size(), 128U * 1024);
  }
  EXPECT_FALSE(entry("/bigger").has_copy());
  EXPECT_TRUE(entry("/limit").has_copy());
}

TEST_F(FileCopiesTest, AreNotMadeWhileAnotherChangeCouldHide) {
  Site fresh(folder.action());
  for (int i = 0; i < 3; ++i) {
    FakeExchange exchange("GET", "/big");
    exchange.mutable_request().tls = &facts;
    EXPECT_TRUE(fresh.handle(exchange).body() == first);
  }
  EXPECT_FALSE(fresh.cache.find(fresh.tree, "/big", fresh.now).entry->has_copy());
}

TEST_F(FileCopiesTest, AreOfOneStateWhateverBecomesOfTheFile) {
  encrypted_body("/big");
  encrypted_body("/big");
  FakeExchange from_copy("GET", "/big");
  FakeExchange range("GET", "/big", {{"Range", "bytes=50000-59999"}});
  handle_encrypted(from_copy);
  handle_encrypted(range);
  folder.write("big", other);
  EXPECT_TRUE(from_copy.body() == first);
  EXPECT_TRUE(range.body() == first.substr(0, 10'000));
  // Within a turn of the loop nobody looks at the file again.
  EXPECT_TRUE(encrypted_body("/big") == first);
  EXPECT_TRUE(site.body("/big") == other) << "plain connections have sendfile";
}

TEST_F(FileCopiesTest, AreLeftBehindWhenTheFileChanges) {
  encrypted_body("/big");
  encrypted_body("/big");
  FakeExchange before("GET", "/big");
  const std::string tag = handle_encrypted(before).field("ETag").value_or("");
  folder.write("big", other);
  site.now += std::chrono::milliseconds(1);
  FakeExchange after("GET", "/big");
  EXPECT_TRUE(handle_encrypted(after).body() == other);
  EXPECT_NE(after.field("ETag"), tag);
  EXPECT_TRUE(before.body() == first);
  EXPECT_EQ(site.cache.content_bytes(), 0U);
}

TEST_F(FileCopiesTest, AreBoundedTogetherWithOtherContent) {
  FileCacheLimits limits = settled_at_once();
  limits.content_bytes = 250'000;
  Site small(folder.action(), limits);
  for (int i = 0; i < 10; ++i) {
    folder.write("f" + std::to_string(i), first);
    for (int time = 0; time < 2; ++time) {
      FakeExchange exchange("GET", "/f" + std::to_string(i));
      exchange.mutable_request().tls = &facts;
      ASSERT_TRUE(small.handle(exchange).body() == first);
      ASSERT_LE(small.cache.content_bytes(), 250'000U);
    }
  }
  EXPECT_EQ(small.cache.content_bytes(), 200'000U);
}

}  // namespace
}  // namespace holdfast::handlers
