// Clients that do everything at random, side by side: pipeline, cut, reset, half-close, upload in chunks, ask
// for ranges. Afterwards nothing of them may be left, and the counters must agree with what they saw. A run is
// repeated by its seed: HOLDFAST_SEED=number. The long form is tests/bench/endurance.py.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>

#include "tests/support/deadline.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/server_process.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

constexpr unsigned kClients = 64;
constexpr auto kLength = 5s;
constexpr std::size_t kBig = 4 << 20;

// What all clients together know. `answered`: requests whose answer was read whole; `cut`: requests whose fate
// their client could not see, because it left.
struct Tally {
  std::uint64_t answered = 0;
  std::uint64_t cut = 0;
  std::vector<std::string> complaints;
};

class CarelessClient {
 public:
  CarelessClient(std::uint16_t port, unsigned seed) : port_(port), random_(seed) {}

  Tally run(TimePoint until) {
    while (Clock::now() < until) {
      Client client(port_);
      for (bool open = true; open && Clock::now() < until;) open = act(client);
    }
    return std::move(tally_);
  }

 private:
  std::size_t pick(std::size_t most) { return std::uniform_int_distribution<std::size_t>(1, most)(random_); }

  /// One act; false: the connection is of no more use.
  bool act(Client& client) {
    switch (pick(10)) {
      case 1:
        return plain(client, "HEAD", "/middle.bin", "", 200, Expect::NoBody);
      case 2:
        return plain(client, "GET", "/missing", "", 404);
      case 3:
        return plain(client, "GET", "/middle.bin", "Range: bytes=10-99,5000-7000,-5\r\n", 206);
      case 4:
        return pipelined(client);
      case 5:
        return upload_in_chunks(client);
      case 6:
        return cut_upload(client);
      case 7:
        return cut_download(client);
      case 8:
        return reset(client);
      case 9:
        return half_close(client);
      default:
        return plain(client, "GET", "/fixed", pick(4) == 1 ? "Connection: close\r\n" : "", 200);
    }
  }

  /// Counts an answer that had to come. True: another request may follow.
  bool judge(const Response& response, int status, const char* what) {
    if (response.ok() && response.status == status) {
      ++tally_.answered;
      return !response.closes();
    }
    std::ostringstream text;
    text << what << ": " << response;
    tally_.complaints.push_back(text.str().substr(0, 300));
    return false;
  }

  bool plain(Client& client, std::string_view method, std::string_view target, std::string_view fields,
             int status, Expect expect = Expect::Body) {
    client.send(request_text(method, target, fields));
    return judge(client.receive(expect), status, "plain");
  }

  bool pipelined(Client& client) {
    const std::size_t count = 1 + pick(15);
    std::string requests;
    for (std::size_t i = 0; i < count; ++i) requests += request_text("GET", "/fixed");
    client.send(requests);
    bool open = true;
    for (std::size_t i = 0; i < count && open; ++i) open = judge(client.receive(), 200, "pipelined");
    return open;
  }

  bool upload_in_chunks(Client& client) {
    const std::string body(pick(40'000), 'c');
    client.send(request_text("POST", "/api/echo", "Transfer-Encoding: chunked\r\n") +
                chunked(body, pick(9000)));
    const Response response = client.receive();
    if (response.ok() && response.body != body) tally_.complaints.push_back("the echo is not what was sent");
    return judge(response, 200, "chunked");
  }

  bool half_close(Client& client) {
    client.send(request_text("GET", "/middle.bin"));
    client.end_sending();
    judge(client.receive(), 200, "half-closed");
    if (client.closes_within(10s) != Outcome::Ok) tally_.complaints.push_back("no end after a half-close");
    return false;
  }

  bool cut_upload(Client& client) {
    client.send("POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" +
                std::string(pick(2000), 'u'));
    return leave();
  }

  bool cut_download(Client& client) {
    client.send(request_text("GET", "/big.bin"));
    if (client.receive_head().status != 200) tally_.complaints.push_back("no head of a large file");
    client.receive_some(pick(100'000));
    return leave();
  }

  bool reset(Client& client) {
    client.send(request_text("GET", "/middle.bin"));
    const linger at_once{1, 0};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return leave();
  }

  bool leave() {
    ++tally_.cut;
    return false;
  }

  const std::uint16_t port_;
  std::mt19937 random_;
  Tally tally_;
};

Tally run_clients(std::uint16_t port, unsigned seed) {
  Tally all;
  std::mutex mutex;
  std::vector<std::thread> threads;
  const TimePoint until = Clock::now() + kLength;
  for (unsigned i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      const Tally one = CarelessClient(port, seed * 1000 + i).run(until);
      const std::lock_guard lock(mutex);
      all.answered += one.answered;
      all.cut += one.cut;
      all.complaints.insert(all.complaints.end(), one.complaints.begin(), one.complaints.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  return all;
}

unsigned chosen_seed() {
  const char* wanted = std::getenv("HOLDFAST_SEED");
  return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10))
                           : std::random_device{}() % 1'000'000;
}

double requests(const ServerProcess& server) {
  return scrape(server.admin_port()).sum("holdfast_http_requests_total");
}

TEST(careless_clients, leave_nothing_behind_and_are_counted) {
  ServerConfig config;
  config.workers = 1;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.dir().write("www/middle.bin", varied_bytes(200'000));
  server.dir().write("www/big.bin", varied_bytes(kBig));
  const unsigned seed = chosen_seed();
  std::cout << "seed " << seed << std::endl;
  SCOPED_TRACE("HOLDFAST_SEED=" + std::to_string(seed));

  // What the first requests make, an open file say, stays.
  for (const char* path : {"/middle.bin", "/big.bin", "/fixed"}) ASSERT_TRUE(get(server.port(), path).ok());
  const auto no_connection = [&] { return scrape(server.admin_port()).sum("holdfast_connections") == 0; };
  ASSERT_TRUE(eventually(10s, no_connection));
  ASSERT_TRUE(eventually(5s, [&] { return requests(server) == 3; }));
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 1u);
  const std::size_t descriptors = descriptors_of(workers[0]);
  [[maybe_unused]] const std::size_t memory = resident_kib(workers[0]);

  const Tally tally = run_clients(server.port(), seed);
  EXPECT_TRUE(tally.complaints.empty())
      << tally.complaints.size() << " complaints, the first: " << tally.complaints[0];
  EXPECT_GT(tally.answered, 200u);
  EXPECT_GT(tally.cut, 50u);
  EXPECT_TRUE(eventually(20s, no_connection)) << "a connection outlives its client";

  EXPECT_EQ(server.workers(), workers);
  EXPECT_LE(descriptors_of(workers[0]), descriptors);
  const double counted = requests(server) - 3;
  EXPECT_GE(counted, static_cast<double>(tally.answered));
  EXPECT_LE(counted, static_cast<double>(tally.answered + tally.cut));
  // sanitizers keep what is freed for a while
  if (!tested_is_sanitized()) {
    EXPECT_LT(resident_kib(workers[0]), memory + 16 * 1024) << "KiB, at first " << memory;
  }
}

}  // namespace
}  // namespace holdfast::support
