#include "worker/handlers/multipart_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/multipart.h"
#include "tests/unit/worker/handlers/site_folder.h"

namespace holdfast::handlers {
namespace {

using support::FakeExchange;
using support::RangePart;
using ::testing::ElementsAre;

constexpr std::size_t kSmall = 5000;   // is kept in memory
constexpr std::size_t kBig = 300'000;  // is read from its descriptor
constexpr std::string_view kText = "text/plain; charset=utf-8";

std::string letters(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i ^ (i >> 7) ^ (i >> 15)) % 26);
  return text;
}

class MultipartRangesTest : public ::testing::Test {
 protected:
  MultipartRangesTest() {
    folder.write("small.txt", letters(kSmall));
    folder.write("big.txt", letters(kBig));
  }
  static FakeExchange::Fields range(std::string_view value) { return {{"Range", std::string(value)}}; }
  /// The parts of a 206 whose length is what was announced; none for another answer.
  static std::vector<RangePart> parts_of(FakeExchange& exchange) {
    EXPECT_EQ(exchange.status(), 206);
    EXPECT_EQ(exchange.announced_length(), exchange.body().size());
    EXPECT_TRUE(exchange.body_complete());
    const auto parts = support::read_parts(exchange.field("Content-Type").value_or(""), exchange.body());
    EXPECT_TRUE(parts.has_value()) << exchange.body();
    return parts.value_or(std::vector<RangePart>());
  }
  std::vector<RangePart> parts(std::string_view target, std::string_view value, std::size_t room = 4096) {
    FakeExchange exchange("GET", target, range(value));
    exchange.set_room(room);
    return parts_of(site.handle(exchange));
  }
  /// The part that bytes from `first` to `last` of a file of `size` letters must be.
  static RangePart part(std::size_t first, std::size_t last, std::size_t size) {
    return {std::string(kText),
            "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(size),
            letters(size).substr(first, last - first + 1)};
  }

  SiteFolder folder;
  Site site{folder.action()};
};

TEST_F(MultipartRangesTest, TheBodyIsByteForByteAsTheStandardShowsIt) {
  FakeExchange exchange("GET", "/small.txt", range("bytes=0-2,26-28"));
  site.handle(exchange);
  const std::string boundary = support::boundary_of(exchange.field("Content-Type").value_or(""));
  EXPECT_EQ(exchange.body(), "--" + boundary +
                                 "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Range: bytes 0-2/5000\r\n\r\nabc\r\n--" +
                                 boundary +
                                 "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Range: bytes 26-28/5000\r\n\r\nabc\r\n--" +
                                 boundary + "--\r\n");
}

