// Ready-made siblings (FILE.br, FILE.gz, FILE.zst) in place of a file.
#include <gtest/gtest.h>

#include "tests/unit/worker/handlers/site_folder.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;
using Fields = FakeExchange::Fields;

constexpr std::time_t kOld = 1'000'000'000;

class PrecompressedTest : public testing::Test {
 protected:
  PrecompressedTest() {
    folder.write("app.js", "plain content");
    folder.set_modified("app.js", kOld);
  }
  void add(std::string_view name, std::string_view content, std::time_t modified = kOld) {
    folder.write(name, content);
    folder.set_modified(name, modified);
  }
  config::FilesAction action() const {
    config::FilesAction action = folder.action();
    action.precompressed = {Coding::Brotli, Coding::Gzip, Coding::Zstd};
    return action;
  }
  Site& site() {
    if (!made) made = std::make_unique<Site>(action(), FileCacheLimits{});
    return *made;
  }
  std::string body(const std::string& accepted, std::string_view target = "/app.js") {
    FakeExchange exchange("GET", target, {{"Accept-Encoding", accepted}});
    return site().handle(exchange).body();
  }
  void second_passes() { site().now += std::chrono::milliseconds(1000); }

  SiteFolder folder;
  std::unique_ptr<Site> made;
};

TEST_F(PrecompressedTest, TheClientsQualityDecidesThenTheOrderOfTheSetting) {
  add("app.js.br", "BR");
  add("app.js.gz", "GZ");
  EXPECT_EQ(body("gzip, br"), "BR");
  EXPECT_EQ(body("gzip"), "GZ");
  EXPECT_EQ(body("gzip;q=1, br;q=0.5"), "GZ");
  EXPECT_EQ(body("*"), "BR");
  EXPECT_EQ(body("br;q=0, *"), "GZ");
  EXPECT_EQ(body("zstd"), "plain content");
  EXPECT_EQ(body("identity;q=1, br;q=0.5"), "plain content");
  EXPECT_EQ(site().body("/app.js"), "plain content");
}

