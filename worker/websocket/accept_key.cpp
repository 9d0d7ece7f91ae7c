#include "worker/websocket/accept_key.h"

#include <openssl/evp.h>

#include <array>

namespace holdfast::websocket {
namespace {

constexpr std::string_view kSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
constexpr int kDigestBytes = 20;

}  // namespace

std::string accept_key(std::string_view key) {
  std::string text(key);
  text += kSuffix;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1 ||
      size != kDigestBytes)
    return {};
  std::array<unsigned char, 29> encoded{};  // base64 of twenty bytes, and the end that the library writes
  EVP_EncodeBlock(encoded.data(), digest.data(), kDigestBytes);
  return reinterpret_cast<const char*>(encoded.data());
}

}  // namespace holdfast::websocket
