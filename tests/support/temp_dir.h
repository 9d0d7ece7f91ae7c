// A folder of this test alone, removed with all that is in it when the owner goes. Readable by everyone, since
// the server's workers may run as another user.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace holdfast::support {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }
  /// Writes a whole file, making the folders above it; returns its path.
  std::string write(std::string_view name, std::string_view content) const;
  std::string read(std::string_view name) const;

 private:
  std::filesystem::path path_;
};

/// `size` bytes without a repeating pattern, the same for the same seed: a shifted or cut body never compares
/// equal.
std::string varied_bytes(std::size_t size, unsigned seed = 1);

}  // namespace holdfast::support
