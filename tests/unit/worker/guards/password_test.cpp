#include "worker/guards/password.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace holdfast::guards {
namespace {

// Made by htpasswd, openssl passwd and mkpasswd for the password "open sesame".
const std::vector<std::pair<const char*, const char*>>& hashes();

TEST(Password, is_known_in_every_form) {
  for (const auto& [form, hash] : hashes()) {
    EXPECT_TRUE(verify_password("open sesame", hash)) << form;
    for (const char* wrong : {"open sesam", "open sesame ", "Open sesame", ""})
      EXPECT_FALSE(verify_password(wrong, hash)) << form;
    EXPECT_FALSE(verify_password(std::string("open sesame\0x", 13), hash)) << form;
  }
}

TEST(Password, broken_hashes_let_nobody_in) {
  for (const char* hash : {"", "*", "$apr1$", "$apr1$salt", "{SHA}", "$2y$", "$6$", "$9$unknown$x", "plain"})
    for (const char* password : {"", "plain", "*", "x"}) EXPECT_FALSE(verify_password(password, hash)) << hash;
}

TEST(Password, compares_whole_texts) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

const std::vector<std::pair<const char*, const char*>>& hashes() {
  static const std::vector<std::pair<const char*, const char*>> all{
      {"MD5-crypt", "$1$ab.d/fgh$8dvZGJfTNK8Ov7uWqUIyl/"},
      {"Apache MD5", "$apr1$hfhf1234$ljaEABDAef1DJd6uwj4vv."},
      {"Apache MD5, short salt", "$apr1$xy$nMO9PjMYuUxhbKns3UekO."},
      {"SHA-256", "$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC"},
      {"SHA-512",
       "$6$saltsalt$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1"},
      {"bcrypt", "$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW"},
      {"yescrypt", "$y$j75$abcdefghijklmnopqrs./1$pEmJoYgwHBM.Qef01O/eG7oftv/02iDAO64G4ImHmm9"},
      {"SHA", "{SHA}W8r/fyL/UzygmbNAjq2HbA67qac="},
  };
  return all;
}

}  // namespace
}  // namespace holdfast::guards
