#include "worker/handlers/file_cache.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <set>
#include <vector>

#include "tests/unit/worker/handlers/site_folder.h"

namespace holdfast::handlers {
namespace {

using std::chrono::milliseconds;
using support::FakeExchange;
using Outcome = FileLookup::Outcome;

constexpr std::time_t kLongAgo = 784111777;

class FileCacheTest : public ::testing::Test {
 protected:
  FileCacheTest() { folder.write("page", "first"); }
  void second_passes() { site.now += milliseconds(1000); }

  SiteFolder folder;
  Site site{folder.action()};
};

TEST_F(FileCacheTest, AHitAnswersWithTheSameEntry) {
  FileEntry* const entry = site.cache.find(site.tree, "/page", site.now).entry;
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(site.cache.find(site.tree, "/page", site.now).entry, entry);
  EXPECT_EQ(site.cache.size(), 1U);
  EXPECT_EQ(site.cache.content_bytes(), 5U);
}

TEST_F(FileCacheTest, AHitDoesNotLookAtTheDisk) {
  EXPECT_EQ(site.body("/page"), "first");
  std::filesystem::remove(folder.inside("page"));
  site.now += milliseconds(900);
  EXPECT_EQ(site.body("/page"), "first");
}

TEST_F(FileCacheTest, ChangedContentIsServedWithinASecondWithAnotherTag) {
  const std::string tag = site.field("/page", "ETag");
  folder.write("page", "other");
  second_passes();
  EXPECT_EQ(site.body("/page"), "other");
  EXPECT_NE(site.field("/page", "ETag"), tag);
}

TEST_F(FileCacheTest, ATagDiffersThoughSizeAndTimeArePutBack) {
  folder.set_modified("page", kLongAgo);
  const std::string tag = site.field("/page", "ETag");
  folder.replace("page", "other");
  folder.set_modified("page", kLongAgo);
  second_passes();
  EXPECT_EQ(site.body("/page"), "other");
  EXPECT_NE(site.field("/page", "ETag"), tag);
}

TEST_F(FileCacheTest, ARemovedFileIsGoneWithinASecondAndItsPlaceIsFreed) {
  EXPECT_EQ(site.status("/page"), 200);
  std::filesystem::remove(folder.inside("page"));
  second_passes();
  EXPECT_EQ(site.status("/page"), 404);
  EXPECT_EQ(site.cache.size(), 0U);
  EXPECT_EQ(site.cache.content_bytes(), 0U);
}

TEST_F(FileCacheTest, AMissingFileIsSeenAsSoonAsItIsThere) {
  EXPECT_EQ(site.status("/late"), 404);
  folder.write("late", "here");
  EXPECT_EQ(site.body("/late"), "here");
}

TEST_F(FileCacheTest, AnIndexFileThatAppearsOrGoesIsNoticed) {
  folder.write("dir/index.html", "index");
  EXPECT_EQ(site.body("/dir/"), "index");
  std::filesystem::remove(folder.inside("dir/index.html"));
  second_passes();
  EXPECT_EQ(site.status("/dir/"), 403);
  folder.write("dir/index.html", "again");
  EXPECT_EQ(site.body("/dir/"), "again");
}

TEST_F(FileCacheTest, AFileThatBecomesAFolderIsNoticed) {
  EXPECT_EQ(site.status("/page"), 200);
  std::filesystem::remove(folder.inside("page"));
  std::filesystem::create_directory(folder.inside("page"));
  second_passes();
  EXPECT_EQ(site.status("/page"), 301);
}

TEST_F(FileCacheTest, UnchangedSettledContentKeepsItsEntry) {
  FileCacheLimits limits;
  Site etc(
      [] {
        config::FilesAction action;
        action.root = "/etc";
        action.follow_symlinks = config::FollowSymlinks::Inside;
        return action;
      }(),
      limits);
  FileEntry* const entry = etc.cache.find(etc.tree, "/passwd", etc.now).entry;
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(etc.cache.find(etc.tree, "/passwd", etc.now + milliseconds(1000)).entry, entry);
}

TEST_F(FileCacheTest, AReplacedRootIsFollowed) {
  const std::string current = folder.outside("current");
  SiteFolder::write_at(folder.outside("release1/x"), "one");
  SiteFolder::write_at(folder.outside("release2/x"), "two");
  std::filesystem::create_symlink("release1", current);
  config::FilesAction action = folder.action();
  action.root = current;
  Site release(action);
  EXPECT_EQ(release.body("/x"), "one");
  std::filesystem::remove(current);
  std::filesystem::create_symlink("release2", current);
  release.now += milliseconds(1000);
  EXPECT_EQ(release.body("/x"), "two");
}

TEST_F(FileCacheTest, ABodyOnItsWayKeepsOldContentThoughTheFileWasReplaced) {
  const std::string old_content(60'000, 'o');
  folder.write("page", old_content);
  FakeExchange exchange("GET", "/page");
  site.handle(exchange);
  folder.replace("page", "new");
  second_passes();
  EXPECT_EQ(site.body("/page"), "new");
  EXPECT_EQ(exchange.body(), old_content);
}

TEST_F(FileCacheTest, ABigFileThatIsReplacedIsOpenedAnew) {
  folder.write("big", std::string(100'000, 'a'));
  EXPECT_EQ(site.body("/big"), std::string(100'000, 'a'));
  folder.replace("big", std::string(100'000, 'b'));
  second_passes();
  EXPECT_EQ(site.body("/big"), std::string(100'000, 'b'));
  EXPECT_EQ(site.cache.descriptors(), 1U);
}

TEST_F(FileCacheTest, ABigFileThatChangesInPlaceIsSeenAtTheNextTurn) {
  folder.write("big", std::string(100'000, 'a'));
  const std::string tag = site.field("/big", "ETag");
  for (const std::size_t size : {200'000U, 70'000U, 10U}) {
    folder.write("big", std::string(size, 'b'));
    site.now += milliseconds(1);
    EXPECT_EQ(site.body("/big"), std::string(size, 'b'));
    EXPECT_NE(site.field("/big", "ETag"), tag);
  }
}

TEST_F(FileCacheTest, ABigFileThatIsRemovedIsGoneAtTheNextTurn) {
  folder.write("big", std::string(100'000, 'a'));
  EXPECT_EQ(site.status("/big"), 200);
  std::filesystem::remove(folder.inside("big"));
  site.now += milliseconds(1);
  EXPECT_EQ(site.status("/big"), 404);
  EXPECT_EQ(site.cache.descriptors(), 0U);
}

TEST_F(FileCacheTest, NewContentBehindTheSameTimesIsSeen) {
  site.body("/page");
  struct stat before {};
  ASSERT_EQ(::stat(folder.inside("page").c_str(), &before), 0);
  // The file system's clock ticks coarsely: now and then both states have the same times.
  for (int i = 0; i < 50; ++i) {
    folder.write("page", i % 2 == 0 ? "other" : "first");
    second_passes();
    ASSERT_EQ(site.body("/page"), i % 2 == 0 ? "other" : "first");
  }
}

TEST_F(FileCacheTest, LookUpsAreCountedByWhatTheyCameTo) {
  stats::Segment segment = stats::Segment::create().value();
  stats::WorkerStats stats(segment, segment.claim_seat(0, 1));
  Site counted(folder.action());
  counted.cache.count_in(stats);
  const auto count = [&](stats::FileCacheResult result) {
    return stats.cell(stats::Metric::FileCacheRequests, static_cast<std::uint16_t>(result)).get();
  };
  folder.set_modified("page", kLongAgo);
  counted.body("/page");
  counted.body("/page");
  counted.status("/none");
  counted.now += milliseconds(1000);
  counted.body("/page");
  folder.replace("page", "other!");
  counted.now += milliseconds(1000);
  counted.body("/page");
  EXPECT_EQ(count(stats::FileCacheResult::Hit), 1U);
  EXPECT_EQ(count(stats::FileCacheResult::Miss), 2U);
  EXPECT_EQ(count(stats::FileCacheResult::Checked), 1U);
  EXPECT_EQ(count(stats::FileCacheResult::Changed), 1U);
  EXPECT_EQ(stats.cell(stats::Metric::FileCacheEntries).get(), 1U);
  EXPECT_EQ(stats.cell(stats::Metric::FileCacheBytes).get(), 6U);
}

TEST_F(FileCacheTest, EntriesAreBoundedAndThoseInUseStay) {
  FileCacheLimits limits;
  limits.entries = 8;
  Site small(folder.action(), limits);
  for (int i = 0; i < 50; ++i) {
    folder.write("f" + std::to_string(i), std::to_string(i));
    ASSERT_EQ(small.body("/f" + std::to_string(i)), std::to_string(i));
    ASSERT_EQ(small.body("/page"), "first");
    ASSERT_LE(small.cache.size(), 8U);
  }
  std::filesystem::remove(folder.inside("page"));
  EXPECT_EQ(small.body("/page"), "first");
}

TEST_F(FileCacheTest, ContentIsBounded) {
  FileCacheLimits limits;
  limits.content_bytes = 10'000;
  Site small(folder.action(), limits);
  for (int i = 0; i < 20; ++i) {
    folder.write("f" + std::to_string(i), std::string(3000, 'x'));
    ASSERT_EQ(small.body("/f" + std::to_string(i)).size(), 3000U);
    ASSERT_LE(small.cache.content_bytes(), 10'000U);
  }
  EXPECT_GE(small.cache.size(), 2U);
}

TEST_F(FileCacheTest, DescriptorsAreBounded) {
  FileCacheLimits limits;
  limits.descriptors = 3;
  limits.content_of_one = 0;
  Site small(folder.action(), limits);
  for (int i = 0; i < 20; ++i) {
    folder.write("f" + std::to_string(i), std::string(100, 'x'));
    ASSERT_EQ(small.body("/f" + std::to_string(i)).size(), 100U);
    ASSERT_LE(small.cache.descriptors(), 3U);
  }
}

TEST_F(FileCacheTest, OutOfDescriptorsOldAnswersStayAndNewOnesAreUnavailable) {
  EXPECT_EQ(site.body("/page"), "first");
  folder.write("more", "more");
  second_passes();
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const rlimit none{0, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Outcome known = site.cache.find(site.tree, "/page", site.now).outcome;
  const Outcome fresh = site.cache.find(site.tree, "/more", site.now).outcome;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(known, Outcome::File);
  EXPECT_EQ(fresh, Outcome::Unavailable);
  EXPECT_EQ(site.body("/page"), "first");
  EXPECT_EQ(site.status("/more"), 200);
}

TEST_F(FileCacheTest, TreesWithTheSameRootAndIndexAreShared) {
  config::FilesAction action = folder.action();
  EXPECT_EQ(site.cache.add_tree(action).value(), site.tree);
  action.index = {"start.html"};
  const std::uint32_t other = site.cache.add_tree(action).value();
  EXPECT_NE(other, site.tree);
  EXPECT_EQ(&site.cache.root(other), &site.cache.root(site.tree));
}

TEST_F(FileCacheTest, ARootThatIsNoFolderOrMissingIsAnErrorThatNamesIt) {
  config::FilesAction action = folder.action();
  action.root = folder.inside("page");
  EXPECT_NE(site.cache.add_tree(action).error().message().find(action.root), std::string::npos);
  action.root = folder.outside("none");
  EXPECT_FALSE(site.cache.add_tree(action).has_value());
}

}  // namespace
}  // namespace holdfast::handlers
