// Preloaded into the server by one test: a binary that passes its trial, and fails when it has taken the place
// of the one before. How it fails stands in a file of the test.
#include <pwd.h>
#include <signal.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <string>

namespace {

bool is_new_binary = false;

[[gnu::constructor]] void look_where_we_are() {
  is_new_binary =
      std::getenv("HOLDFAST_HANDOVER") != nullptr && std::getenv("HOLDFAST_HANDOVER_REASON") == nullptr;
}

std::string plan() {
  const char* const path = std::getenv("HOLDFAST_SABOTAGE");
  std::string word;
  if (path != nullptr) std::ifstream(path) >> word;
  return word;
}

volatile int sink = 0;

void fail() {
  const std::string how = plan();
  if (how == "segv") ::raise(SIGSEGV);
  if (how == "abort") std::abort();
  if (how == "throw") throw std::bad_alloc();
  if (how == "hang")
    for (;;) sink = sink + 1;
}

}  // namespace

// The master looks its workers' user up for each configuration.
extern "C" passwd* getpwnam(const char* name) {
  if (is_new_binary) fail();
  setpwent();
  passwd* found = getpwent();
  while (found != nullptr && std::strcmp(found->pw_name, name) != 0) found = getpwent();
  return found;
}
