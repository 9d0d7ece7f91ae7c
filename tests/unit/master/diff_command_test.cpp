#include "master/diff_command.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

using config::Difference;
using config::Effect;

TEST(DifferenceText, HasALineForEachAndSaysWhatTheyTake) {
  EXPECT_EQ(difference_text({}, false), "nothing would change\n");
  EXPECT_EQ(difference_text({{"process.workers", "2", "3", Effect::NewWorkers}}, false),
            "  process.workers: 2 -> 3\n\n1 setting differs: a reload takes over all of it with new workers\n");
  EXPECT_EQ(difference_text({{"process.pid_file", "/a", "/b", Effect::Restart}}, false),
            "  process.pid_file: /a -> /b  (needs a restart: a reload is refused)\n\n"
            "1 setting differs: only a restart takes it over\n");
  EXPECT_EQ(difference_text({{"listeners.a", "{x: 1}", "", Effect::NewWorkers},
                             {"listeners.b", "", "{x: 2}", Effect::NewWorkers},
                             {"process.pid_file", "/a", "/b", Effect::Restart}},
                            false),
            "- listeners.a: {x: 1}\n+ listeners.b: {x: 2}\n"
            "  process.pid_file: /a -> /b  (needs a restart: a reload is refused)\n\n"
            "3 settings differ: 1 setting needs a restart, and until then no reload takes over the rest\n");
}

TEST(DifferenceText, ColoursWhatComesAndGoes) {
  EXPECT_EQ(difference_text({{"a", "", "1", Effect::AtOnce}}, true).substr(0, 26),
            "\033[32m+ a: 1  (at once)\033[0m");
}

TEST(DifferenceText, NamesDoNotSteerTheTerminal) {
  EXPECT_EQ(difference_text({{"sites[\033[2J]", "1", "2", Effect::NewWorkers}}, false).substr(0, 20),
            "  sites[[2J]: 1 -> 2");
}

}  // namespace
}  // namespace holdfast::master
