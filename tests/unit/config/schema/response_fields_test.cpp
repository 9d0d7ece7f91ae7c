#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(HeaderEditSettings, are_read_and_checked) {
  EXPECT_THAT(problems_of_route("{path: /x, hello: {}, headers: {set: {X-A: b}, remove: [Server]}}"),
              IsEmpty());
  EXPECT_THAT(problems_of_route("{path: /x, hello: {}, headers: {set: {Content-Length: 1}}}"),
              ElementsAre(HasSubstr("is set by the server itself")));
  EXPECT_THAT(problems_of_route("{path: /x, hello: {}, headers: {remove: ['a b']}}"),
              ElementsAre(HasSubstr("is no header name")));
  EXPECT_THAT(problems_of_route("{path: /x, hello: {}, headers: {sett: {}}}"), ElementsAre(HasSubstr("`set`")));
}

TEST(CompressionSettings, are_on_with_the_usual_types_by_default) {
  const Compression compression = load_with_site("").config->compression;
  EXPECT_TRUE(compression.enabled);
  EXPECT_THAT(compression.encodings, ElementsAre(Coding::Zstd, Coding::Brotli, Coding::Gzip));
  EXPECT_EQ(compression.min_size, 1024u);
  EXPECT_EQ(compression.types.front(), "text/*");
}

TEST(CompressionSettings, are_checked) {
  EXPECT_THAT(problems_with_site("compression: {encodings: [deflate]}\n"),
              ElementsAre(HasSubstr("zstd, br or gzip")));
  EXPECT_THAT(problems_with_site("compression: {encodings: []}\n"),
              ElementsAre(HasSubstr("must not be empty")));
  EXPECT_THAT(problems_with_site("compression: {level: 10}\n"), ElementsAre(HasSubstr("from 1 to 9")));
  EXPECT_THAT(problems_with_site("compression: {types: [html]}\n"), ElementsAre(HasSubstr("media types")));
}

TEST(CompressionSettings, of_a_route_stand_on_those_of_all) {
  const Loaded loaded = load_text(
      "compression: {min_size: 2KiB}\n"
      "sites: [{routes: [{path: /a, hello: {}, compression: {encodings: [gzip], types: [Text/X]}}, {path: /b, "
      "hello: {}}]}]\n",
      "x.yaml");
  ASSERT_TRUE(loaded.config);
  const std::vector<Route>& routes = loaded.config->sites[0].routes;
  EXPECT_EQ(routes[0].compression.min_size, 2048u);
  EXPECT_THAT(routes[0].compression.encodings, ElementsAre(Coding::Gzip));
  EXPECT_THAT(routes[0].compression.types, ElementsAre("text/x"));
  EXPECT_EQ(routes[1].compression.encodings.size(), 3u);
}

}  // namespace
}  // namespace holdfast::config
