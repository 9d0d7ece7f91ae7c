#include "worker/guards/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <memory>
#include <span>

namespace holdfast::guards {
namespace {

constexpr std::string_view kApacheMagic = "$apr1$";
constexpr std::string_view kShaMagic = "{SHA}";

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

/// MD5 over pieces.
class Md5 {
 public:
  static constexpr std::size_t kSize = 16;
  using Value = std::array<unsigned char, kSize>;

  Md5() : context_(EVP_MD_CTX_new()) {
    good_ = context_ && EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr) == 1;
  }
  Md5& add(std::string_view bytes) {
    good_ = good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
    return *this;
  }
  Md5& add(const Value& value, std::size_t size = kSize) {
    return add({reinterpret_cast<const char*>(value.data()), size});
  }
  bool finish(Value& out) { return good_ && EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) == 1; }

 private:
  std::unique_ptr<EVP_MD_CTX, FreeDigest> context_;
  bool good_ = false;
};

/// Three bytes as four letters of crypt's alphabet, the lowest bits first.
void append_letters(std::string& out, unsigned value, int letters) {
  constexpr std::string_view kAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (; letters > 0; --letters, value >>= 6) out += kAlphabet[value & 63];
}

std::string apache_text(const Md5::Value& v) {
  constexpr std::array<std::array<std::size_t, 3>, 5> kOrder{
      {{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}}};
  std::string text;
  for (const auto& [a, b, c] : kOrder)
    append_letters(text, static_cast<unsigned>(v[a]) << 16 | static_cast<unsigned>(v[b]) << 8 | v[c], 4);
  append_letters(text, v[11], 2);
  return text;
}

/// The thousand rounds of MD5-crypt under Apache's magic; empty when the library fails.
std::string apache_md5(std::string_view password, std::string_view salt) {
  Md5::Value value;
  if (!Md5().add(password).add(salt).add(password).finish(value)) return {};
  Md5 first;
  first.add(password).add(kApacheMagic).add(salt);
  for (std::size_t left = password.size(); left > 0; left -= std::min(left, Md5::kSize))
    first.add(value, std::min(left, Md5::kSize));
  for (std::size_t bits = password.size(); bits != 0; bits >>= 1)
    first.add((bits & 1) != 0 ? std::string_view("\0", 1) : password.substr(0, 1));
  if (!first.finish(value)) return {};
  for (int round = 0; round < 1000; ++round) {
    Md5 next;
    round % 2 != 0 ? next.add(password) : next.add(value);
    if (round % 3 != 0) next.add(salt);
    if (round % 7 != 0) next.add(password);
    round % 2 != 0 ? next.add(value) : next.add(password);
    if (!next.finish(value)) return {};
  }
  return apache_text(value);
}

bool verify_apache(std::string_view password, std::string_view hash) {
  hash.remove_prefix(kApacheMagic.size());
  const std::size_t dollar = hash.find('$');
  if (dollar == std::string_view::npos) return false;
  const std::string made = apache_md5(password, hash.substr(0, std::min<std::size_t>(dollar, 8)));
  return !made.empty() && equal_in_constant_time(made, hash.substr(dollar + 1));
}

bool verify_sha(std::string_view password, std::string_view hash) {
  std::array<unsigned char, 20> digest;
  if (EVP_Digest(password.data(), password.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1)
    return false;
  std::array<unsigned char, 29> text;  // base64 of twenty bytes, and the end that the library writes
  EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return equal_in_constant_time({reinterpret_cast<const char*>(text.data()), text.size() - 1},
                                hash.substr(kShaMagic.size()));
}

bool verify_crypt(const std::string& password, const std::string& hash) {
  // Larger than a thread's stack should bear.
  const auto data = std::make_unique<crypt_data>();
  const char* const made = crypt_r(password.c_str(), hash.c_str(), data.get());
  const bool same = made != nullptr && made[0] != '*' && equal_in_constant_time(made, hash);
  OPENSSL_cleanse(data.get(), sizeof *data);
  return same;
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool verify_password(const std::string& password, const std::string& hash) {
  // Every form ends at a NUL, so a password with one in it would match its beginning.
  if (password.find('\0') != std::string::npos) return false;
  if (hash.starts_with(kApacheMagic)) return verify_apache(password, hash);
  if (hash.starts_with(kShaMagic)) return verify_sha(password, hash);
  return verify_crypt(password, hash);
}

}  // namespace holdfast::guards
