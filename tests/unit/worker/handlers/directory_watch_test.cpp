#include "worker/handlers/directory_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/worker/handlers/site_folder.h"

namespace holdfast::handlers {
namespace {

using std::chrono::milliseconds;

/// A site whose cache is told of changes; no more time passes than a file that is written all the time must
/// wait.
class DirectoryWatchTest : public ::testing::Test {
 protected:
  explicit DirectoryWatchTest(const FileCacheLimits& limits = {}) : site(folder.action(), limits) {
    folder.write("page", "first");
    told = site.cache.watch_files() >= 0;
  }
  void SetUp() override {
    if (!told) GTEST_SKIP() << "signals cannot be taken here";
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

TEST_F(DirectoryWatchTest, new_content_is_served_at_once) {
  for (const char* content : {"other", "another", "a"}) {
    folder.write("page", content);
    is_told();
    EXPECT_EQ(site.body("/page"), content);
  }
}

TEST_F(DirectoryWatchTest, a_file_put_in_the_place_of_another_is_served_at_once) {
  for (const char* content : {"other", "another"}) {
    folder.write("beside", content);
    std::filesystem::rename(folder.inside("beside"), folder.inside("page"));
    is_told();
    EXPECT_EQ(site.body("/page"), content);
  }
}

TEST_F(DirectoryWatchTest, a_removed_or_forbidden_file_is_gone_at_once) {
  folder.write("kept", "kept");
  ASSERT_EQ(site.body("/kept"), "kept");
  std::filesystem::remove(folder.inside("page"));
  is_told();
  EXPECT_EQ(site.status("/page"), 404);
  std::filesystem::rename(folder.inside("kept"), folder.inside("elsewhere"));
  is_told();
  EXPECT_EQ(site.status("/kept"), 404);
}

TEST_F(DirectoryWatchTest, both_names_of_a_file_are_told) {
  folder.write("dir/index.html", "index");
  ASSERT_EQ(site.body("/dir/"), "index");
  ASSERT_EQ(site.body("/dir/index.html"), "index");
  folder.write("dir/index.html", "other");
  is_told();
  EXPECT_EQ(site.body("/dir/"), "other");
  EXPECT_EQ(site.body("/dir/index.html"), "other");
}

TEST_F(DirectoryWatchTest, what_is_written_all_the_time_is_read_anew_only_now_and_then) {
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

TEST_F(DirectoryWatchTest, what_only_was_read_stays) {
  std::ifstream(folder.inside("page")).get();
  FileEntry* const entry = site.cache.find(site.tree, "/page", site.now).entry;
  is_told();
  EXPECT_EQ(site.cache.find(site.tree, "/page", site.now).entry, entry);
}

TEST_F(DirectoryWatchTest, what_happens_beside_it_leaves_a_file_in_its_place) {
  FileEntry* const entry = site.cache.find(site.tree, "/page", site.now).entry;
  folder.write("other", "other");
  is_told();
  EXPECT_EQ(site.cache.find(site.tree, "/page", site.now).entry, entry);
}

TEST_F(DirectoryWatchTest, files_of_one_directory_do_not_hurry_each_other) {
  folder.write("beside", "first");
  ASSERT_EQ(site.body("/beside"), "first");
  site.now += milliseconds(1000);
  for (const char* content : {"second", "third"}) {
    ASSERT_EQ(site.body("/page"), "first");
    folder.write("beside", content);
    site.cache.take_changes();
    site.now += milliseconds(20);
    ASSERT_NE(site.body("/beside"), "first") << "first looked at more than 50 ms ago";
  }
  folder.write("page", "other");
  site.cache.take_changes();
  EXPECT_EQ(site.body("/page"), "first") << "looked at more often than every 50 ms";
  site.now += milliseconds(10);
  EXPECT_EQ(site.body("/page"), "other");
}

class DirectoryWatchItself : public ::testing::Test {
 protected:
  static Fd directory(const std::string& path) { return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY)); }
  Fd here() { return directory(folder.inside("")); }
  SiteFolder folder;
  DirectoryWatch watch{2};
};

TEST_F(DirectoryWatchItself, before_it_begins_and_without_a_change_there_is_nothing) {
  EXPECT_EQ(watch.add(here()), DirectoryWatch::kNone) << "not opened";
  watch.open();
  EXPECT_TRUE(watch.take().watches.empty());
  EXPECT_FALSE(watch.take().lost);
  EXPECT_EQ(watch.add(Fd(::open("/dev/null", O_RDONLY))), DirectoryWatch::kNone) << "no directory";
  EXPECT_EQ(watch.add(Fd()), DirectoryWatch::kNone);
}

TEST_F(DirectoryWatchItself, tells_once_until_it_is_armed_again) {
  watch.open();
  const int number = watch.add(here());
  ASSERT_NE(number, DirectoryWatch::kNone);
  folder.write("a", "a");
  EXPECT_EQ(watch.take().watches, std::vector{number});
  folder.write("b", "b");
  EXPECT_TRUE(watch.take().watches.empty());
  watch.arm(number);
  watch.arm(number);
  folder.write("c", "c");
  EXPECT_EQ(watch.take().watches, std::vector{number});
}

TEST_F(DirectoryWatchItself, is_one_for_all_users_of_a_directory_and_ends_with_the_last) {
  watch.open();
  folder.write("one/x", "x");
  folder.write("two/x", "x");
  const int number = watch.add(here());
  EXPECT_EQ(watch.add(here()), number);
  EXPECT_NE(watch.add(directory(folder.inside("one"))), DirectoryWatch::kNone);
  EXPECT_EQ(watch.add(directory(folder.inside("two"))), DirectoryWatch::kNone) << "two are the limit";
  watch.remove(number);
  folder.write("a", "a");
  EXPECT_EQ(watch.take().watches, std::vector{number});
  watch.remove(number);
  folder.write("b", "b");
  EXPECT_TRUE(watch.take().watches.empty());
  EXPECT_EQ(watch.add(directory(folder.inside("two"))), number) << "its place is free";
}

class FewWatchesTest : public DirectoryWatchTest {
 protected:
  FewWatchesTest()
      : DirectoryWatchTest([] {
          FileCacheLimits limits;
          limits.entries = 2;
          limits.watches = 1;
          return limits;
        }()) {}
};

TEST_F(FewWatchesTest, files_in_further_directories_are_seen_within_a_second_and_places_become_free) {
  folder.write("other/second", "second");
  ASSERT_EQ(site.body("/other/second"), "second");
  folder.write("other/second", "other");
  is_told();
  EXPECT_EQ(site.body("/other/second"), "second") << "its directory has no watch";
  site.now += milliseconds(1000);
  EXPECT_EQ(site.body("/other/second"), "other");
  // They push "page" out, whose directory then needs no watch.
  for (const char* name : {"other/third", "other/fourth", "other/fifth"}) {
    folder.write(name, "x");
    ASSERT_EQ(site.body(std::string("/") + name), "x");
  }
  folder.write("other/fifth", "y");
  is_told();
  EXPECT_EQ(site.body("/other/fifth"), "y");
}

}  // namespace
}  // namespace holdfast::handlers
