#include "worker/handlers/directory_index.h"

#include <gtest/gtest.h>

#include "tests/unit/worker/handlers/site_folder.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;

class DirectoryIndexTest : public ::testing::Test {
 protected:
  Listing list(std::string_view path, config::FollowSymlinks follow = config::FollowSymlinks::Inside) {
    const DocumentRoot root = DocumentRoot::open(folder.root(), follow, true).value();
    return list_directory(root.open_beneath(path).fd, root, path).value();
  }
  static std::string names(const Listing& listing) {
    std::string joined;
    for (const ListedFile& file : listing.files) joined += file.name + (file.directory ? "/ " : " ");
    return joined;
  }

  SiteFolder folder;
};

TEST_F(DirectoryIndexTest, FoldersComeFirstThenNamesInOrder) {
  for (const char* name : {"b", "a", "z/x", "m/x"}) folder.write(name, "");
  EXPECT_EQ(names(list("/")), "m/ z/ a b ");
}

TEST_F(DirectoryIndexTest, WhatWouldNotBeServedIsNotShown) {
  folder.write(".hidden", "");
  folder.write("file", "");
  folder.link("file", "inner");
  folder.link("/etc/passwd", "outer");
  folder.link("nowhere", "broken");
  ASSERT_EQ(::mkfifo(folder.inside("fifo").c_str(), 0644), 0);
  EXPECT_EQ(names(list("/")), "file inner ");
  EXPECT_EQ(names(list("/", config::FollowSymlinks::Never)), "file ");
  EXPECT_EQ(names(list("/", config::FollowSymlinks::Anywhere)), "file inner outer ");
}

TEST_F(DirectoryIndexTest, LinksInSubfoldersAreJudgedFromTheRoot) {
  folder.write("top", "");
  folder.write("sub/x", "");
  folder.link("../top", "sub/up");
  EXPECT_EQ(names(list("/sub/")), "up x ");
}

TEST_F(DirectoryIndexTest, ThePageEscapesNamesAndLinks) {
  Listing listing;
  listing.files = {{"<script>\"&", true, 0, 0}, {"javascript:alert(1)", false, 1536, 784111777}};
  const std::string page = listing_html(listing, "/a<b>/");
  EXPECT_EQ(page.find("<script>"), std::string::npos);
  EXPECT_NE(page.find("href=\"%3Cscript%3E%22%26/\""), std::string::npos);
  EXPECT_NE(page.find("href=\"javascript%3Aalert%281%29\""), std::string::npos);
  EXPECT_NE(page.find("/a&#60;b&#62;/"), std::string::npos);
  EXPECT_NE(page.find("1.5 KiB"), std::string::npos);
  EXPECT_NE(page.find("1994-11-06 08:49"), std::string::npos);
  EXPECT_NE(page.find("href=\"../\""), std::string::npos);
  EXPECT_EQ(listing_html(listing, "/").find("href=\"../\""), std::string::npos);
}

TEST_F(DirectoryIndexTest, TheJsonFormNamesTypeSizeAndTime) {
  Listing listing;
  listing.files = {{"d", true, 4096, 0}, {"a\"b", false, 7, 784111777}};
  EXPECT_EQ(listing_json(listing, "/"),
            "{\"path\":\"/"
            "\",\"entries\":[{\"name\":\"d\",\"type\":\"directory\",\"modified\":\"1970-01-01T00:00:00Z\"},"
            "{\"name\":\"a\\\"b\",\"type\":\"file\",\"size\":7,\"modified\":\"1994-11-06T08:49:37Z\"}],\"cut\":"
            "false}\n");
}

TEST_F(DirectoryIndexTest, AHugeFolderIsCutAndSaysSo) {
  for (std::size_t i = 0; i < kMaxListed + 5; ++i) std::ofstream(folder.inside(std::to_string(i))).put('x');
  const Listing listing = list("/");
  EXPECT_EQ(listing.files.size(), kMaxListed);
  EXPECT_TRUE(listing.cut);
  EXPECT_NE(listing_html(listing, "/").find("Only 10000 entries are shown"), std::string::npos);
}

TEST_F(DirectoryIndexTest, TheClientChoosesPageOrJson) {
  folder.write("x", "");
  config::FilesAction action = folder.action();
  action.listing = true;
  Site site(action);
  EXPECT_EQ(site.field("/", "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(site.field("/", "Vary"), "Accept");
  FakeExchange json("GET", "/", {{"Accept", "application/json"}});
  EXPECT_EQ(site.handle(json).field("Content-Type"), "application/json");
}

}  // namespace
}  // namespace holdfast::handlers
