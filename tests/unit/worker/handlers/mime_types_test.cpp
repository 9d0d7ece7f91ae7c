#include "worker/handlers/mime_types.h"

#include <gtest/gtest.h>

#include "tests/unit/worker/handlers/site_folder.h"

namespace holdfast::handlers {
namespace {

TEST(MimeTypes, TheExtensionDecidesInAnyCase) {
  const MimeTypes types("");
  EXPECT_EQ(types.type_of("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(types.type_of("/a/b.c/PHOTO.JPG"), "image/jpeg");
  EXPECT_EQ(types.type_of("archive.tar.gz"), "application/gzip");
  EXPECT_EQ(types.type_of("app.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(types.type_of("font.woff2"), "font/woff2");
  EXPECT_EQ(types.type_of("part.ts"), "video/mp2t");
  EXPECT_EQ(types.type_of("3gp.3gp"), "video/3gpp");
  EXPECT_EQ(types.type_of("x.zst"), "application/zstd");
}

TEST(MimeTypes, WithoutAKnownExtensionItIsBytes) {
  const MimeTypes types("");
  for (const char* name : {"README", "a.unknown-extension", "dir.html/file", "x.", "",
                           "a.0123456789012345678901234567890123456789"})
    EXPECT_EQ(types.type_of(name), "application/octet-stream") << name;
}

TEST(MimeTypes, TheSystemTableFillsTheGapsButDoesNotOverrule) {
  const SiteFolder folder;
  folder.write("mime.types",
               "# comment\n"
               "image/x-own\t\tOWN  own2\r\n"
               "text/x-lang  lang # a comment\n"
               "video/wrong html\n"
               "application/no-extensions\n");
  const MimeTypes types(folder.inside("mime.types"));
  EXPECT_EQ(types.type_of("x.own"), "image/x-own");
  EXPECT_EQ(types.type_of("x.Own2"), "image/x-own");
  EXPECT_EQ(types.type_of("x.lang"), "text/x-lang; charset=utf-8");
  EXPECT_EQ(types.type_of("x.html"), "text/html; charset=utf-8");
  EXPECT_EQ(types.type_of("x.a"), "application/octet-stream");
}

TEST(MimeTypes, AMissingSystemTableIsNoError) {
  EXPECT_EQ(MimeTypes("/nowhere/mime.types").type_of("a.css"), "text/css; charset=utf-8");
}

}  // namespace
}  // namespace holdfast::handlers
