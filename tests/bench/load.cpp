// Load generator: one thread, one epoll instance, N connections in a closed loop. Every response is checked
// (status, length), every request sent is waited for, so that what it reports is what the server did. Prints
// one line of JSON.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "common/fd.h"
#include "tests/bench/latency_histogram.h"
#include "tests/bench/load_options.h"
#include "tests/bench/response_reader.h"

namespace holdfast::bench {
namespace {

constexpr std::size_t kReadSize = 1024 * 1024;
constexpr unsigned kOpeningAtOnce = 128;  // stays below every server's accept queue
constexpr int kStallTimeout = 10'000;     // ms without any event: what is outstanding is lost
constexpr std::uint64_t kTooManyErrors = 1000;

std::uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

enum class Phase { Opening, Running };

struct Connection {
  Fd fd;
  ResponseReader reader;
  unsigned batch = 0;        // requests sent together, of which
  unsigned outstanding = 0;  // so many are not answered yet
  bool answered = false;     // new-connection mode: the response is complete, the server's close is awaited
  std::uint64_t sent_at = 0;
};

class Generator {
 public:
  explicit Generator(const LoadOptions& options)
      : options_(options),
        connections_(options.connections),
        buffer_(kReadSize),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    const std::string request = "GET " + options.path + " HTTP/1.1\r\nHost: " + options.authority + "\r\n" +
                                options.fields + (options.new_connections ? "Connection: close\r\n" : "") +
                                "\r\n";
    request_size_ = request.size();
    for (unsigned i = 0; i < options.pipeline; ++i) requests_ += request;
  }

  /// Opens every connection and has one request answered on each.
  bool open_all() {
    phase_ = Phase::Opening;
    while (opened_ < options_.connections && active_ < kOpeningAtOnce) open_next();
    turn_until_quiet();
    return errors_ == 0;
  }

  void run() {
    phase_ = Phase::Running;
    started_ = finished_ = now();
    deadline_ = options_.seconds > 0 ? started_ + static_cast<std::uint64_t>(options_.seconds * 1e9) : 0;
    for (auto& connection : connections_) send_batch(connection, started_);
    turn_until_quiet();
  }

  void report() const {
    const double seconds = static_cast<double>(finished_ - started_) / 1e9;
    std::printf("{\"requests\": %" PRIu64 ", \"errors\": %" PRIu64
                ", \"seconds\": %.6f, \"requests_per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
                "\"max_us\": %.1f, \"first_error\": \"%s\"}\n",
                completed_, errors_, seconds, seconds > 0 ? static_cast<double>(completed_) / seconds : 0,
                microseconds(0.50), microseconds(0.99), microseconds(1), first_error_.c_str());
  }
  std::uint64_t errors() const { return errors_; }

 private:
  double microseconds(double share) const { return static_cast<double>(latency_.percentile(share)) / 1e3; }

  void open_next() {
    auto& connection = connections_[opened_++];
    ++active_;
    if (!connect_and_register(connection) || !send_requests(connection, 1, now()))
      fail(connection, "cannot connect");
  }

  bool connect_and_register(Connection& connection) {
    // A blocking connect over loopback returns at once; all later calls carry MSG_DONTWAIT.
    connection.fd.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    connection.reader = {};
    connection.answered = false;
    const int on = 1;
    if (options_.sources > 1) {
      sockaddr_in source{};
      source.sin_family = AF_INET;
      source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + next_source_++ % options_.sources);
      // The port is chosen at connect, by the whole four-tuple: else an address has 28,000 ports in all.
      setsockopt(connection.fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      if (bind(connection.fd.get(), reinterpret_cast<const sockaddr*>(&source), sizeof source) < 0)
        return false;
    }
    if (::connect(connection.fd.get(), reinterpret_cast<const sockaddr*>(&options_.server),
                  sizeof options_.server) < 0)
      return false;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &connection;
    return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.fd.get(), &event) == 0;
  }

  bool send_requests(Connection& connection, unsigned count, std::uint64_t time) {
    connection.batch = connection.outstanding = count;
    connection.sent_at = time;
    const auto size = static_cast<ssize_t>(count * request_size_);
    return send(connection.fd.get(), requests_.data(), static_cast<std::size_t>(size),
                MSG_DONTWAIT | MSG_NOSIGNAL) == size;
  }

  /// The next requests of a connection, as long as the run lasts; a connection that gets none is done.
  void send_batch(Connection& connection, std::uint64_t time) {
    if (deadline_ != 0 && time >= deadline_) return;
    unsigned count = options_.pipeline;
    if (options_.requests > 0) {
      const auto left = options_.requests - sent_;
      if (left < count) count = static_cast<unsigned>(left);
    }
    if (count == 0 || errors_ > kTooManyErrors) return;
    sent_ += count;
    ++active_;
    if (!connection.fd && !connect_and_register(connection)) return fail(connection, "cannot connect");
    if (!send_requests(connection, count, time)) fail(connection, "cannot send");
  }

