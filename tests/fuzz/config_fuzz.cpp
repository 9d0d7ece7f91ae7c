// Any bytes as a configuration: never a crash, and what loads must print to something that loads again and
// prints alike.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/describe.h"
#include "config/loader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // Other files are not this target's subject, and their names are not the fuzzer's to choose.
  if (text.find("include") != std::string::npos || text.find("file:") != std::string::npos) return 0;
  const auto loaded = holdfast::config::load_text(text, "fuzz.yaml", "/nonexistent");
  if (loaded.config == nullptr) {
    if (loaded.problems.empty()) std::abort();
    return 0;
  }
  const std::string printed = holdfast::config::effective_yaml(*loaded.config);
  const auto again = holdfast::config::load_text(printed, "fuzz.yaml", "/nonexistent");
  if (again.config == nullptr || holdfast::config::effective_yaml(*again.config) != printed) std::abort();
  return 0;
}
