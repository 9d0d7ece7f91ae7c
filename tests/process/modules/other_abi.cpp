// A module that was built with another C++ library than the server.
#include <holdfast/module.h>

extern "C" __attribute__((visibility("default")))
const holdfast::api::Module holdfast_module = {.abi = "another library"};
