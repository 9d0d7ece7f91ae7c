#include "config/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Changes, name_the_settings_that_need_a_restart) {
  const Loaded running = load_with_site("process: {pid_file: /a.pid, workers: 1}\n");
  const Loaded moved = load_with_site("process: {pid_file: /b.pid, workers: 2}\n");
  const Loaded grown =
      load_with_site("process: {pid_file: /a.pid, workers: 2}\nlisteners: {x: {bind: \":1\"}}\n");
  EXPECT_THAT(changes_needing_restart(*running.config, *moved.config), ElementsAre("process.pid_file"));
  EXPECT_THAT(changes_needing_restart(*running.config, *grown.config), IsEmpty());
  EXPECT_THAT(changes_needing_restart(*running.config, *running.config), IsEmpty());
}

}  // namespace
}  // namespace holdfast::config
