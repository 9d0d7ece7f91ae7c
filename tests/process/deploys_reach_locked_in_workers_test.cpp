// Document roots are put in place anew while the server runs, in the ways that people do it: what workers may
// open is bound to the folders that stood there when they were locked in, and still they serve the new content,
// without a failed request.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/process/calling_server.h"
#include "tests/support/load.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

namespace fs = std::filesystem;

struct Deploy {
  const char* name;
  const char* root;                        // of the route, in the test's folder
  const char* first;                       // folder that has the first content
  const char* link;                        // to `first` without its last part; empty: no link
  void (*deploy)(const fs::path& folder);  // the second content, from folder "next"
  bool renews_workers;
};
void PrintTo(const Deploy& deploy, std::ostream* out) {
  *out << deploy.name;
}

void turn_link(const fs::path& link, const fs::path& to) {
  const fs::path beside = link.string() + ".new";
  fs::create_symlink(to, beside);
  fs::rename(beside, link);
}

constexpr Deploy kDeploys[] = {
    {"renamed_root", "sites/shop", "sites/shop", "",
     [](const fs::path& folder) {
       fs::rename(folder / "sites/shop", folder / "sites/old");
       fs::rename(folder / "next", folder / "sites/shop");
       fs::remove_all(folder / "sites/old");
     },
     false},
    {"turned_link", "sites/current", "releases/1", "sites/current",
     [](const fs::path& folder) {
       fs::rename(folder / "next", folder / "releases/2");
       turn_link(folder / "sites/current", folder / "releases/2");
       fs::remove_all(folder / "releases/1");
     },
     false},
    {"turned_link_on_the_way", "sites/current/public", "releases/1/public", "sites/current",
     [](const fs::path& folder) {
       fs::create_directory(folder / "releases/2");
       fs::rename(folder / "next", folder / "releases/2/public");
       turn_link(folder / "sites/current", "../releases/2");
       fs::remove_all(folder / "releases/1");
     },
     false},
    {"renamed_folder_above", "sites/shop/public", "sites/shop/public", "",
     [](const fs::path& folder) {
       fs::create_directory(folder / "sites/new");
       fs::rename(folder / "next", folder / "sites/new/public");
       fs::rename(folder / "sites/shop", folder / "sites/old");
       fs::rename(folder / "sites/new", folder / "sites/shop");
     },
     true},
    {"link_to_elsewhere", "sites/current", "releases/1", "sites/current",
     [](const fs::path& folder) {
       fs::create_directory(folder / "elsewhere");
       fs::rename(folder / "next", folder / "elsewhere/2");
       turn_link(folder / "sites/current", folder / "elsewhere/2");
     },
     true},
};

/// Whichever worker is asked.
bool all_answer(const ServerProcess& server, const std::string& body) {
  for (int i = 0; i < 20; ++i)
    if (get(server.port(), "/").body != body) return false;
  return true;
}

class Deploying : public ::testing::TestWithParam<Deploy> {};

TEST_P(Deploying, is_seen_and_fails_no_request) {
  const Deploy& deploy = GetParam();
  const TempDir dir;
  fs::permissions(dir.path(), fs::perms(0755));
  for (const char* folder : {"sites", "releases"}) fs::create_directory(dir.path() / folder);
  dir.write(std::string(deploy.first) + "/index.html", "first");
  dir.write("next/index.html", "second");
  if (*deploy.link != '\0') fs::create_directory_symlink(dir.path() / "releases/1", dir.path() / deploy.link);
  ServerConfig config;
  config.root = dir / deploy.root;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  ASSERT_EQ(get(server.port(), "/").body, "first");
  const std::vector<pid_t> before = server.workers();
  {
    Load load(server.port(), {.kind = Load::Kind::KeepAlive, .threads = 2, .target = "/"});
    deploy.deploy(dir.path());
    EXPECT_TRUE(eventually(10s, [&] { return get(server.port(), "/").body == "second"; }));
    EXPECT_TRUE(eventually(10s, [&] { return load.outcomes().ok() > 0; })) << "the load was no load";
    load.stop();
    EXPECT_TRUE(load.failures().empty()) << describe(load.failures());
  }
  EXPECT_TRUE(eventually(10s, [&] { return all_answer(server, "second"); }));
  if (!tested_is_sanitized()) {
    EXPECT_EQ(server.workers() != before, deploy.renews_workers);
  }
}

INSTANTIATE_TEST_SUITE_P(by, Deploying, ::testing::ValuesIn(kDeploys),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace holdfast::support
