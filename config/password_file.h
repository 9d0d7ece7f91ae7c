// Password files as htpasswd writes them: "name:hash" a line, # begins a comment. What the loader needs of
// them: names and hashes, and every line that cannot be used.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::config {

struct PasswordFile {
  std::vector<std::pair<std::string, std::string>> users;  // in the order of the file
  std::vector<std::pair<int, std::string>> problems;       // line (from 1) and what is wrong with it
};

/// Hashes that are taken: bcrypt ($2a$ $2b$ $2y$), yescrypt ($y$), SHA-crypt ($5$ $6$), MD5-crypt ($1$),
/// Apache's MD5
/// ($apr1$) and {SHA}. Plain text and the old DES crypt are not.
PasswordFile parse_password_file(std::string_view text);

}  // namespace holdfast::config
