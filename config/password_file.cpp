#include "config/password_file.h"

#include <algorithm>
#include <array>

namespace holdfast::config {
namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestHash = 256;

bool is_known_hash(std::string_view hash) {
  constexpr std::array<std::string_view, 9> kForms{"$2a$", "$2b$", "$2y$",   "$y$",  "$5$",
                                                   "$6$",  "$1$",  "$apr1$", "{SHA}"};
  return std::any_of(kForms.begin(), kForms.end(),
                     [hash](std::string_view form) { return hash.starts_with(form); });
}

std::string problem_of(std::string_view name, std::string_view hash) {
  if (name.empty()) return "has no name before the colon";
  if (name.size() > kLongestName) return "has a name of more than 255 bytes";
  if (std::any_of(name.begin(), name.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return "has a control character in its name";
  if (hash.empty()) return "has no password hash";
  if (hash.size() > kLongestHash) return "has a password hash of more than 256 bytes";
  if (!is_known_hash(hash)) return "has plain text or an outdated hash: make it anew with `htpasswd -B`";
  return "";
}

}  // namespace

PasswordFile parse_password_file(std::string_view text) {
  PasswordFile file;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      file.problems.emplace_back(number, "is not `name:hash`");
      continue;
    }
    const std::string_view name = line.substr(0, colon);
    // What some tools append behind a second colon is a comment.
    const std::string_view hash = line.substr(colon + 1, line.find(':', colon + 1) - colon - 1);
    const std::string problem = problem_of(name, hash);
    const auto same = [name](const auto& user) { return user.first == name; };
    if (!problem.empty())
      file.problems.emplace_back(number, problem);
    else if (std::any_of(file.users.begin(), file.users.end(), same))
      file.problems.emplace_back(number, "names a user a second time");
    else
      file.users.emplace_back(name, hash);
  }
  return file;
}

}  // namespace holdfast::config
