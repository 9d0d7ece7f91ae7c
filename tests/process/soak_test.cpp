// Everything at once, and again and again: reloads, upgrades, other numbers of workers, log rotation, hostile
// clients; and in turn with these, workers that are killed, crash and hang. Every request is accounted for,
// what the server counts is what the clients have seen, and nothing grows. HOLDFAST_SOAK_SECONDS makes it long.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <random>
#include <thread>

#include "tests/process/calling_server.h"
#include "tests/support/load.h"
#include "tests/support/metrics_reader.h"
#include "tests/support/tested_build.h"

namespace holdfast::support {
namespace {

constexpr std::string_view kRequests = "holdfast_http_requests_total";

const int kSeconds = tested_is_sanitized() ? 1 : 5;

Milliseconds soak_time() {
  const char* const text = std::getenv("HOLDFAST_SOAK_SECONDS");
  return std::chrono::seconds(text == nullptr ? kSeconds : std::atoi(text));
}

/// What clients have seen in one round.
struct Tally {
  std::uint64_t ok = 0;
  std::uint64_t failed = 0;
};

class Soak {
 public:
  Soak() : server_(make_config(3)) {
    for (const char* beginning : {"worker ended", "worker stands still", "worker held back", "worker overdue",
                                  "worker moves again", "route fused", "number of workers stays"})
      server_.allow(beginning);
  }
  bool ready() const { return server_.ready(); }
  ServerProcess& server() { return server_; }

  /// One round under load; what was done in it is `act`.
  template <class Act>
  Tally round(Act act) {
    const double before = counted();
    Tally tally;
    {
      Load keep_alive(server_.port(), {.kind = Load::Kind::KeepAlive, .threads = 4, .target = "/fixed"});
      Load flood(server_.port(), {.kind = Load::Kind::Flood, .threads = 1, .target = "/fixed"});
      act();
      keep_alive.stop();
      flood.stop();
      tally.ok = keep_alive.outcomes().ok() + flood.outcomes().ok();
      tally.failed = keep_alive.outcomes().failed() + flood.outcomes().failed();
      text_ = keep_alive.outcomes().text() + flood.outcomes().text() + describe(keep_alive.failures()) +
              describe(flood.failures());
    }
    const auto answered = static_cast<double>(tally.ok);
    const auto unfinished = static_cast<double>(tally.failed);
    eventually(5s, [&] { return counted() - before >= answered - unfinished; });
    eventually(1s, [&] { return unfinished > 0 || counted() - before >= answered; });
    const double risen = counted() - before;
    EXPECT_GE(risen, answered - unfinished);
    EXPECT_LE(risen, answered + unfinished);
    total_.ok += tally.ok;
    total_.failed += tally.failed;
    return tally;
  }

  void do_what_loses_nothing() {
    switch (random_() % 6) {
      case 0:
        server_.write_config(make_config(2 + static_cast<int>(random_() % 3)));
        [[fallthrough]];
      case 1:
        EXPECT_EQ(server_.reload().event, "reload complete");
        break;
      case 2:
        EXPECT_EQ(server_.upgrade().event, "upgrade complete");
        break;
      case 3: {
        const std::size_t mark = server_.log().mark();
        server_.signal(random_() % 2 == 0 ? SIGTTIN : SIGTTOU);
        const auto told = [](const LogLine& line) {
          return line.event == "reload complete" || line.event.starts_with("number of workers stays");
        };
        EXPECT_TRUE(server_.log().wait(told, mark, 20s));
        break;
      }
      case 4:
        rotate_logs();
        break;
      default:
        be_hostile();
        break;
    }
  }

  void do_harm() {
    const std::vector<pid_t> workers = server_.workers();
    const std::size_t mark = server_.log().mark();
    switch (random_() % 3) {
      case 0:
        if (!workers.empty()) kill(workers[random_() % workers.size()], SIGKILL);
        break;
      case 1:
        ask("/faulty/abort");
        break;
      default:
        ask("/faulty/block");
        break;
    }
    EXPECT_TRUE(server_.log().wait_event("worker ended", mark, 20s));
    EXPECT_TRUE(eventually(20s, [&] { return get(server_.admin_port(), "/readyz").status == 200; }));
  }

