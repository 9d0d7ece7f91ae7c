#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>

#include "tests/support/child_process.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::Not;

constexpr const char* kBash = "/bin/bash";

/// What bash offers for the last of the words; `folder` is where it stands.
std::vector<std::string> offered(const std::vector<std::string>& words, const std::string& folder = "/") {
  std::string script = "source " HOLDFAST_COMPLETIONS "/holdfast.bash\nCOMP_WORDS=(holdfast";
  for (const std::string& word : words) script += " '" + word + "'";
  script +=
      ")\nCOMP_CWORD=" + std::to_string(words.size()) + "\n_holdfast\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const CommandResult result = run_command({kBash, "--norc", "-c", script}, {.directory = folder});
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_EQ(result.err, "");
  std::vector<std::string> lines;
  std::istringstream out(result.out);
  for (std::string line; std::getline(out, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

class completions : public testing::Test {
 protected:
  void SetUp() override {
    if (::access(kBash, X_OK) != 0) GTEST_SKIP() << "there is no " << kBash;
  }
};

TEST_F(completions, begin_with_commands) {
  EXPECT_THAT(offered({""}),
              IsSupersetOf({"serve", "check", "config", "doctor", "reload", "status", "--config"}));
  EXPECT_THAT(offered({"st"}), ElementsAre("stop", "status"));
  EXPECT_THAT(offered({"-c", "x.yaml", "doc"}), ElementsAre("doctor"));
}

TEST_F(completions, go_on_with_the_options_of_the_command) {
  EXPECT_THAT(offered({"status", "--"}), ElementsAre("--json", "--watch", "--config", "--help"));
  EXPECT_THAT(offered({"config", "--d"}), ElementsAre("--diff"));
  EXPECT_THAT(offered({"-c", "x.yaml", "check", "--q"}), ElementsAre("--quiet"));
  EXPECT_THAT(offered({"reload", ""}), Not(Contains("stop")));
}

TEST_F(completions, offer_files_where_one_is_to_be_named) {
  const TempDir dir;
  dir.write("site.yaml", "");
  dir.write("folder/x", "");
  EXPECT_THAT(offered({"-c", "si"}, dir.path()), ElementsAre("site.yaml"));
  EXPECT_THAT(offered({"--config", "=", "si"}, dir.path()), ElementsAre("site.yaml"));
  EXPECT_THAT(offered({"config", "--diff", "si"}, dir.path()), ElementsAre("site.yaml"));
  EXPECT_THAT(offered({"serve", ""}, dir.path()), ElementsAre("folder"));
}

TEST(zsh_completion, can_be_read_by_zsh) {
  constexpr const char* kZsh = "/bin/zsh";
  if (::access(kZsh, X_OK) != 0) GTEST_SKIP() << "there is no " << kZsh;
  const CommandResult result = run_command({kZsh, "-n", HOLDFAST_COMPLETIONS "/_holdfast"});
  EXPECT_EQ(result.code(), 0) << result.err;
}

}  // namespace
}  // namespace holdfast::support
