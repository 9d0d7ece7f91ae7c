// A worker in its steady state answers from memory that it has: counted from outside, by an allocator in front
// of the C library's.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <string>

#include "tests/support/server_process.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

#ifdef HOLDFAST_ALLOCATION_COUNTER

/// The file that the preloaded library counts in.
class AllocationCounts {
 public:
  AllocationCounts() {
    dir_.write("counts", std::string(kWords * sizeof(std::uint64_t), '\0'));
    const Fd file(::open(path().c_str(), O_RDWR | O_CLOEXEC));
    void* const memory =
        ::mmap(nullptr, kWords * sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (memory != MAP_FAILED) counts_ = static_cast<std::atomic<std::uint64_t>*>(memory);
  }
  ~AllocationCounts() {
    if (counts_ != nullptr) ::munmap(counts_, kWords * sizeof(std::uint64_t));
  }
  AllocationCounts(const AllocationCounts&) = delete;
  AllocationCounts& operator=(const AllocationCounts&) = delete;

  SpawnOptions spawn_options() const {
    if (tested_is_sanitized()) return {};
    return {.environment = {"LD_PRELOAD=" HOLDFAST_ALLOCATION_COUNTER, "HOLDFAST_COUNT_ALLOCATIONS=" + path()}};
  }
  std::uint64_t of(pid_t pid) const { return counts_[static_cast<std::size_t>(pid) % kWords]; }

 private:
  static constexpr std::size_t kWords = 1024;
  std::string path() const { return dir_ / "counts"; }
  TempDir dir_;
  std::atomic<std::uint64_t>* counts_ = nullptr;
};

/// Allocations of the worker for `rounds` times the same request on one connection.
std::uint64_t allocations(const AllocationCounts& counts, ServerProcess& server, const std::string& request,
                          int rounds) {
  const pid_t worker = server.workers().at(0);
  Client client(server.port());
  std::uint64_t before = 0;
  // The first ones make what the later ones use: buffers, cache entries, counters.
  constexpr int kWarmUp = 50;
  for (int i = 0; i < kWarmUp + rounds; ++i) {
    if (i == kWarmUp) before = counts.of(worker);
    client.send(request);
    const Response response = client.receive();
    EXPECT_EQ(response.status, 200) << response;
    if (!response.ok()) break;
  }
  EXPECT_GT(before, 0U) << "nothing is counted";
  return counts.of(worker) - before;
}

ServerConfig one_worker() {
  ServerConfig config;
  config.workers = 1;
  return config;
}

class steady_state : public testing::Test {
 protected:
  void SetUp() override {
    if (tested_is_sanitized()) GTEST_SKIP() << "sanitizers have an allocator of their own";
  }
  steady_state() : server_(one_worker(), counts_.spawn_options()) {
    server_.dir().write("www/page.html", "<html>" + std::string(3000, 'p') + "</html>");
    server_.dir().write("www/big.bin", std::string(300'000, 'b'));
  }
  AllocationCounts counts_;
  ServerProcess server_;
  static constexpr int kRounds = 2000;
  /// The file is looked at once a second, which opens it.
  static constexpr std::uint64_t kLooks = 100;
};

TEST_F(steady_state, a_built_in_answer_allocates_nothing) {
  ASSERT_TRUE(server_.ready());
  EXPECT_EQ(allocations(counts_, server_, request_text("GET", "/api/hello"), kRounds), 0U);
}

TEST_F(steady_state, a_file_in_memory_allocates_nothing) {
  ASSERT_TRUE(server_.ready());
  EXPECT_LE(allocations(counts_, server_, request_text("GET", "/page.html"), kRounds), kLooks);
}

TEST_F(steady_state, a_packed_file_allocates_nothing) {
  ASSERT_TRUE(server_.ready());
  const std::string request =
      request_text("GET", "/page.html",
                   "Accept-Encoding: gzip, deflate, br, zstd\r\nUser-Agent: Test/1.0\r\n"
                   "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nCache-Control: no-cache\r\n");
  EXPECT_LE(allocations(counts_, server_, request, kRounds), kLooks);
}

TEST_F(steady_state, a_file_that_is_sent_from_its_descriptor_allocates_nothing) {
  ASSERT_TRUE(server_.ready());
  EXPECT_LE(allocations(counts_, server_, request_text("GET", "/big.bin"), kRounds), kLooks);
}

#endif

}  // namespace
}  // namespace holdfast::support
