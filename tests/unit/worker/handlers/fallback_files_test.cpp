// `try`: what answers when nothing is at the path of the request.
#include <gtest/gtest.h>

#include "tests/unit/worker/handlers/site_folder.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;

class FallbackTest : public testing::Test {
 protected:
  FallbackTest() : site(action(folder)) {}
  static config::FilesAction action(const SiteFolder& folder) {
    folder.write("index.html", "application");
    folder.write("about.html", "about");
    folder.write("real.txt", "real");
    folder.write("assets/logo.svg", "logo");
    config::FilesAction action = folder.action();
    action.fallbacks = {"{path}.html", "/index.html"};
    return action;
  }
  SiteFolder folder;
  Site site;
};

TEST_F(FallbackTest, WhatIsThereAnswersItself) {
  EXPECT_EQ(site.body("/real.txt"), "real");
  EXPECT_EQ(site.body("/"), "application");
  EXPECT_EQ(site.status("/assets"), 301);
}

TEST_F(FallbackTest, TheFirstThatIsThereAnswersWith200) {
  EXPECT_EQ(site.body("/about"), "about");
  EXPECT_EQ(site.body("/users/17/edit"), "application");
  EXPECT_EQ(site.status("/users/17/edit"), 200);
  EXPECT_EQ(site.status("/users/17/edit", "HEAD"), 200);
  EXPECT_EQ(site.status("/users/17/edit", "POST"), 405);
  EXPECT_EQ(site.field("/users/17/edit", "Content-Type"), site.field("/index.html", "Content-Type"));
}

TEST_F(FallbackTest, AFolderWithoutIndexFileFallsBackUnlessItIsListed) {
  EXPECT_EQ(site.body("/assets/"), "application");
  config::FilesAction listing = action(folder);
  listing.listing = true;
  Site listed(listing);
  EXPECT_NE(listed.body("/assets/").find("logo.svg"), std::string::npos);
}

TEST_F(FallbackTest, ConditionsAndRangesAreOfTheFileThatAnswers) {
  const std::string tag = site.field("/index.html", "ETag");
  FakeExchange again("GET", "/some/view", {{"If-None-Match", tag}});
  EXPECT_EQ(site.handle(again).status(), 304);
  FakeExchange part("GET", "/some/view", {{"Range", "bytes=0-2"}});
  EXPECT_EQ(site.handle(part).status(), 206);
  EXPECT_EQ(part.body(), "app");
}

TEST_F(FallbackTest, AFileThatAppearsAtThePathIsServedInstead) {
  EXPECT_EQ(site.body("/late"), "application");
  folder.write("late", "late");
  EXPECT_EQ(site.body("/late"), "late");
}

TEST_F(FallbackTest, WithoutAnyThatIsThereItIs404) {
  std::filesystem::remove(folder.inside("index.html"));
  EXPECT_EQ(site.status("/users"), 404);
  EXPECT_EQ(site.status("/assets/"), 404);
}

TEST_F(FallbackTest, NoPathLeadsOutOfTheRootOrToHiddenFiles) {
  SiteFolder::write_at(folder.outside("secret.html"), "secret");
  folder.write(".git/config.html", "hidden");
  folder.link("../secret.html", "link.html");
  for (const char* path : {"/../secret", "/assets/../../secret", "/link", "/.git/config"})
    EXPECT_EQ(site.body(path), "application") << path;
  EXPECT_EQ(site.body("/" + std::string(5000, 'x')), "application");
}

}  // namespace
}  // namespace holdfast::handlers
