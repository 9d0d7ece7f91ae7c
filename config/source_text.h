// The bytes of a configuration file before they are YAML: reading with a limit, encoding, lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "config/yaml_tree.h"

namespace holdfast::config {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The content of a regular file of at most kMaxFileBytes. The error's message() does not repeat the path.
Result<std::string> read_source(const std::string& path);

/// Offset of the first byte that is not UTF-8 (RFC 3629), npos when all is well.
std::size_t first_bad_utf8(std::string_view text);

/// False, with a problem at the place, for text with NUL or other control bytes, or that is not UTF-8.
bool check_encoding(std::string_view text, std::uint32_t file, std::vector<TreeProblem>& problems);

/// Finds positions given as the YAML library gives them: line and column from 0, the column in bytes. The text
/// outlives it.
class SourceLines {
 public:
  explicit SourceLines(std::string_view text);
  /// Column of a tab among the spaces a line starts with, -1 when there is none.
  int indenting_tab(int line) const;
  /// The column in characters, which is what people count.
  int character_column(int line, int column) const;
  /// Whether the quote at the position has its partner; true when there is no quote there.
  bool quote_is_closed(int line, int column) const;

 private:
  std::size_t offset_of(int line, int column) const;
  std::string_view text_;
  std::vector<std::size_t> starts_;
};

}  // namespace holdfast::config
