// A document root of one test: a folder of its own under the system's temporary one, removed with the owner,
// and requests to a handler that serves it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/support/fake_exchange.h"
#include "worker/handlers/file_cache.h"
#include "worker/handlers/static_file.h"

namespace holdfast::handlers {

class SiteFolder {
 public:
  SiteFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-files-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    std::filesystem::create_directory(root());
  }
  ~SiteFolder() { std::filesystem::remove_all(path_); }
  SiteFolder(const SiteFolder&) = delete;
  SiteFolder& operator=(const SiteFolder&) = delete;

  std::string root() const { return (path_ / "www").string(); }
  /// A place beside the root, where nothing may be served from.
  std::string outside(std::string_view name) const { return (path_ / name).string(); }
  std::string inside(std::string_view name) const { return root() + "/" + std::string(name); }

  void write(std::string_view name, std::string_view content) const { write_at(inside(name), content); }
  /// Rewrites in place: same inode.
  static void write_at(const std::string& file, std::string_view content) {
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << content;
    EXPECT_TRUE(out.good()) << file;
  }
  /// As editors do: a new file takes the place of the old one.
  void replace(std::string_view name, std::string_view content) const {
    write_at(outside("new"), content);
    std::filesystem::rename(outside("new"), inside(name));
  }
  void link(const std::string& target, std::string_view name) const {
    std::filesystem::create_symlink(target, inside(name));
  }
  void set_modified(std::string_view name, std::time_t seconds) const {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    EXPECT_EQ(::utimensat(AT_FDCWD, inside(name).c_str(), times, 0), 0);
  }

  config::FilesAction action() const {
    config::FilesAction files;
    files.root = root();
    files.index = {"index.html"};
    files.follow_symlinks = config::FollowSymlinks::Inside;
    return files;
  }

 private:
  std::filesystem::path path_;
};

/// A cache, one tree of it, and a clock that the test moves.
class Site {
 public:
  explicit Site(const config::FilesAction& action, FileCacheLimits limits = {})
      : cache(limits, ""), tree(cache.add_tree(action).value()), handler(cache, tree, action) {}

  /// Hands the exchange to the handler at the test's time.
  support::FakeExchange& handle(support::FakeExchange& exchange) {
    exchange.set_now(now, wall);
    handler.handle(exchange);
    return exchange;
  }
  std::uint16_t status(std::string_view target, std::string_view method = "GET") {
    support::FakeExchange exchange(method, target);
    return handle(exchange).status();
  }
  std::string body(std::string_view target) {
    support::FakeExchange exchange("GET", target);
    return handle(exchange).body();
  }
  std::string field(std::string_view target, std::string_view name) {
    support::FakeExchange exchange("GET", target);
    return handle(exchange).field(name).value_or("(none)");
  }

  FileCache cache;
  std::uint32_t tree;
  StaticFile handler;
  TimePoint now{std::chrono::hours(5)};
  std::time_t wall = std::time(nullptr) + 3600;
};

}  // namespace holdfast::handlers
