// A module of a server that nobody has any more.
#include <cstdint>

struct OldModule {
  std::int32_t interface;
  const char* abi;
};
extern "C" __attribute__((visibility("default"))) const OldModule holdfast_module;
const OldModule holdfast_module{1, "libstdc++ (cxx11 strings)"};
