#include "worker/handlers/static_file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "tests/unit/worker/handlers/site_folder.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;

constexpr std::time_t kModified = 784111777;
constexpr std::string_view kModifiedText = "Sun, 06 Nov 1994 08:49:37 GMT";

class StaticFileTest : public ::testing::Test {
 protected:
  StaticFileTest() {
    folder.write("index.html", "<h1>home</h1>");
    folder.write("a.txt", "0123456789");
    folder.write("sub/index.html", "sub page");
    folder.write("empty/.keep", "");
    folder.set_modified("a.txt", kModified);
  }
  /// GET /a.txt with one more field.
  std::uint16_t status_with(std::string_view name, std::string_view value, std::string_view method = "GET") {
    FakeExchange exchange(method, "/a.txt", {{std::string(name), std::string(value)}});
    return site.handle(exchange).status();
  }

  SiteFolder folder;
  Site site{folder.action()};
};

TEST_F(StaticFileTest, AFileIsServedWithItsTypeAndValidators) {
  FakeExchange exchange("GET", "/a.txt");
  site.handle(exchange);
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.body(), "0123456789");
  EXPECT_EQ(exchange.announced_length(), 10U);
  EXPECT_EQ(exchange.field("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(exchange.field("Last-Modified"), kModifiedText);
  EXPECT_EQ(exchange.field("Accept-Ranges"), "bytes");
  const std::string etag = exchange.field("ETag").value_or("");
  EXPECT_GE(etag.size(), 4U);
  EXPECT_TRUE(etag.starts_with('"') && etag.ends_with('"'));
}

TEST_F(StaticFileTest, AFolderServesItsIndexFileWithTheTypeOfThatFile) {
  EXPECT_EQ(site.body("/"), "<h1>home</h1>");
  EXPECT_EQ(site.field("/", "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(site.body("/sub/"), "sub page");
  EXPECT_EQ(site.body("/sub/?x=1"), "sub page");
}

TEST_F(StaticFileTest, AFolderWithoutItsSlashIsRedirectedWithTheQueryKept) {
  FakeExchange exchange("GET", "/sub?a=1&b=2");
  site.handle(exchange);
  EXPECT_EQ(exchange.status(), 301);
  EXPECT_EQ(exchange.field("Location"), "/sub/?a=1&b=2");
}

TEST_F(StaticFileTest, ARedirectNeverLeadsToAnotherHost) {
  folder.write("evil.example/x/y", "");
  EXPECT_EQ(site.field("//evil.example/x", "Location"), "/evil.example/x/");
  EXPECT_EQ(site.field("////sub", "Location"), "/sub/");
}

TEST_F(StaticFileTest, ARedirectEscapesTheName) {
  folder.write("a \"b\r\n%/x", "");
  EXPECT_EQ(site.field("/a \"b\r\n%", "Location"), "/a%20%22b%0D%0A%25/");
}

TEST_F(StaticFileTest, AFolderWithoutIndexIsForbiddenUnlessListed) {
  EXPECT_EQ(site.status("/empty/"), 403);
  config::FilesAction action = folder.action();
  action.listing = true;
  Site listed(action);
  EXPECT_EQ(listed.status("/empty/"), 200);
  EXPECT_EQ(listed.body("/sub/"), "sub page");
}

TEST_F(StaticFileTest, WhatIsNotThereIsNotFound) {
  for (const char* target : {"/none", "/none/", "/a.txt/", "/a.txt/b", "/sub/none.html", "/sub//none"})
    EXPECT_EQ(site.status(target), 404) << target;
  EXPECT_EQ(site.status("/" + std::string(300, 'x')), 404);
  EXPECT_EQ(site.status("/" + std::string(9000, 'x')), 404);
}

TEST_F(StaticFileTest, OnlyGetAndHeadAreServed) {
  EXPECT_EQ(site.status("/a.txt", "HEAD"), 200);
  FakeExchange exchange("POST", "/a.txt");
  site.handle(exchange);
  EXPECT_EQ(exchange.status(), 405);
  EXPECT_EQ(exchange.field("Allow"), "GET, HEAD, OPTIONS");
}

TEST_F(StaticFileTest, AnEscapedSlashIsRefused) {
  FakeExchange exchange("GET", "/sub%2Findex.html");
  exchange.mutable_request().encoded_slash = true;
  EXPECT_EQ(site.handle(exchange).status(), 400);
}

TEST_F(StaticFileTest, NamesThatBeginWithADotAreNotServedButWellKnown) {
  folder.write(".env", "SECRET=1");
  folder.write(".git/config", "x");
  folder.write("sub/.htpasswd", "x");
  folder.write(".well-known/acme/token", "ok");
  folder.write(".well-known/.secret", "x");
  for (const char* target : {"/.env", "/.git/config", "/.git/", "/.git", "/sub/.htpasswd", "//.env",
                             "/.well-known/.secret", "/.well-known"})
    EXPECT_EQ(site.status(target), 404) << target;
  EXPECT_EQ(site.body("/.well-known/acme/token"), "ok");
}

TEST_F(StaticFileTest, LinksThatLeaveTheRootAreNotFollowedInside) {
  SiteFolder::write_at(folder.outside("secret"), "secret");
  folder.link(folder.outside("secret"), "absolute");
  folder.link("../secret", "relative");
  folder.link("a.txt", "good");
  folder.link(".", "self");
  folder.link("loop", "loop");
  EXPECT_EQ(site.status("/absolute"), 404);
  EXPECT_EQ(site.status("/relative"), 404);
  EXPECT_EQ(site.status("/loop"), 404);
  EXPECT_EQ(site.body("/good"), "0123456789");
  EXPECT_EQ(site.body("/self/self/a.txt"), "0123456789");
}

TEST_F(StaticFileTest, ThePolicyNeverFollowsNoLinkAndAnywhereFollowsAll) {
  SiteFolder::write_at(folder.outside("shared"), "shared");
  folder.link(folder.outside("shared"), "out");
  folder.link("a.txt", "in");
  config::FilesAction action = folder.action();
  action.follow_symlinks = config::FollowSymlinks::Never;
  Site never(action);
  EXPECT_EQ(never.status("/in"), 404);
  EXPECT_EQ(never.status("/a.txt"), 200);
  action.follow_symlinks = config::FollowSymlinks::Anywhere;
  Site anywhere(action);
  EXPECT_EQ(anywhere.body("/out"), "shared");
  EXPECT_EQ(anywhere.body("/in"), "0123456789");
}

TEST_F(StaticFileTest, FifosSocketsAndDevicesAreRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo(folder.inside("fifo").c_str(), 0644), 0);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, folder.inside("socket").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(site.status("/fifo"), 403);
  EXPECT_EQ(site.status("/socket"), 403);
  ::close(listener);
  config::FilesAction devices = folder.action();
  devices.root = "/dev";
  Site dev(devices);
  EXPECT_EQ(dev.status("/null"), 403);
  EXPECT_EQ(dev.status("/zero"), 403);
}

TEST_F(StaticFileTest, AnUnreadableFileIsForbidden) {
  ASSERT_EQ(::chmod(folder.inside("a.txt").c_str(), 0), 0);
  const uid_t self = ::geteuid();
  // Root reads everything: look with the eyes of somebody else.
  if (self == 0) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const std::uint16_t status = site.status("/a.txt");
  if (self == 0) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_EQ(status, 403);
}

TEST_F(StaticFileTest, AnEmptyFileIsAnAnswerOfNoBytes) {
  folder.write("nothing", "");
  FakeExchange exchange("GET", "/nothing");
  site.handle(exchange);
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.announced_length(), 0U);
  EXPECT_EQ(exchange.field("Content-Type"), "application/octet-stream");
}

TEST_F(StaticFileTest, ConditionsAreAnsweredWith304And412) {
  const std::string etag = site.field("/a.txt", "ETag");
  EXPECT_EQ(status_with("If-None-Match", etag), 304);
  EXPECT_EQ(status_with("If-None-Match", "W/" + etag), 304);
  EXPECT_EQ(status_with("If-None-Match", "\"other\""), 200);
  EXPECT_EQ(status_with("If-Modified-Since", kModifiedText), 304);
  EXPECT_EQ(status_with("If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"), 200);
  EXPECT_EQ(status_with("If-Match", "\"other\""), 412);
  EXPECT_EQ(status_with("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"), 412);
}

TEST_F(StaticFileTest, A304CarriesTheValidatorsAndNoBody) {
  FakeExchange exchange("GET", "/a.txt", {{"If-None-Match", "*"}});
  site.handle(exchange);
  EXPECT_EQ(exchange.status(), 304);
  EXPECT_EQ(exchange.body(), "");
  EXPECT_EQ(exchange.field("ETag"), site.field("/a.txt", "ETag"));
  EXPECT_EQ(exchange.field("Last-Modified"), kModifiedText);
  EXPECT_EQ(exchange.field("Content-Type"), std::nullopt);
}

TEST_F(StaticFileTest, ARangeIsAnsweredWithJustThatPart) {
  FakeExchange exchange("GET", "/a.txt", {{"Range", "bytes=2-5"}});
  site.handle(exchange);
  EXPECT_EQ(exchange.status(), 206);
  EXPECT_EQ(exchange.body(), "2345");
  EXPECT_EQ(exchange.field("Content-Range"), "bytes 2-5/10");
  EXPECT_EQ(exchange.field("ETag"), site.field("/a.txt", "ETag"));
}

TEST_F(StaticFileTest, ARangeBehindTheEndIsNotSatisfiable) {
  FakeExchange exchange("GET", "/a.txt", {{"Range", "bytes=10-"}});
  site.handle(exchange);
  EXPECT_EQ(exchange.status(), 416);
  EXPECT_EQ(exchange.field("Content-Range"), "bytes */10");
}

TEST_F(StaticFileTest, ARangeIsIgnoredForHeadWhenRepeatedOrWhenIfRangeDoesNotHold) {
  EXPECT_EQ(status_with("Range", "bytes=2-5", "HEAD"), 200);
  FakeExchange twice("GET", "/a.txt", {{"Range", "bytes=2-5"}, {"Range", "bytes=2-5"}});
  EXPECT_EQ(site.handle(twice).status(), 200);
  FakeExchange stale("GET", "/a.txt", {{"Range", "bytes=2-5"}, {"If-Range", "\"old\""}});
  EXPECT_EQ(site.handle(stale).body(), "0123456789");
  FakeExchange fresh("GET", "/a.txt", {{"Range", "bytes=2-5"}, {"If-Range", site.field("/a.txt", "ETag")}});
  EXPECT_EQ(site.handle(fresh).status(), 206);
  FakeExchange dated("GET", "/a.txt", {{"Range", "bytes=2-5"}, {"If-Range", std::string(kModifiedText)}});
  EXPECT_EQ(site.handle(dated).status(), 206);
}

TEST_F(StaticFileTest, APreconditionIsEvaluatedBeforeTheRange) {
  FakeExchange exchange("GET", "/a.txt", {{"Range", "bytes=99-"}, {"If-None-Match", "*"}});
  EXPECT_EQ(site.handle(exchange).status(), 304);
}

TEST_F(StaticFileTest, LastModifiedIsNeverLaterThanNow) {
  folder.set_modified("a.txt", site.wall + 5000);
  site.wall = kModified;
  EXPECT_EQ(site.field("/a.txt", "Last-Modified"), kModifiedText);
  EXPECT_EQ(status_with("If-Modified-Since", kModifiedText), 304);
}

TEST_F(StaticFileTest, ABigFileIsSentFromItsDescriptorWithRightRanges) {
  std::string content;
  for (int i = 0; content.size() < 300'000; ++i) content += std::to_string(i);
  folder.write("big.bin", content);
  EXPECT_EQ(site.body("/big.bin"), content);
  EXPECT_EQ(site.cache.descriptors(), 1U);
  FakeExchange exchange("GET", "/big.bin", {{"Range", "bytes=200000-200999"}});
  EXPECT_EQ(site.handle(exchange).body(), content.substr(200'000, 1000));
}

TEST_F(StaticFileTest, AMediumFileIsSentFromMemoryAndOutlivesItsPlaceInTheCache) {
  const std::string content(50'000, 'm');
  folder.write("medium", content);
  FakeExchange exchange("GET", "/medium");
  {
    Site short_lived(folder.action());
    short_lived.handle(exchange);
    EXPECT_EQ(short_lived.cache.descriptors(), 0U);
  }
  EXPECT_EQ(exchange.body(), content);
}

}  // namespace
}  // namespace holdfast::handlers
