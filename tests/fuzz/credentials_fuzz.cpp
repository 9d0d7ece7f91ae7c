// The Authorization field: what is taken for a name and a password is bounded, and names hold nothing that
// could forge a line of a log.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "worker/guards/credentials.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  const auto credentials = holdfast::guards::parse_basic(value);
  if (!credentials) return 0;
  if (size > 1024 || credentials->user.size() + credentials->password.size() >= size) std::abort();
  if (credentials->user.find(':') != std::string::npos) std::abort();
  for (const char c : credentials->user)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
  return 0;
}