TEST_F(MultipartRangesTest, PartsComeInTheOrderAskedFor) {
  EXPECT_THAT(parts("/small.txt", "bytes=4000-4099, 0-9, -5"),
              ElementsAre(part(4000, 4099, kSmall), part(0, 9, kSmall), part(4995, 4999, kSmall)));
  EXPECT_THAT(parts("/big.txt", "bytes=200000-299998,7-7,1000-100999"),
              ElementsAre(part(200'000, 299'998, kBig), part(7, 7, kBig), part(1000, 100'999, kBig)));
}

TEST_F(MultipartRangesTest, OverlappingRangesAreJoinedAndUnsatisfiableOnesLeftOut) {
  EXPECT_THAT(parts("/small.txt", "bytes=1000-1099,0-9,5-19,9000-"),
              ElementsAre(part(1000, 1099, kSmall), part(0, 19, kSmall)));
}

TEST_F(MultipartRangesTest, OneRangeThatIsLeftIsNotSentAsMultipart) {
  for (const char* value : {"bytes=0-9,10-19", "bytes=0-19,9000-", "bytes=5-19,0-7,9-9"}) {
    FakeExchange exchange("GET", "/small.txt", range(value));
    EXPECT_EQ(site.handle(exchange).body(), letters(kSmall).substr(0, 20)) << value;
    EXPECT_EQ(exchange.field("Content-Range"), "bytes 0-19/5000") << value;
    EXPECT_EQ(exchange.field("Content-Type"), kText) << value;
  }
}

TEST_F(MultipartRangesTest, TheOuterHeadHasTheFieldsOfTheFileButNoContentRange) {
  FakeExchange exchange("GET", "/small.txt", range("bytes=0-9,100-109"));
  site.handle(exchange);
  EXPECT_EQ(exchange.status(), 206);
  EXPECT_EQ(exchange.field("Content-Range"), std::nullopt);
  EXPECT_NE(support::boundary_of(exchange.field("Content-Type").value_or("")), "");
  for (const char* name : {"ETag", "Last-Modified", "Accept-Ranges"})
    EXPECT_EQ(exchange.field(name), site.field("/small.txt", name)) << name;
  EXPECT_EQ(exchange.fields().size(), 4U);
}

TEST_F(MultipartRangesTest, PartsOfTwoStatesOfAFileDoNotEndAsIfTheyWereWhole) {
  const auto ask = [&](auto change) {
    folder.write("other.txt", letters(kBig));
    site.now += std::chrono::milliseconds(1000);
    FakeExchange exchange("GET", "/other.txt", range("bytes=0-9,100-109"));
    site.handle(exchange);
    change();
    exchange.body();
    return exchange.body_complete() && !exchange.body_failed();
  };
  const auto rewrite = [&](std::size_t size) {
    folder.write("other.txt", std::string(size, 'x'));
    folder.set_modified("other.txt", 784111777);
  };
  EXPECT_TRUE(ask([] {}));
  EXPECT_FALSE(ask([&] { rewrite(kBig); }));
  EXPECT_FALSE(ask([&] { rewrite(kBig - 1); }));
  EXPECT_TRUE(ask([&] { folder.write("other.txt", letters(kBig) + "more"); })) << "a log goes on growing";
}

TEST_F(MultipartRangesTest, EveryAnswerHasABoundaryOfItsOwn) {
  FakeExchange one("GET", "/small.txt", range("bytes=0-9,100-109"));
  FakeExchange other("GET", "/small.txt", range("bytes=0-9,100-109"));
  EXPECT_NE(site.handle(one).field("Content-Type"), site.handle(other).field("Content-Type"));
  EXPECT_EQ(one.announced_length(), other.announced_length());
}

TEST_F(MultipartRangesTest, ItIsTheSameHoweverLittleIsAskedForAtATime) {
  for (const std::size_t room : {1, 2, 3, 7, 64, 111, 112, 113, 1 << 20})
    for (const char* target : {"/small.txt", "/big.txt"}) {
      const std::size_t size = target[1] == 's' ? kSmall : kBig;
      EXPECT_THAT(parts(target, "bytes=300-399,-1,0-0", room),
                  ElementsAre(part(300, 399, size), part(size - 1, size - 1, size), part(0, 0, size)))
          << target << " by " << room;
    }
}

TEST_F(MultipartRangesTest, SixteenPartsAreSentAndMoreRangesAreIgnored) {
  std::string value = "bytes=0-0";
  for (int i = 1; i < 16; ++i) value += "," + std::to_string(i * 2) + "-" + std::to_string(i * 2);
  EXPECT_EQ(parts("/small.txt", value).size(), 16U);
  FakeExchange exchange("GET", "/small.txt", range(value + ",100-100"));
  EXPECT_EQ(site.handle(exchange).status(), 200);
  EXPECT_EQ(exchange.body(), letters(kSmall));
}

TEST_F(MultipartRangesTest, AFileThatIsNotLongerThanTheAnswerIsSentWhole) {
  FakeExchange model("GET", "/small.txt", range("bytes=0-9,20-29"));
  // As long as with a size of four digits, but for the two that a size of three saves.
  const std::size_t length = site.handle(model).body().size() - 2;
  folder.write("equal.txt", letters(length));
  folder.write("longer.txt", letters(length + 1));
  FakeExchange equal("GET", "/equal.txt", range("bytes=0-9,20-29"));
  EXPECT_EQ(site.handle(equal).status(), 200);
  EXPECT_EQ(equal.body(), letters(length));
  EXPECT_EQ(equal.field("Content-Type"), kText);
  FakeExchange longer("GET", "/longer.txt", range("bytes=0-9,20-29"));
  EXPECT_EQ(site.handle(longer).status(), 206);
  EXPECT_EQ(longer.announced_length(), length);
}

TEST_F(MultipartRangesTest, HeadAndAStaleIfRangeGetTheWhole) {
  FakeExchange head("HEAD", "/small.txt", range("bytes=0-9,20-29"));
  EXPECT_EQ(site.handle(head).status(), 200);
  FakeExchange stale("GET", "/small.txt", {{"Range", "bytes=0-9,20-29"}, {"If-Range", "\"old\""}});
  EXPECT_EQ(site.handle(stale).body(), letters(kSmall));
}

TEST_F(MultipartRangesTest, TheAnswerOutlivesTheCache) {
  for (const char* target : {"/small.txt", "/big.txt"}) {
    FakeExchange exchange("GET", target, range("bytes=1000-1999,0-0"));
    Site(folder.action()).handle(exchange);
    EXPECT_EQ(parts_of(exchange).at(0).body, letters(kSmall).substr(1000, 1000)) << target;
  }
}

TEST_F(MultipartRangesTest, TheDescriptorKeepsItsOffset) {
  EXPECT_EQ(parts("/big.txt", "bytes=100-70000,0-0").size(), 2U);
  const int fd = site.cache.find(site.tree, "/big.txt", site.now).entry->fd();
  EXPECT_EQ(::lseek(fd, 0, SEEK_CUR), 0);
}

TEST_F(MultipartRangesTest, AFileThatBecameShorterFailsTheBody) {
  for (const std::size_t left : {0, 150'000, 199'999, 299'998}) {
    folder.replace("big.txt", letters(kBig));
    site.now += std::chrono::seconds(2);
    FakeExchange exchange("GET", "/big.txt", range("bytes=0-9,100000-199999,299990-"));
    site.handle(exchange);
    std::filesystem::resize_file(folder.inside("big.txt"), left);
    EXPECT_LT(exchange.body().size(), exchange.announced_length()) << left;
    EXPECT_TRUE(exchange.body_failed()) << left;
    EXPECT_FALSE(exchange.body_complete()) << left;
  }
}

}  // namespace
}  // namespace holdfast::handlers
