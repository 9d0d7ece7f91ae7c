#include "config/sources.h"

#include <gtest/gtest.h>

#include "config/loader.h"
#include "tests/support/temp_dir.h"

namespace holdfast::config {
namespace {

using support::TempDir;

TEST(Sources, ArePackedWithAnyBytes) {
  Sources sources;
  sources.texts["/etc/a b:c"] = std::string("1\n\0:", 4);
  sources.texts["empty"] = "";
  sources.patterns["conf.d/*.yaml"] = {"conf.d/1.yaml", "conf.d/2.yaml"};
  sources.patterns["none/*"] = {};
  const std::optional<Sources> again = Sources::unpack(sources.packed());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->texts, sources.texts);
  EXPECT_EQ(again->patterns, sources.patterns);
}

TEST(Sources, RefuseWhatIsCutOrLonger) {
  Sources sources;
  sources.texts["a"] = "text";
  sources.patterns["b"] = {"c"};
  const std::string packed = sources.packed();
  for (std::size_t length = 0; length < packed.size(); ++length)
    EXPECT_FALSE(Sources::unpack(packed.substr(0, length))) << length;
  EXPECT_FALSE(Sources::unpack(packed + "0:"));
  EXPECT_FALSE(Sources::unpack("99999999999999999999:x"));
}

TEST(Sources, BringAConfigurationBackWhateverHasBecomeOfItsFiles) {
  TempDir dir;
  dir.write("conf.d/one.yaml", "sites: [{name: one, routes: [{path: /, hello: {}}]}]\n");
  const std::string file =
      dir.write("main.yaml", "include: conf.d/*.yaml\nlisteners: {http: {bind: \"127.0.0.1:0\"}}\n");
  const Loaded first = load_file(file);
  ASSERT_TRUE(first.config) << (first.problems.empty() ? "" : first.problems.front().text());
  EXPECT_EQ(first.sources.texts.size(), 2U);

  dir.write("conf.d/two.yaml", "sites: nonsense\n");
  dir.write("main.yaml", "{");
  EXPECT_FALSE(load_file(file).config);
  const std::optional<Sources> kept = Sources::unpack(first.sources.packed());
  ASSERT_TRUE(kept);
  {
    const ReplayedSources replayed(*kept);
    const Loaded again = load_file(file);
    ASSERT_TRUE(again.config) << (again.problems.empty() ? "" : again.problems.front().text());
    ASSERT_EQ(again.config->sites.size(), 1U);
    EXPECT_EQ(again.config->sites[0].name, "one");
    EXPECT_FALSE(load_file(dir / "conf.d/two.yaml").config);
  }
  EXPECT_FALSE(load_file(file).config);
}

}  // namespace
}  // namespace holdfast::config
