// Connections, their table and their acceptor over real sockets of the loopback.
#include "worker/net/connection.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/net/acceptor.h"
#include "worker/net/connection_table.h"
#include "worker/net/tcp_transport.h"

namespace holdfast::net {
namespace {

using namespace std::chrono_literals;

/// Whoever comes may send a PROXY header.
const AddressSet kAnybody;

/// Answers each byte with the byte; "!" closes, "?" aborts.
class EchoProtocol final : public Protocol {
 public:
  EchoProtocol(Connection& connection, int& alive) : connection_(connection), alive_(alive) { ++alive_; }
  ~EchoProtocol() override { --alive_; }
  std::size_t on_bytes(std::span<const std::byte> input) override {
    const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
    connection_.output().append(text);
    if (text.ends_with('!')) connection_.finish(false);
    if (text.ends_with('?')) connection_.abort();
    return input.size();
  }
  bool wants_bytes() const override { return true; }
  void on_end() override { connection_.finish(false); }
  bool on_room() override { return false; }
  void on_timeout(TimePoint /*now*/) override {}
  void begin_drain(Drain /*how*/) override { connection_.finish(true); }
  std::string_view activity() const override { return "echoing"; }

 private:
  Connection& connection_;
  int& alive_;
};

class NetTest : public testing::Test,
                private ProtocolFactory,
                private TransportFactory,
                private loop::TurnHook {
 protected:
  NetTest() {
    loop_->set_hook(*this);
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 64), 0);
    socklen_t length = sizeof address_;
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address_), &length), 0);
  }

  void start(ConnectionTable::Limits limits = {100, 0}, const AddressSet* allowed = nullptr,
             const AddressSet* proxies = nullptr) {
    const std::uint32_t seat = segment_.claim_seat(0, 1);
    stats_.emplace(segment_, seat);
    table_.emplace(*loop_, *stats_, limits, ConnectionTable::Workers{limits_, seat, 1});
    ListenerContext context;
    context.factory = this;
    context.handshake_timeout = 1000ms;
    context.allowed = allowed;
    context.secure = secure_;
    context.proxy = proxies != nullptr;
    context.proxies = proxies == &kAnybody ? nullptr : proxies;
    context.proxy_timeout = 100ms;
    context.accepted = stats_->cell(stats::Metric::ConnectionsAccepted);
    for (std::uint16_t state = 0; state < std::size(context.by_state); ++state)
      context.by_state[state] = stats_->cell(stats::Metric::Connections, 0, state);
    acceptor_.emplace(*loop_, *table_, listener_.get(), context, static_cast<TransportFactory&>(*this));
    ASSERT_TRUE(acceptor_->start());
  }
  Fd connect() {
    Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    const int at_once = 1;
    ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    const timeval patience{5, 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return client;
  }
  void turn(int turns = 6) {
    for (int i = 0; i < turns; ++i) {
      loop_->defer(nudge_);
      loop_->turn();
    }
  }
  void turns_within(Milliseconds time) {
    bool over = false;
    Alarm alarm(over);
    loop_->timers().arm(alarm, Clock::now() + time);
    while (!over) loop_->turn();
  }
  std::string exchange(const Fd& client, std::string_view text) {
    EXPECT_EQ(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    turn();
    // A busy machine delivers late even what goes to itself.
    pollfd answer{client.get(), POLLIN, 0};
    for (int i = 0; i < 1000 && ::poll(&answer, 1, 5) == 0; ++i) turn();
    return receive(client);
  }
  static std::string receive(const Fd& client) {
    char buffer[1000];
    const ssize_t got = ::recv(client.get(), buffer, sizeof buffer, 0);
    if (got < 0) return errno == ECONNRESET ? "reset" : "nothing";
    return got == 0 ? "end" : std::string(buffer, static_cast<std::size_t>(got));
  }
  std::uint64_t refused(stats::RefusedReason why) {
    return stats_->cell(stats::Metric::ConnectionsRefused, static_cast<std::uint16_t>(why)).get();
  }

  std::uint64_t reset(stats::ResetReason why) {
    return stats_->cell(stats::Metric::ConnectionsReset, static_cast<std::uint16_t>(why)).get();
  }
  void send(const Fd& client, std::string_view text) {
    EXPECT_EQ(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  class Nudge final : public loop::Deferred {
    void on_deferred() override {}
  };
  class Alarm final : public loop::Timer {
   public:
    explicit Alarm(bool& over) : over_(over) {}

   private:
    void on_timer(TimePoint /*now*/) override { over_ = true; }
    bool& over_;
  };

  bool secure_ = false;
  int alive_ = 0;
  int turns_ = 0;
  std::string served_;  // the address of the latest client that was served
  std::unique_ptr<loop::EventLoop> loop_ = *loop::EventLoop::create();
  stats::Segment segment_ = *stats::Segment::create();
  limits::SharedLimits limits_ = *limits::SharedLimits::create();
  std::optional<stats::WorkerStats> stats_;
  Nudge nudge_;
  Fd listener_;
  sockaddr_in address_{};
  std::optional<ConnectionTable> table_;
  std::optional<Acceptor> acceptor_;

 private:
  std::unique_ptr<Protocol> make(Connection& connection, std::string_view /*alpn*/) override {
    served_ = connection.peer().text();
    return std::make_unique<EchoProtocol>(connection, alive_);
  }
  std::unique_ptr<Transport> wrap(Fd socket) override {
    return std::make_unique<TcpTransport>(std::move(socket));
  }
  void on_turn_start(TimePoint /*now*/) override { ++turns_; }
  void on_turn_end(TimePoint /*started*/) override { table_->destroy_closed(); }
};

TEST_F(NetTest, shakes_hands_with_a_few_newcomers_in_a_turn) {
  secure_ = true;
  start();
  // So many that the acceptor comes to take more of them in a turn.
  constexpr int kCrowd = 60;
  std::vector<Fd> crowd;
  for (int i = 0; i < kCrowd; ++i) crowd.push_back(connect());
  for (int before = 0; before < kCrowd; before = alive_) {
    turn(1);
    EXPECT_LE(alive_ - before, 8);
    ASSERT_GT(alive_, before) << "nobody is forgotten";
  }
  EXPECT_EQ(exchange(crowd.back(), "hello"), exchange(crowd.front(), "hello"));
}

TEST_F(NetTest, accepts_serves_and_destroys_connections) {
  start();
  const Fd first = connect();
  const Fd second = connect();
  EXPECT_EQ(exchange(first, "hello"), "hello");
  EXPECT_EQ(exchange(second, "you"), "you");
  EXPECT_EQ(table_->size(), 2u);
  EXPECT_EQ(alive_, 2);
  EXPECT_EQ(exchange(first, "bye!"), "bye!");
  EXPECT_EQ(receive(first), "end");
  EXPECT_EQ(table_->size(), 1u);
  EXPECT_EQ(alive_, 1);
}

TEST_F(NetTest, an_aborted_connection_is_seen_as_reset) {
  start();
  const Fd client = connect();
  EXPECT_EQ(exchange(client, "now?"), "reset");
}

TEST_F(NetTest, notices_a_client_that_leaves_in_either_way) {
  start();
  {
    const Fd orderly = connect();
    const Fd abrupt = connect();
    turn();
    EXPECT_EQ(table_->size(), 2u);
    const linger hard{1, 0};
    ::setsockopt(abrupt.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  turn();
  EXPECT_EQ(table_->size(), 0u);
  EXPECT_EQ(alive_, 0);
}

TEST_F(NetTest, at_its_limit_it_leaves_clients_in_the_queue_and_goes_on_when_one_has_left) {
  start({2, 0});
  Fd first = connect();
  const Fd second = connect();
  const Fd third = connect();
  EXPECT_EQ(exchange(second, "2"), "2");
  EXPECT_EQ(table_->size(), 2u);
  EXPECT_EQ(refused(stats::RefusedReason::ConnectionLimit), 1u);
  first.reset();
  turn(10);
  EXPECT_EQ(exchange(third, "3"), "3");
}

TEST_F(NetTest, an_address_may_have_so_many_connections) {
  start({100, 2});
  const Fd first = connect();
  Fd second = connect();
  const Fd third = connect();
  turn();
  EXPECT_EQ(receive(third), "end");
  EXPECT_EQ(refused(stats::RefusedReason::AddressLimit), 1u);
  second.reset();
  turn();
  EXPECT_EQ(exchange(connect(), "again"), "again");
}

TEST_F(NetTest, other_workers_connections_count_for_both_limits) {
  start({3, 2});
  const std::uint32_t other = segment_.claim_seat(1, 1);
  AddressCounter addresses(&limits_, segment_, other, 2);
  sockaddr_storage loopback{};
  std::memcpy(&loopback, &address_, sizeof address_);
  ASSERT_TRUE(addresses.take(PeerAddress::from(loopback)));
  segment_.seat(other).activity.connections.store(2);
  const Fd first = connect();
  EXPECT_EQ(exchange(first, "1"), "1");
  const Fd second = connect();
  turn();
  EXPECT_EQ(refused(stats::RefusedReason::ConnectionLimit), 1u);
  segment_.seat(other).activity.connections.store(1);
  turns_within(300ms);
  EXPECT_EQ(receive(second), "end");
  EXPECT_EQ(refused(stats::RefusedReason::AddressLimit), 1u);
  addresses.give_back(PeerAddress::from(loopback));
  EXPECT_EQ(exchange(connect(), "again"), "again");
}

TEST_F(NetTest, only_allowed_addresses_are_served) {
  const AddressSet others = *AddressSet::of({"192.0.2.1"});
  start({100, 0}, &others);
  const Fd client = connect();
  turn();
  EXPECT_EQ(receive(client), "end");
  EXPECT_EQ(refused(stats::RefusedReason::NotAllowed), 1u);
  EXPECT_EQ(alive_, 0);
}

// -- behind a PROXY header

const std::string kV1 = "PROXY TCP4 192.0.2.1 192.0.2.2 12345 443\r\n";
const std::string kV2("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\x02\x07\xC0\0\x02\x02\x30\x39\x01\xBB", 28);

TEST_F(NetTest, the_client_is_whom_the_proxy_header_names) {
  start({100, 0}, nullptr, &kAnybody);
  EXPECT_EQ(exchange(connect(), kV1 + "hello"), "hello");
  EXPECT_EQ(served_, "192.0.2.1");
  EXPECT_EQ(exchange(connect(), kV2 + "hello"), "hello");
  EXPECT_EQ(served_, "192.0.2.7");
  EXPECT_EQ(exchange(connect(), "PROXY UNKNOWN\r\nhello"), "hello");
  EXPECT_EQ(served_, "127.0.0.1");
}

TEST_F(NetTest, a_proxy_header_may_come_in_any_two_parts) {
  start({100, 0}, nullptr, &kAnybody);
  for (const std::string& header : {kV1, kV2}) {
    for (std::size_t part = 1; part <= header.size(); ++part) {
      served_.clear();
      const Fd client = connect();
      send(client, header.substr(0, part));
      turn();
      EXPECT_EQ(served_.empty(), part < header.size());
      EXPECT_EQ(exchange(client, header.substr(part) + "x"), "x") << part;
      EXPECT_TRUE(served_.starts_with("192.0.2.")) << served_;
    }
  }
  EXPECT_EQ(refused(stats::RefusedReason::ProxyHeader), 0u);
}

TEST_F(NetTest, a_proxy_header_may_come_byte_by_byte) {
  start({100, 0}, nullptr, &kAnybody);
  for (const std::string& header : {kV1, kV2}) {
    const Fd client = connect();
    for (const char byte : header) {
      send(client, std::string(1, byte));
      turn(2);
    }
    EXPECT_EQ(exchange(client, "x"), "x");
  }
}

TEST_F(NetTest, without_a_proxy_header_nobody_is_served) {
  start({100, 0}, nullptr, &kAnybody);
  EXPECT_EQ(exchange(connect(), "GET / HTTP/1.1\r\n\r\n"), "reset");
  EXPECT_EQ(refused(stats::RefusedReason::ProxyHeader), 1u);
  const Fd cut = connect();
  send(cut, kV1.substr(0, 20));
  ::shutdown(cut.get(), SHUT_WR);
  turn();
  EXPECT_NE(receive(cut), "nothing");
  EXPECT_EQ(refused(stats::RefusedReason::ProxyHeader), 2u);
  EXPECT_EQ(alive_, 0);
  EXPECT_EQ(table_->size(), 0u);
}

TEST_F(NetTest, a_proxy_header_that_does_not_come_in_time_is_refused) {
  start({100, 0}, nullptr, &kAnybody);
  const Fd silent = connect();
  const Fd slow = connect();
  send(slow, kV1.substr(0, 20));
  turns_within(60ms);
  send(slow, kV1.substr(20, 5));
  EXPECT_EQ(table_->size(), 2u);
  turns_within(100ms);
  EXPECT_EQ(table_->size(), 0u);
  EXPECT_EQ(refused(stats::RefusedReason::ProxyHeader), 2u);
}

TEST_F(NetTest, a_check_that_connects_and_leaves_is_no_refusal) {
  start({100, 0}, nullptr, &kAnybody);
  connect().reset();
  turn();
  EXPECT_EQ(table_->size(), 0u);
  EXPECT_EQ(refused(stats::RefusedReason::ProxyHeader), 0u);
}

TEST_F(NetTest, only_those_who_are_trusted_may_send_a_proxy_header) {
  const AddressSet others = *AddressSet::of({"192.0.2.0/24", "::/0"});
  start({100, 0}, nullptr, &others);
  const Fd client = connect();
  turn();
  EXPECT_EQ(receive(client), "end");
  EXPECT_EQ(refused(stats::RefusedReason::ProxySource), 1u);
  EXPECT_EQ(alive_, 0);
}

TEST_F(NetTest, trusted_networks_may_send_a_proxy_header) {
  const AddressSet ours = *AddressSet::of({"127.0.0.0/8"});
  start({100, 0}, nullptr, &ours);
  EXPECT_EQ(exchange(connect(), kV1 + "hello"), "hello");
}

TEST_F(NetTest, behind_a_proxy_connections_are_counted_by_the_clients_address) {
  start({100, 2}, nullptr, &kAnybody);
  const auto from = [](const std::string& address) { return "PROXY TCP4 " + address + " 192.0.2.2 1 2\r\nx"; };
  Fd first = connect();
  const Fd second = connect();
  const Fd third = connect();
  const Fd other = connect();
  EXPECT_EQ(exchange(first, from("192.0.2.1")), "x");
  EXPECT_EQ(exchange(second, from("192.0.2.1")), "x");
  EXPECT_EQ(exchange(third, from("192.0.2.1")), "reset");
  EXPECT_EQ(refused(stats::RefusedReason::AddressLimit), 1u);
  EXPECT_EQ(exchange(other, from("192.0.2.9")), "x");
  first.reset();
  turn();
  const Fd again = connect();
  EXPECT_EQ(exchange(again, from("192.0.2.1")), "x");
  EXPECT_EQ(refused(stats::RefusedReason::AddressLimit), 1u);
}

TEST_F(NetTest, behind_a_proxy_the_clients_address_is_what_must_be_allowed) {
  const AddressSet one = *AddressSet::of({"192.0.2.1"});
  start({100, 0}, &one, &kAnybody);
  EXPECT_EQ(exchange(connect(), kV1 + "hello"), "hello");
  EXPECT_EQ(exchange(connect(), kV2 + "hello"), "reset");
  EXPECT_EQ(refused(stats::RefusedReason::NotAllowed), 1u);
}

TEST_F(NetTest, a_listening_socket_that_is_broken_does_not_make_the_loop_spin) {
  start();
  turn();
  ::shutdown(listener_.get(), SHUT_RDWR);  // accept4() answers EINVAL from now on, and epoll says ready
  turn();
  EXPECT_EQ(refused(stats::RefusedReason::AcceptFailed), 1u);
  const int before = turns_;
  turns_within(200ms);
  EXPECT_LT(turns_ - before, 10);
  EXPECT_EQ(refused(stats::RefusedReason::AcceptFailed), 1u);
}

TEST_F(NetTest, whose_answer_is_cut_at_the_end_sees_a_reset) {
  start();
  const int little = 4096;
  const Fd reader = connect();
  const Fd idle = connect();
  ::setsockopt(reader.get(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
  turn();
  // Echoed as far as it is taken: the rest waits in our queue.
  const std::string part(1 << 20, 'x');
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  for (int i = 0; i < 64; ++i) {
    (void)::send(reader.get(), part.data(), part.size(), MSG_NOSIGNAL);
    turn(4);
  }
  table_->close_all();
  turn();
  EXPECT_EQ(reset(stats::ResetReason::Shutdown), 1u);
  std::string got;
  do {
    got = receive(reader);
  } while (got.starts_with('x'));
  EXPECT_EQ(got, "reset");
  EXPECT_EQ(receive(idle), "end");
}

TEST_F(NetTest, a_stopped_acceptor_accepts_no_more_but_its_connections_live) {
  start();
  const Fd client = connect();
  turn();
  acceptor_->stop();
  const Fd late = connect();
  turn();
  EXPECT_EQ(table_->size(), 1u);
  EXPECT_EQ(exchange(client, "still"), "still");
}

TEST_F(NetTest, a_listener_that_cannot_be_watched_for_a_moment_is_tried_again) {
  start({1, 0});
  Fd first = connect();
  const Fd second = connect();
  turn();
  EXPECT_EQ(refused(stats::RefusedReason::ConnectionLimit), 1u);
  // A regular file cannot be in epoll: watching fails while it stands in the listener's place.
  const Fd kept(::fcntl(listener_.get(), F_DUPFD_CLOEXEC, 0));
  const Fd plain(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_GE(::dup2(plain.get(), listener_.get()), 0);
  first.reset();
  turn();
  EXPECT_EQ(table_->size(), 0u);
  ASSERT_GE(::dup2(kept.get(), listener_.get()), 0);
  turns_within(300ms);
  EXPECT_EQ(exchange(second, "2"), "2");
}

TEST_F(NetTest, the_table_may_outlive_the_acceptor) {
  start();
  const Fd client = connect();
  EXPECT_EQ(exchange(client, "hello"), "hello");
  acceptor_.reset();
  table_->close_all();
  table_->destroy_closed();
  EXPECT_EQ(alive_, 0);
}

TEST_F(NetTest, draining_meets_every_connection) {
  start();
  std::vector<Fd> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(connect());
  turn();
  EXPECT_EQ(table_->size(), 20u);
  table_->begin_drain(Drain::Gently);
  turn();
  for (const Fd& client : clients) EXPECT_EQ(receive(client), "end");
  clients.clear();
  turn();
  EXPECT_EQ(table_->size(), 0u);
}

}  // namespace
}  // namespace holdfast::net
