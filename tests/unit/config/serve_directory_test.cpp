#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/describe.h"
#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ServeDirectory, serves_one_folder_with_listing_on_the_terminal) {
  const TempFolder folder;
  const Loaded loaded = serve_directory(folder.path() + "/.", "127.0.0.1:8080");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const Config& config = *loaded.config;
  EXPECT_GE(config.process.workers, 1u);
  EXPECT_LE(config.process.workers, 2u);
  EXPECT_EQ(config.process.user, "");
  EXPECT_EQ(config.process.pid_file, "");
  EXPECT_FALSE(config.admin.enabled);
  EXPECT_EQ(config.log.access.to, "stdout");
  EXPECT_EQ(config.log.access.format, "terse");
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].bind.text(), "127.0.0.1:8080");
  const auto& files = std::get<FilesAction>(config.sites.at(0).routes.at(0).action);
  EXPECT_EQ(files.root, std::filesystem::canonical(folder.path()).string());
  EXPECT_TRUE(files.listing);
  EXPECT_EQ(config.limits.request_body, 1u << 20) << "the rows' defaults hold here too";
  EXPECT_THAT(lines(check_environment(config)), IsEmpty());
}

TEST(ServeDirectory, reports_a_missing_folder_and_a_bad_address_together) {
  EXPECT_THAT(lines(serve_directory("/no/such/folder", "nowhere").problems),
              ElementsAre("/no/such/folder: No such file or directory", HasSubstr("--listen: 'nowhere'")));
  EXPECT_THAT(lines(serve_directory("/dev/null", "127.0.0.1:80").problems),
              ElementsAre("/dev/null: is not a directory"));
}

TEST(ServeDirectory, prints_a_configuration_that_loads_again) {
  const TempFolder folder;
  const std::string printed = effective_yaml(*serve_directory(folder.path(), "127.0.0.1:8080").config);
  const Loaded again = load_text(printed, "holdfast serve");
  ASSERT_THAT(lines(again.problems), IsEmpty());
  EXPECT_EQ(effective_yaml(*again.config), printed);
}

}  // namespace
}  // namespace holdfast::config