TEST_F(PrecompressedTest, AreRepresentationsOfTheirOwnWithTheTypeOfTheFile) {
  add("app.js.gz", "GZ");
  FakeExchange plain("GET", "/app.js");
  FakeExchange packed("GET", "/app.js", {{"Accept-Encoding", "gzip"}});
  site().handle(plain);
  site().handle(packed);
  EXPECT_EQ(packed.field("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.field("Content-Type"), plain.field("Content-Type"));
  EXPECT_EQ(packed.field("Last-Modified"), plain.field("Last-Modified"));
  EXPECT_EQ(packed.field("Vary"), "Accept-Encoding");
  EXPECT_EQ(plain.field("Vary"), "Accept-Encoding");
  EXPECT_EQ(plain.field("Content-Encoding"), std::nullopt);
  const std::string tag = packed.field("ETag").value();
  EXPECT_TRUE(tag.starts_with('"') && tag.ends_with("-gz\"")) << tag;
  EXPECT_NE(tag, plain.field("ETag"));
  EXPECT_EQ(site().field("/app.js.gz", "Content-Encoding"), "(none)")
      << "asked for by its own name, it is a file";
}

TEST_F(PrecompressedTest, AreRevalidatedByTheirOwnTagAndVaryThen) {
  add("app.js.gz", "GZ");
  FakeExchange first("GET", "/app.js", {{"Accept-Encoding", "gzip"}});
  const std::string tag = site().handle(first).field("ETag").value();
  const auto again = [&](const Fields& fields) {
    FakeExchange exchange("GET", "/app.js", fields);
    site().handle(exchange);
    return std::to_string(exchange.status()) + " " + exchange.field("Vary").value_or("-");
  };
  EXPECT_EQ(again({{"Accept-Encoding", "gzip"}, {"If-None-Match", tag}}), "304 Accept-Encoding");
  EXPECT_EQ(again({{"If-None-Match", tag}}), "200 Accept-Encoding");
  EXPECT_EQ(again({{"If-Modified-Since", first.field("Last-Modified").value()}}), "304 Accept-Encoding");
  EXPECT_EQ(again({{"Accept-Encoding", "gzip"}, {"If-Match", "\"other\""}}).substr(0, 3), "412");
}

TEST_F(PrecompressedTest, OlderThanTheFileArePassedOver) {
  add("app.js.br", "BR", kOld - 1);
  add("app.js.gz", "GZ", kOld + 1);
  EXPECT_EQ(body("br, gzip"), "GZ");
}

TEST_F(PrecompressedTest, MayHaveTheTimeOfTheFileWithoutItsFraction) {
  add("app.js.br", "BR");
  const timespec times[2] = {{kOld, 5}, {kOld, 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, folder.inside("app.js").c_str(), times, 0), 0);
  EXPECT_EQ(body("br"), "BR");
}

TEST_F(PrecompressedTest, DoNotHideNewerContentOfTheFile) {
  add("app.js.br", "BR");
  EXPECT_EQ(body("br"), "BR");
  folder.replace("app.js", "newer content");
  second_passes();
  EXPECT_EQ(body("br"), "newer content");
}

TEST_F(PrecompressedTest, ThatAppearChangeOrGoAreNoticedWithinASecond) {
  EXPECT_EQ(body("br"), "plain content");
  EXPECT_EQ(site().field("/app.js", "Vary"), "(none)");
  add("app.js.br", "first");
  second_passes();
  EXPECT_EQ(body("br"), "first");
  FakeExchange one("GET", "/app.js", {{"Accept-Encoding", "br"}});
  const std::string tag = site().handle(one).field("ETag").value();
  folder.replace("app.js.br", "other");
  second_passes();
  FakeExchange two("GET", "/app.js", {{"Accept-Encoding", "br"}});
  EXPECT_EQ(site().handle(two).body(), "other");
  EXPECT_NE(two.field("ETag"), tag);
  std::filesystem::remove(folder.inside("app.js.br"));
  second_passes();
  EXPECT_EQ(body("br"), "plain content");
  EXPECT_EQ(site().cache.content_bytes(), 13U);
}

TEST_F(PrecompressedTest, CountAsContentAndDescriptors) {
  add("app.js.br", "four");
  add("app.js.gz", std::string(100'000, 'z'));
  EXPECT_EQ(body("br"), "four");
  EXPECT_EQ(site().cache.content_bytes(), 13U + 4U);
  EXPECT_EQ(site().cache.descriptors(), 1U);
  EXPECT_EQ(body("gzip"), std::string(100'000, 'z'));
}

TEST_F(PrecompressedTest, BigOnesThatChangeInPlaceAreSeenAtOnce) {
  add("app.js.gz", std::string(100'000, 'a'));
  EXPECT_EQ(body("gzip"), std::string(100'000, 'a'));
  folder.write("app.js.gz", std::string(200'000, 'b'));
  site().now += std::chrono::milliseconds(1);
  EXPECT_EQ(body("gzip"), std::string(200'000, 'b'));
}

TEST_F(PrecompressedTest, ThatAreNoFilesEmptyOrOutsideAreNotServed) {
  std::filesystem::create_directory(folder.inside("app.js.br"));
  ASSERT_EQ(::mkfifo(folder.inside("app.js.gz").c_str(), 0644), 0);
  SiteFolder::write_at(folder.outside("secret"), "secret");
  folder.link("../secret", "app.js.zst");
  EXPECT_EQ(body("br, gzip, zstd"), "plain content");
  folder.write("b.js", "b");
  folder.write("b.js.br", "");
  EXPECT_EQ(body("br", "/b.js"), "b");
}

TEST_F(PrecompressedTest, BehindLinksThatStayInsideFollowTheRulesOfTheRoot) {
  add("packed", "BR");
  folder.link("packed", "app.js.br");
  EXPECT_EQ(body("br"), "BR");
  config::FilesAction never = action();
  never.follow_symlinks = config::FollowSymlinks::Never;
  Site strict(never);
  FakeExchange exchange("GET", "/app.js", {{"Accept-Encoding", "br"}});
  EXPECT_EQ(strict.handle(exchange).body(), "plain content");
}

TEST_F(PrecompressedTest, RangesAreOfThePlainContent) {
  add("app.js.br", "BR");
  FakeExchange part("GET", "/app.js", {{"Accept-Encoding", "br"}, {"Range", "bytes=0-4"}});
  site().handle(part);
  EXPECT_EQ(part.status(), 206);
  EXPECT_EQ(part.body(), "plain");
  EXPECT_EQ(part.field("Content-Encoding"), std::nullopt);
  EXPECT_EQ(part.field("Vary"), "Accept-Encoding");
  FakeExchange several("GET", "/app.js", {{"Accept-Encoding", "br"}, {"Range", "bytes=0-1,5-6"}});
  EXPECT_EQ(site().handle(several).body(), "plain content") << "the parts would be longer than the whole";
}

TEST_F(PrecompressedTest, AnIndexFileHasThemToo) {
  add("dir/index.html", "index");
  add("dir/index.html.gz", "GZ");
  EXPECT_EQ(body("gzip", "/dir/"), "GZ");
}

TEST_F(PrecompressedTest, WithoutTheSettingAreOrdinaryFiles) {
  add("app.js.br", "BR");
  Site plain(folder.action());
  FakeExchange exchange("GET", "/app.js", {{"Accept-Encoding", "br"}});
  EXPECT_EQ(plain.handle(exchange).body(), "plain content");
  EXPECT_EQ(exchange.field("Vary"), std::nullopt);
}

}  // namespace
}  // namespace holdfast::handlers
