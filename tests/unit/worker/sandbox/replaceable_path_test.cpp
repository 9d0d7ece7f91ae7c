#include "worker/sandbox/replaceable_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace holdfast::sandbox {
namespace {

namespace fs = std::filesystem;
using support::TempDir;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST(ReplaceablePath, keeps_the_folders_above_what_links_lead_to) {
  const TempDir dir;
  const std::string top = fs::canonical(dir.path()).string();
  dir.write("releases/1/public/index.html", "");
  fs::create_directory(dir.path() / "sites");
  fs::create_symlink("../releases/1", dir.path() / "sites/current");
  EXPECT_THAT(folders_of(top + "/sites/current/public", ""),
              UnorderedElementsAre(top + "/releases", top + "/releases/1", top + "/releases/1/public"));
  fs::create_symlink(top + "/sites/current", dir.path() / "live");
  EXPECT_THAT(folders_of(top + "/live/", ""), UnorderedElementsAre(top + "/releases", top + "/releases/1"));
}

TEST(ReplaceablePath, leaves_out_folders_of_all_kinds_of_things) {
  const std::string home = "/home";
  EXPECT_THAT(folders_of("/srv", ""), ElementsAre("/srv"));
  EXPECT_THAT(folders_of("/var/www", ""), ElementsAre("/var/www"));
  EXPECT_THAT(folders_of(home + "/anna/site", ""), ElementsAre(home + "/anna/site"));
  EXPECT_THAT(folders_of("/data/anna/site", "/data/anna"), ElementsAre("/data/anna/site"));
  EXPECT_THAT(folders_of("/srv/site", ""), UnorderedElementsAre("/srv", "/srv/site"));
}

TEST(ReplaceablePath, survives_a_circle) {
  const TempDir dir;
  fs::create_symlink("b", dir.path() / "a");
  fs::create_symlink("a", dir.path() / "b");
  EXPECT_FALSE(folders_of(dir / "a", "").empty());
}

}  // namespace
}  // namespace holdfast::sandbox
