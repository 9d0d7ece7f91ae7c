// A handler for tests that does what no handler should: it dies or stands still in the way that the last
// segment of the path says.
#include <holdfast/module.h>
#include <holdfast/query.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace api = holdfast::api;

namespace {

volatile int sink = 0;
int* volatile held = nullptr;

// NOLINTNEXTLINE(misc-no-recursion): that is the fault
[[gnu::noinline]] int dig(int depth) {
  volatile char room[4096];
  room[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : dig(depth + 1) + room[0];
}

[[gnu::noinline]] void fault_address() {
  // A page that may not be touched; the address is no constant, so that the compiler says nothing.
  auto* const page =
      static_cast<volatile int*>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  *page = 1;
}

[[gnu::noinline]] void complain(const char* about) {
  throw std::runtime_error(about);
}

void unwanted() noexcept {
  complain("nobody catches this");
}

void deadlock() {
  std::mutex mutex;
  std::mutex other;
  std::unique_lock mine(mutex);
  std::thread friend_of_mine([&] {
    const std::unique_lock theirs(other);
    const std::unique_lock waits(mutex);
  });
  ::poll(nullptr, 0, 20);  // it has `other` by then; if not, it will
  const std::unique_lock waits(other);
  friend_of_mine.join();
}

[[gnu::noinline]] void hoard() {
  std::vector<std::unique_ptr<char[]>> all;
  for (;;) all.push_back(std::make_unique<char[]>(1024 * 1024));  // zeroed, and so really there
}

void fail_as(const std::string& what, api::Exchange& exchange) {
  const auto number = [&exchange] {
    return std::stoi(api::query_value(exchange.request().query, "ms").value_or("20"));
  };
  if (what == "segv") fault_address();
  if (what == "thread") std::thread(fault_address).join();
  if (what == "abort") std::abort();
  if (what == "trap") __builtin_trap();
  if (what == "overflow") sink = dig(1);
  if (what == "terminate") unwanted();
  if (what == "exit") std::_Exit(7);
  if (what == "raise") ::raise(SIGFPE);
  if (what == "hoard") hoard();
  if (what == "kill") ::raise(SIGKILL);
  if (what == "spin")
    for (;;) sink = sink + 1;
  if (what == "deadlock") deadlock();
  if (what == "leak") {
    held = new int[1000];
    held = nullptr;
  }
  if (what == "block") ::poll(nullptr, 0, -1);
  if (what == "hold") ::poll(nullptr, 0, number());
}

class Faulty final : public api::Handler {
 public:
  explicit Faulty(api::Setup& /*setup*/) {}

  void handle(api::Exchange& exchange) override {
    const std::string what(exchange.request().parameter("what"));
    fail_as(what, exchange);
    exchange.respond({}, api::Body::copy("nothing wrong with " + what));
  }
};

}  // namespace

HOLDFAST_MODULE(Faulty, {})
