// Password files: every line is a user once, a comment, or a problem with its number.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "config/password_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const holdfast::config::PasswordFile file = holdfast::config::parse_password_file(text);
  std::set<std::string> names;
  for (const auto& [name, hash] : file.users) {
    if (name.empty() || hash.empty() || !names.insert(name).second) std::abort();
    if (text.find(name + ":" + hash) == std::string_view::npos) std::abort();
  }
  int last = 0;
  for (const auto& [line, problem] : file.problems) {
    if (line <= last || problem.empty()) std::abort();
    last = line;
  }
  return 0;
}
