#include "worker/handlers/file_watch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "tests/unit/worker/handlers/site_folder.h"

namespace holdfast::handlers {
namespace {

using std::chrono::milliseconds;

/// A site whose cache is told of changes; no more time passes than a file that is written all the time must
/// wait.
class FileWatchTest : public ::testing::Test {
 protected:
  explicit FileWatchTest(const FileCacheLimits& limits = {}) : site(folder.action(), limits) {
    folder.write("page", "first");
    told = site.cache.watch_files() >= 0;
  }
  void SetUp() override {
    if (!told) GTEST_SKIP() << "the system has no more inotify instances for this user";
    ASSERT_EQ(site.body("/page"), "first");
  }
  void is_told() {
    site.cache.take_changes();
    site.now += milliseconds(50);
  }

  SiteFolder folder;
  Site site;
  bool told = false;
};

TEST_F(FileWatchTest, new_content_is_served_at_once) {
  for (const char* content : {"other", "another", "a"}) {
    folder.write("page", content);
    is_told();
    EXPECT_EQ(site.body("/page"), content);
  }
}

TEST_F(FileWatchTest, a_file_put_in_the_place_of_another_is_served_at_once) {
  for (const char* content : {"other", "another"}) {
    folder.write("beside", content);
    std::filesystem::rename(folder.inside("beside"), folder.inside("page"));
    is_told();
    EXPECT_EQ(site.body("/page"), content);
  }
}

TEST_F(FileWatchTest, a_removed_or_forbidden_file_is_gone_at_once) {
  folder.write("kept", "kept");
  ASSERT_EQ(site.body("/kept"), "kept");
  std::filesystem::remove(folder.inside("page"));
  is_told();
  EXPECT_EQ(site.status("/page"), 404);
  std::filesystem::rename(folder.inside("kept"), folder.inside("elsewhere"));
  is_told();
  EXPECT_EQ(site.status("/kept"), 404);
}

TEST_F(FileWatchTest, both_names_of_a_file_are_told) {
  folder.write("dir/index.html", "index");
  ASSERT_EQ(site.body("/dir/"), "index");
  ASSERT_EQ(site.body("/dir/index.html"), "index");
  folder.write("dir/index.html", "other");
  is_told();
  EXPECT_EQ(site.body("/dir/"), "other");
  EXPECT_EQ(site.body("/dir/index.html"), "other");
}

TEST_F(FileWatchTest, what_is_written_all_the_time_is_read_anew_only_now_and_then) {
  folder.write("page", "other");
  is_told();
  ASSERT_EQ(site.body("/page"), "other");
  folder.write("page", "third");
  site.cache.take_changes();
  site.now += milliseconds(40);
  EXPECT_EQ(site.body("/page"), "other");
  site.now += milliseconds(10);
  EXPECT_EQ(site.body("/page"), "third");
}

TEST_F(FileWatchTest, what_only_was_read_stays) {
  std::ifstream(folder.inside("page")).get();
  FileEntry* const entry = site.cache.find(site.tree, "/page", site.now).entry;
  is_told();
  EXPECT_EQ(site.cache.find(site.tree, "/page", site.now).entry, entry);
}

TEST_F(FileWatchTest, without_a_change_there_is_nothing_to_take) {
  FileWatch watch;
  EXPECT_EQ(watch.add(0), FileWatch::kNone) << "not opened";
  watch.open();
  EXPECT_TRUE(watch.take().watches.empty());
  EXPECT_FALSE(watch.take().lost);
}

class FewWatchesTest : public FileWatchTest {
 protected:
  FewWatchesTest()
      : FileWatchTest([] {
          FileCacheLimits limits;
          limits.entries = 2;
          limits.watches = 1;
          return limits;
        }()) {}
};

TEST_F(FewWatchesTest, further_files_are_seen_within_a_second_and_places_become_free) {
  folder.write("second", "second");
  ASSERT_EQ(site.body("/second"), "second");
  folder.write("second", "other");
  is_told();
  EXPECT_EQ(site.body("/second"), "second") << "it has no watch";
  site.now += milliseconds(1000);
  EXPECT_EQ(site.body("/second"), "other");
  const std::array<const char*, 2> last{"fourth", "fifth"};
  for (const char* name : {"third", last[0], last[1]}) {
    folder.write(name, "x");
    ASSERT_EQ(site.body(std::string("/") + name), "x");
  }
  for (const char* name : last) folder.write(name, "y");
  is_told();
  const auto is_new = [this](const char* name) { return site.body(std::string("/") + name) == "y"; };
  EXPECT_EQ(std::ranges::count_if(last, is_new), 1) << "those that were pushed out gave their watches back";
}

}  // namespace
}  // namespace holdfast::handlers
