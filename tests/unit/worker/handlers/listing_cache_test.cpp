#include "worker/handlers/listing_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/worker/handlers/site_folder.h"
#include "tests/unit/worker/handlers/telling_packer.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;

constexpr TimePoint kStart{std::chrono::hours(5)};

class ListingCacheTest : public testing::Test {
 protected:
  ListingCacheTest() {
    folder.write("dir/first", "1");
    config::FilesAction action = folder.action();
    action.listing = true;
    site = std::make_unique<Site>(action);
  }
  SiteFolder folder;
  std::unique_ptr<Site> site;
};

TEST_F(ListingCacheTest, AListingIsMadeOnceASecond) {
  const std::string before = site->body("/dir/");
  folder.write("dir/second", "2");
  EXPECT_EQ(site->body("/dir/"), before);
  site->now += std::chrono::milliseconds(1000);
  EXPECT_NE(site->body("/dir/").find("second"), std::string::npos);
}

TEST_F(ListingCacheTest, PageAndJsonAreApart) {
  FakeExchange json("GET", "/dir/", {{"Accept", "application/json"}});
  EXPECT_TRUE(site->body("/dir/").starts_with("<!doctype"));
  EXPECT_TRUE(site->handle(json).body().starts_with("{"));
  EXPECT_TRUE(site->body("/").starts_with("<!doctype"));
  EXPECT_EQ(site->cache.listings().cache().size(), 3U);
}

TEST_F(ListingCacheTest, AnIndexFileThatAppearsIsServedAtOnce) {
  site->body("/dir/");
  folder.write("dir/index.html", "index");
  EXPECT_EQ(site->body("/dir/"), "index");
}

TEST_F(ListingCacheTest, ABodyOnItsWayKeepsItsListing) {
  FakeExchange exchange("GET", "/dir/");
  site->handle(exchange);
  for (int i = 0; i < 100; ++i)
    site->cache.listings().cache().keep({0, false, "/" + std::to_string(i)}, std::string(1000, 'x'), site->now);
  EXPECT_NE(exchange.body().find("first"), std::string::npos);
}

class ListingInThreadsTest : public ListingCacheTest {
 protected:
  ListingInThreadsTest() { site->cache.work_in(pool); }
  WaitingPool pool;
};

TEST_F(ListingInThreadsTest, AllWhoAskMeanwhileWaitForTheSameWork) {
  FakeExchange one("GET", "/dir/"), two("HEAD", "/dir/"),
      json("GET", "/dir/", {{"Accept", "application/json"}});
  for (FakeExchange* exchange : {&one, &two, &json}) EXPECT_FALSE(site->handle(*exchange).answered());
  EXPECT_EQ(pool.waiting.size(), 2U) << "a page and its JSON";
  pool.finish();
  for (FakeExchange* exchange : {&one, &two, &json}) EXPECT_EQ(exchange->status(), 200);
  EXPECT_NE(one.body().find("first"), std::string::npos);
  EXPECT_TRUE(json.body().starts_with("{"));
  EXPECT_EQ(site->body("/dir/"), one.body()) << "known by now, so answered at once";
}

TEST_F(ListingInThreadsTest, WhoLeavesIsNotAnswered) {
  FakeExchange stays("GET", "/dir/");
  {
    FakeExchange leaves("GET", "/dir/");
    site->handle(leaves);
    site->handle(stays);
  }
  pool.finish();
  EXPECT_EQ(stays.status(), 200);
  {
    FakeExchange leaves("GET", "/");
    site->handle(leaves);
  }
  pool.finish();
}

TEST_F(ListingInThreadsTest, AFullPoolAndTooManyAtOnceAskToTryAgain) {
  pool.full = true;
  EXPECT_EQ(site->status("/dir/"), 503);
  pool.full = false;
  std::vector<std::unique_ptr<FakeExchange>> exchanges;
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    folder.write("many" + std::to_string(i) + "/file", "");
    exchanges.push_back(std::make_unique<FakeExchange>("GET", "/many" + std::to_string(i) + "/"));
    refused += site->handle(*exchanges.back()).answered() ? 1 : 0;
  }
  EXPECT_EQ(refused, 12);
  pool.finish();
  for (const auto& exchange : exchanges) EXPECT_TRUE(exchange->answered());
}

TEST_F(ListingInThreadsTest, ARootThatIsReplacedMeanwhileIsNotMixedIn) {
  FakeExchange exchange("GET", "/dir/");
  site->handle(exchange);
  std::filesystem::rename(folder.root(), folder.outside("old"));
  folder.write("dir/other", "");
  site->now += std::chrono::milliseconds(1000);
  FakeExchange later("GET", "/dir/");
  site->handle(later);
  pool.finish();
  EXPECT_NE(exchange.body().find("first"), std::string::npos);
}

TEST_F(ListingInThreadsTest, WorkMayOutliveItsOwnerAndThoseWhoWait) {
  auto exchange = std::make_unique<FakeExchange>("GET", "/dir/");
  site->handle(*exchange);
  pool.run();
  exchange.reset();
  site.reset();
  pool.waiting.clear();
}

TEST(ListingCache, IsBoundedByNumberAndBytesTheOldestGoFirst) {
  ListingCache cache({4, 1000, std::chrono::seconds(1)});
  for (const char* path : {"/a", "/b", "/c", "/d", "/e"}) cache.keep({0, false, path}, "text", kStart);
  EXPECT_EQ(cache.find({0, false, "/a"}, kStart), nullptr);
  EXPECT_NE(cache.find({0, false, "/b"}, kStart), nullptr);
  EXPECT_EQ(cache.size(), 4U);
  EXPECT_EQ(cache.keep({0, false, "/f"}, std::string(995, 'x'), kStart).text().size(), 995U);
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.bytes(), 999U);
  EXPECT_EQ(cache.keep({0, false, "/g"}, std::string(5000, 'x'), kStart).text().size(), 5000U)
      << "one that is too big alone is still answered";
  EXPECT_EQ(cache.size(), 1U);
}

TEST(ListingCache, ANewOneTakesThePlaceOfTheOldOne) {
  ListingCache cache;
  cache.keep({0, false, "/a"}, "old", kStart);
  cache.keep({0, false, "/a"}, "new!", kStart + std::chrono::seconds(2));
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.bytes(), 4U);
  EXPECT_EQ(cache.find({0, false, "/a"}, kStart + std::chrono::seconds(2))->text(), "new!");
  EXPECT_EQ(cache.find({1, false, "/a"}, kStart + std::chrono::seconds(2)), nullptr);
}

}  // namespace
}  // namespace holdfast::handlers