  void turn_until_quiet() {
    std::array<epoll_event, 512> events;
    while (active_ > 0) {
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), kStallTimeout);
      if (count == 0) return fail_outstanding();
      for (int i = 0; i < count; ++i)
        on_event(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
  }

  void on_event(Connection& connection) {
    while (connection.fd) {
      // The rest of a large body is dropped in the kernel: copying it would only slow the load down.
      const auto body = std::min<std::uint64_t>(connection.reader.body_left(), kReadSize);
      const std::size_t wanted = body > 0 ? body : kReadSize;
      const auto got =
          recv(connection.fd.get(), buffer_.data(), wanted, MSG_DONTWAIT | (body > 0 ? MSG_TRUNC : 0));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return on_end(connection, got == 0);
      const auto size = static_cast<std::size_t>(got);
      if (body > 0)
        connection.reader.skip_body(size);
      else
        connection.reader.consume({buffer_.data(), size}, options_.expected);
      if (connection.reader.fault() != ResponseReader::Fault::None)
        return fail(connection, fault_text(connection.reader.fault()));
      if (!on_completed(connection, connection.reader.take_completed())) return;
      // Less than asked for: nothing is left, and whatever comes raises a new edge.
      if (size < wanted && !connection.answered) return;
    }
  }

  /// False: the connection was replaced or failed.
  bool on_completed(Connection& connection, unsigned completed) {
    if (completed == 0) return true;
    if (completed > connection.outstanding) {
      fail(connection, "more responses than requests");
      return false;
    }
    connection.outstanding -= completed;
    if (connection.outstanding > 0) return true;
    connection.answered = options_.new_connections;
    if (!connection.answered) batch_done(connection);
    return true;
  }

  void batch_done(Connection& connection) {
    --active_;
    finished_ = now();
    if (phase_ == Phase::Opening) {
      if (opened_ < options_.connections) open_next();
      return;
    }
    latency_.record(finished_ - connection.sent_at);
    completed_ += connection.batch;
    send_batch(connection, finished_);
  }

  void on_end(Connection& connection, bool orderly) {
    if (connection.answered && orderly) {
      connection.fd.reset();
      return batch_done(connection);
    }
    if (connection.outstanding == 0 && !connection.answered) {
      // An idle connection the server closed: not a failed request; the next batch opens a new one.
      connection.fd.reset();
      return;
    }
    fail(connection, orderly ? "closed before the response was complete" : std::strerror(errno));
  }

  void fail(Connection& connection, const char* reason) {
    ++errors_;
    if (first_error_.empty()) first_error_ = reason;
    --active_;
    connection.fd.reset();
    connection.outstanding = 0;
    if (phase_ == Phase::Running) send_batch(connection, now());
  }

  void fail_outstanding() {
    deadline_ = 1;
    for (auto& connection : connections_)
      if (connection.outstanding > 0 || connection.answered) fail(connection, "no answer");
  }

  static const char* fault_text(ResponseReader::Fault fault) {
    switch (fault) {
      case ResponseReader::Fault::None:
        return "";
      case ResponseReader::Fault::Syntax:
        return "not an HTTP response";
      case ResponseReader::Fault::Status:
        return "wrong status";
      case ResponseReader::Fault::Length:
        return "wrong length";
    }
    return "";
  }

  const LoadOptions& options_;
  std::vector<Connection> connections_;
  std::vector<char> buffer_;
  Fd epoll_;
  std::string requests_;
  std::size_t request_size_ = 0;
  Phase phase_ = Phase::Opening;
  unsigned opened_ = 0;
  unsigned active_ = 0;  // connections with a request outstanding
  unsigned next_source_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t started_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t deadline_ = 0;  // 0: none
  std::string first_error_;
  LatencyHistogram latency_;
};

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void say_ready_and_wait() {
  std::puts("ready");
  std::fflush(stdout);
  while (true) {
    char byte = 0;
    if (read(STDIN_FILENO, &byte, 1) <= 0 || byte == '\n') return;
  }
}

int run(const LoadOptions& options) {
  raise_descriptor_limit();
  Generator generator(options);
  if (!generator.open_all()) {
    generator.report();
    return 1;
  }
  if (options.wait || options.hold) say_ready_and_wait();
  if (!options.hold) generator.run();
  generator.report();
  return generator.errors() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) {
  const auto options = holdfast::bench::parse_load_options(argc, argv);
  return options ? holdfast::bench::run(*options) : 64;
}