  const std::string& text() const { return text_; }
  const Tally& total() const { return total_; }
  std::uint64_t random() { return random_(); }

 private:
  static ServerConfig make_config(int workers) {
    ServerConfig config;
    config.workers = workers;
    config.process = "hang_timeout: 1s, shutdown_timeout: 5s, respawn: {initial_delay: 1ms, max_delay: 20ms}";
    config.timeouts = "request_header: 2s";
    config.files["faulty.so"] = module_bytes("faulty.so");
    config.routes = route("/faulty/{what}", "faulty.so", "");
    return config;
  }

  /// The worker does not survive it; each round's reload keeps the route from being fused.
  void ask(const std::string& target) {
    Client client(server_.port());
    client.send(request_text("GET", target));
    EXPECT_FALSE(client.receive().ok());
  }

  void rotate_logs() {
    const std::size_t mark = server_.log().mark();
    server_.signal(SIGUSR1);
    EXPECT_TRUE(server_.log().wait_event("log files reopened", mark, 10s));
  }

  /// None of these gets what is counted as an answer of the load's kind.
  void be_hostile() {
    for (int i = 0; i < 20; ++i) {
      Client client(server_.port());
      switch (random_() % 3) {
        case 0:
          client.send("GET /fixed HT");  // and goes
          break;
        case 1: {
          std::string junk(200, '\0');
          for (char& c : junk) c = static_cast<char>(random_());
          client.send(junk);
          break;
        }
        default:
          client.send("\x16\x03\x01");
          break;
      }
    }
  }

  // Requests of the load alone: 200 from the one site.
  double counted() {
    return scrape(server_.admin_port()).sum(kRequests, {"code=\"200\"", "method=\"GET\"", "site=\"main\""});
  }

  ServerProcess server_;
  std::minstd_rand random_{4711};
  Tally total_;
  std::string text_;
};

TEST(soak, accounts_for_every_request_and_grows_by_nothing) {
  Soak soak;
  ASSERT_TRUE(soak.ready());
  const TimePoint end = Clock::now() + soak_time();
  std::size_t first_descriptors = 0;
  std::size_t first_memory = 0;
  int rounds = 0;
  int harms = 0;
  while ((Clock::now() < end || rounds < 2) && !::testing::Test::HasFailure()) {
    const Tally calm = soak.round([&] {
      for (int i = 0; i < 4; ++i) soak.do_what_loses_nothing();
    });
    EXPECT_EQ(calm.failed, 0u) << "round " << rounds << ": " << soak.text();
    EXPECT_GT(calm.ok, 50u);
    const Tally rough = soak.round([&] {
      soak.do_harm();
      ++harms;
    });
    // A worker that goes takes the requests of its connections with it: of five clients each one, and the next
    // connection of the flood that it had just taken.
    EXPECT_LE(rough.failed, 8u) << "round " << rounds << ": " << soak.text();
    ++rounds;
    EXPECT_EQ(soak.server().reload().event, "reload complete");
    EXPECT_TRUE(eventually(
        20s, [&] { return soak.server().processes().size() == soak.server().workers().size() + 1; }));
    const std::size_t descriptors = descriptors_of(soak.server().pid()) - 2 * soak.server().processes().size();
    const std::size_t memory = resident_kib(soak.server().pid());
    if (rounds == 1) {
      first_descriptors = descriptors;
      first_memory = memory;
    }
    // Sockets of slots that there once were stay: of the most workers that there were, one more in each
    // listener.
    EXPECT_LE(descriptors, first_descriptors + 8);
    EXPECT_LE(memory, first_memory + 6 * 1024) << "KiB in the master";
  }
  std::printf("%d rounds, %d workers harmed, %llu answers, %llu unfinished with their workers\n", rounds, harms,
              static_cast<unsigned long long>(soak.total().ok),
              static_cast<unsigned long long>(soak.total().failed));
  EXPECT_EQ(soak.server().stop(), (Exit{0, 0}));
}

}  // namespace
}  // namespace holdfast::support
