// Reload upon reload while downloads go on: only so many old generations drain at once, and all of their memory
// comes back.
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

constexpr int kReloads = 8;
constexpr int kGenerations = 3;

/// Somebody who takes what comes, but slowly at first.
struct Download {
  explicit Download(const ServerProcess& server) : client(server.port(), {.receive_buffer = 65536}) {
    EXPECT_EQ(client.send(request_text("GET", "/large.bin")), Outcome::Ok);
    EXPECT_EQ(client.receive_head().status, 200);
  }
  std::size_t finish() {
    std::size_t size = 0;
    for (std::string piece; !(piece = client.receive_some(1 << 20)).empty();) size += piece.size();
    return size;
  }
  Client client;
};

std::size_t memory_of(const ServerProcess& server) {
  std::size_t kib = resident_kib(server.pid());
  for (const pid_t pid : server.processes()) kib += resident_kib(pid);
  return kib;
}

TEST(generations, drain_in_a_bounded_number_and_leave_no_memory_behind) {
  ServerConfig config;
  config.workers = 1;
  config.process = "generations: " + std::to_string(kGenerations);
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const std::string bytes(24 << 20, 'x');
  server.dir().write("www/large.bin", bytes);
  // The first reload has the master load what it loads once.
  ASSERT_EQ(server.reload().event, "reload complete");
  ASSERT_TRUE(eventually(10s, [&] { return server.processes().size() == 2; }));
  const std::size_t memory = memory_of(server);
  const std::size_t descriptors = descriptors_of(server.pid());

  server.allow("worker overdue");
  std::vector<std::unique_ptr<Download>> downloads;
  for (int i = 0; i < kReloads; ++i) {
    downloads.push_back(std::make_unique<Download>(server));
    ASSERT_EQ(server.reload().event, "reload complete");
    // A worker and the admin process, and the workers that drain.
    EXPECT_TRUE(eventually(10s, [&] { return server.processes().size() <= 2U + kGenerations; }))
        << "reload " << i;
    EXPECT_TRUE(eventually(
        10s, [&] { return scrape(server.admin_port()).sum("holdfast_workers", {"draining"}) <= kGenerations; }))
        << "reload " << i;
  }
  // The oldest had to go, the others get every byte.
  for (int i = 0; i < kReloads; ++i) {
    const std::size_t got = downloads[static_cast<std::size_t>(i)]->finish();
    if (i < kReloads - kGenerations)
      EXPECT_LT(got, bytes.size()) << "download " << i;
    else
      EXPECT_EQ(got, bytes.size()) << "download " << i;
  }
  downloads.clear();
  EXPECT_TRUE(eventually(10s, [&] { return server.processes().size() == 2; }));
  EXPECT_TRUE(eventually(5s, [&] { return descriptors_of(server.pid()) <= descriptors; }));
  const std::size_t after = memory_of(server);
  // a sanitizer keeps what was given back
  if (!tested_is_sanitized()) {
    EXPECT_LE(after, memory + memory / 10) << "KiB, and " << memory << " before";
  }
  RecordProperty("memory_before_kib", std::to_string(memory));
  RecordProperty("memory_after_kib", std::to_string(after));
}

}  // namespace
}  // namespace holdfast::support
