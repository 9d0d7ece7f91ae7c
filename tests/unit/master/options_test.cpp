#include "master/options.h"

#include <gtest/gtest.h>

namespace holdfast::master {
namespace {

using Arguments = std::vector<std::string_view>;

Options parsed(const Arguments& arguments) {
  const Result<Options> options = parse_options(arguments);
  if (options) return *options;
  ADD_FAILURE() << options.error().message();
  return {};
}

std::string complaint(const Arguments& arguments) {
  const Result<Options> options = parse_options(arguments);
  return options ? "" : options.error().message();
}

TEST(Options, WithoutArgumentsTheServerRunsWithTheDefaultFile) {
  const Options options = parsed({});
  EXPECT_EQ(options.command, Command::Run);
  EXPECT_EQ(options.config_file, "/etc/holdfast/holdfast.yaml");
}

TEST(Options, FileMayStandBeforeOrAfterTheCommandInEveryForm) {
  for (const Arguments& arguments :
       {Arguments{"-c", "x.yaml", "reload"}, Arguments{"reload", "-c", "x.yaml"},
        Arguments{"reload", "--config", "x.yaml"}, Arguments{"--config=x.yaml", "reload"}}) {
    const Options options = parsed(arguments);
    EXPECT_EQ(options.command, Command::Reload);
    EXPECT_EQ(options.config_file, "x.yaml");
  }
}

TEST(Options, ServeTakesADirectoryAndAnAddress) {
  const Options plain = parsed({"serve"});
  EXPECT_EQ(plain.directory, ".");
  EXPECT_EQ(plain.listen, "127.0.0.1:8080");
  const Options full = parsed({"serve", "--listen", "[::1]:9000", "site"});
  EXPECT_EQ(full.directory, "site");
  EXPECT_EQ(full.listen, "[::1]:9000");
}

TEST(Options, DoubleDashEndsOptions) {
  EXPECT_EQ(parsed({"serve", "--", "-odd"}).directory, "-odd");
}

TEST(Options, ADirectoryMayBeNamedLikeACommand) {
  EXPECT_EQ(parsed({"serve", "status"}).directory, "status");
}

TEST(Options, CheckHasAShortForm) {
  EXPECT_EQ(parsed({"-t"}).command, Command::Check);
  EXPECT_EQ(parsed({"-t", "-c", "x"}).config_file, "x");
  EXPECT_TRUE(parsed({"check", "-q"}).quiet);
}

TEST(Options, ConfigPrintsSchemaOrReferenceWhenAsked) {
  EXPECT_EQ(parsed({"config"}).output, ConfigOutput::Effective);
  EXPECT_EQ(parsed({"config", "--schema"}).output, ConfigOutput::Schema);
  EXPECT_EQ(parsed({"config", "--reference"}).output, ConfigOutput::Reference);
}

TEST(Options, StatusTakesJsonAndWatch) {
  const Options options = parsed({"status", "--json", "--watch"});
  EXPECT_TRUE(options.json);
  EXPECT_TRUE(options.watch);
}

TEST(Options, HelpWinsOverWhateverElseIsAsked) {
  EXPECT_EQ(parsed({"--help"}).command, Command::Help);
  EXPECT_EQ(parsed({"reload", "--help"}).command, Command::Help);
  EXPECT_EQ(parsed({"--help", "status"}).command, Command::Help);
}

TEST(Options, MistakesAreNamed) {
  EXPECT_EQ(complaint({"relod"}), "unknown command \"relod\"; did you mean \"reload\"?");
  EXPECT_EQ(complaint({"--colour"}), "unknown option \"--colour\"");
  EXPECT_EQ(complaint({"-c"}), "option -c needs a value");
  EXPECT_EQ(complaint({"--config="}), "option --config needs a value");
  EXPECT_EQ(complaint({"reload", "stop"}), "one command at a time: \"stop\" is too much");
  EXPECT_EQ(complaint({"reload", "--json"}), "option --json does not belong to this command");
  EXPECT_EQ(complaint({"--listen", "x"}), "option --listen does not belong to this command");
  EXPECT_EQ(complaint({"status", "--json=yes"}), "option --json takes no value");
  EXPECT_EQ(complaint({"status", "--jsn"}), "unknown option \"--jsn\"; did you mean \"--json\"?");
  EXPECT_EQ(complaint({"config", "x.yaml"}), "unknown command \"x.yaml\"");
  EXPECT_EQ(complaint({"config", "--diff", "a", "b"}), "unknown command \"b\"");
  EXPECT_EQ(complaint({"serve", "a", "b"}), "unknown command \"b\"");
}

TEST(Options, DiffComparesWithTheServerOrWithAFile) {
  EXPECT_EQ(parsed({"config", "--diff"}).output, ConfigOutput::Diff);
  EXPECT_EQ(parsed({"config", "--diff"}).other_file, "");
  for (const Arguments& arguments : {Arguments{"config", "--diff", "old.yaml", "-c", "new.yaml"},
                                     Arguments{"config", "--diff=old.yaml", "-c", "new.yaml"},
                                     Arguments{"config", "old.yaml", "-c", "new.yaml", "--diff"}}) {
    EXPECT_EQ(parsed(arguments).other_file, "old.yaml");
    EXPECT_EQ(parsed(arguments).config_file, "new.yaml");
  }
}

TEST(Options, DoctorTakesWhatCheckAndStatusTake) {
  const Options options = parsed({"doctor", "-q", "--json", "-c", "x.yaml"});
  EXPECT_EQ(options.command, Command::Doctor);
  EXPECT_TRUE(options.quiet);
  EXPECT_TRUE(options.json);
}

}  // namespace
}  // namespace holdfast::master
