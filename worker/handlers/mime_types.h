// File name -> media type: own table first, then the system's (/etc/mime.types). Made once in each worker at
// its start, when reading files may still block; look-ups allocate nothing.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace holdfast::handlers {

class MimeTypes {
 public:
  /// Reads `system_table` if it is there; "" for the own table alone.
  explicit MimeTypes(const std::string& system_table = "/etc/mime.types");

  /// The Content-Type for a file of this name or path, with charset where text needs one;
  /// application/octet-stream when the extension is unknown or missing. The view lives as long as this object.
  std::string_view type_of(std::string_view file_name) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  void read_line(std::string_view line);

  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> system_;
};

}  // namespace holdfast::handlers
