#include "worker/sandbox/landlock_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace holdfast::sandbox {
namespace {

using support::TempDir;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

config::Config config_of(config::Action action, config::SandboxWishes wishes = {}) {
  config::Config config;
  config.sites.resize(1);
  config.sites[0].routes.resize(1);
  config.sites[0].routes[0].action = std::move(action);
  config.sites[0].routes[0].sandbox = std::move(wishes);
  return config;
}

std::string no_variable(const char* /*name*/) {
  return "";
}

std::vector<PathRule> rules_of(const config::Config& config, Process process = Process::Traffic) {
  return landlock_rules(config, process, no_variable);
}

PathRule reading(const std::string& path) {
  return {path, Access::Read};
}

TEST(LandlockRules, name_the_document_roots_and_what_may_take_their_place) {
  const TempDir dir;
  dir.write("sites/shop/index.html", "");
  config::FilesAction files;
  files.root = dir / "sites/shop";
  const std::vector<PathRule> rules = rules_of(config_of(files));
  EXPECT_THAT(rules, Contains(reading(dir / "sites/shop")));
  EXPECT_THAT(rules, Contains(reading(dir / "sites")));
  EXPECT_THAT(rules, Not(Contains(reading(dir.path().string()))));
  EXPECT_THAT(rules, Not(Contains(reading("/"))));
  EXPECT_THAT(rules, Not(Contains(reading("/etc/hosts")))) << "no names are looked up";
  for (const PathRule& rule : rules) EXPECT_TRUE(rule.access == Access::Read || rule.path == "/dev/null");
  EXPECT_THAT(lasting_places(config_of(files)), ElementsAre(files.root));
}

TEST(LandlockRules, let_links_lead_anywhere_where_that_is_asked_for) {
  config::FilesAction files;
  files.root = "/srv/www";
  files.follow_symlinks = config::FollowSymlinks::Anywhere;
  EXPECT_THAT(rules_of(config_of(files)), Contains(reading("/")));
}

TEST(LandlockRules, let_modules_look_up_names_and_what_their_routes_ask_for) {
  config::ModuleAction module;
  module.file = "/usr/lib/holdfast/modules/shop.so";
  const config::Config config = config_of(module, {{}, {"/srv/shop"}, {"/var/lib/shop"}});
  const std::vector<PathRule> rules = rules_of(config);
  for (const char* path : {"/usr/lib/holdfast/modules", "/etc/hosts", "/etc/resolv.conf", "/srv/shop"})
    EXPECT_THAT(rules, Contains(reading(path)));
  EXPECT_THAT(rules, Contains(PathRule{"/var/lib/shop", Access::Change}));
  EXPECT_THAT(lasting_places(config), Contains("/etc/resolv.conf"));
}

TEST(LandlockRules, follow_the_environment_as_libraries_do) {
  const auto variable = [](const char* name) -> std::string {
    if (std::string_view(name) == "LD_LIBRARY_PATH") return "/opt/a:relative:/opt/b";
    if (std::string_view(name) == "SSL_CERT_FILE") return "/opt/authorities.pem";
    return "";
  };
  config::ModuleAction module;
  module.file = "/srv/modules/x.so";
  const auto rules = landlock_rules(config_of(module), Process::Traffic, variable);
  for (const char* path : {"/opt/a", "/opt/b", "/opt/authorities.pem"})
    EXPECT_THAT(rules, Contains(reading(path)));
  EXPECT_THAT(rules, Not(Contains(reading("relative"))));
}

TEST(LandlockRules, let_the_admin_process_see_the_others_and_no_site) {
  config::FilesAction files;
  files.root = "/srv/www";
  const auto rules = rules_of(config_of(files), Process::Admin);
  EXPECT_THAT(rules, Contains(reading("/proc")));
  EXPECT_THAT(rules, Not(Contains(reading("/srv/www"))));
}

}  // namespace
}  // namespace holdfast::sandbox
