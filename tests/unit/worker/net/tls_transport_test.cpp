#include "worker/net/tls_transport.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <thread>

#include "tests/support/test_certificate.h"
#include "tests/support/tls_stream.h"
#include "tests/support/unlinked_file.h"

namespace holdfast::net {
namespace {

using support::TestCertificate;
using support::TlsOptions;
using support::TlsStream;

constexpr Milliseconds kPatience{10'000};

/// A transport and, in a thread while both must act, its peer.
class TlsTransportTest : public ::testing::Test {
 protected:
  explicit TlsTransportTest(bool strict = false) {
    config::Tls tls;
    tls.enabled = true;
    tls.certificates.push_back({{"a", ecdsa.certificate}, {"a", ecdsa.key}, {}});
    tls.certificates.push_back({{"r", rsa.certificate}, {"r", rsa.key}, {}});
    tls.certificates.push_back({{"b", other.certificate}, {"b", other.key}, {}});
    tls.strict_sni = strict;
    tls.min_version = config::TlsVersion::Tls12;
    factory.emplace(std::move(TlsContext::make(tls, {&keys, std::chrono::hours(1)})).value(), stats, now);
    connect();
  }

  /// A new connection, in place of the last.
  void connect() {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    stream.reset();
    peer_socket = Fd(ends[0]);
    transport = factory->wrap(Fd(ends[1]));
  }

  /// Whether a connection resumes `session`; takes what it gives for the next one.
  bool resumes(std::string& session, int most) {
    connect();
    EXPECT_EQ(shake_hands({.most = most, .session = session}), Io::Ok) << peer_problem;
    iovec piece{const_cast<char*>("x"), 1};
    EXPECT_EQ(transport->write({&piece, 1}, false).outcome, Io::Ok);
    char room[1];
    EXPECT_EQ(stream->read(room), 1);
    session = stream->session();
    return stream->resumed();
  }

  void wait(short events) {
    pollfd waiting{transport->fd(), events, 0};
    ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
  }

  /// Ok, or how the server's side failed.
  Io shake_hands(const TlsOptions& options = {}) {
    std::thread client(
        [&] { stream = TlsStream::connect(peer_socket.get(), options, kPatience, peer_problem); });
    IoResult result = transport->handshake();
    for (; result.outcome == Io::WantRead || result.outcome == Io::WantWrite; result = transport->handshake())
      wait(result.outcome == Io::WantRead ? POLLIN : POLLOUT);
    // Whoever is left waits for nothing more.
    if (result.outcome != Io::Ok) ::shutdown(transport->fd(), SHUT_RDWR);
    client.join();
    return result.outcome;
  }

  /// All that the peer receives until `size` bytes are there, while `send` is called whenever there is room.
  template <class Send>
  std::string received(std::size_t size, Send send) {
    std::string all;
    for (int turns = 0; all.size() < size && turns < 100'000; ++turns) {
      send();
      char room[30'000];
      const ssize_t got = stream->read(room);
      if (got == 0) break;
      if (got > 0) all.append(room, static_cast<std::size_t>(got));
    }
    return all;
  }

  std::uint64_t failures(stats::TlsFailure why) {
    return stats.cell(stats::Metric::TlsHandshakeFailures, static_cast<std::uint16_t>(why)).get();
  }

  /// How much of `all` the transport says it has sent when the socket takes no more.
  std::size_t write_until_blocked(const std::string& all) {
    std::size_t done = 0;
    for (IoResult result; result.outcome == Io::Ok; done += result.bytes) {
      const iovec piece{const_cast<char*>(all.data()) + done, all.size() - done};
      result = transport->write({&piece, 1}, false);
    }
    EXPECT_LT(done, all.size());
    return done;
  }

  /// All that the peer can have without waiting.
  std::string read_what_is_there() {
    std::string all;
    char room[30'000];
    for (ssize_t size = stream->read(room); size > 0; size = stream->read(room))
      all.append(room, static_cast<std::size_t>(size));
    return all;
  }

  std::string read_all(std::size_t size) {
    std::string all;
    std::vector<std::byte> room(64 * 1024);
    // Told of arrivals once, as a worker's loop is: bytes that a read leaves behind would be missed.
    const Fd edges(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{EPOLLIN | EPOLLET, {}};
    ::epoll_ctl(edges.get(), EPOLL_CTL_ADD, transport->fd(), &event);
    while (all.size() < size) {
      const IoResult result = transport->read(room);
      if (result.outcome == Io::WantRead) {
        const bool told = transport->has_pending() || ::epoll_wait(edges.get(), &event, 1, 10'000) == 1;
        EXPECT_TRUE(told) << "bytes are forgotten";
        if (!told) break;
        continue;
      }
      if (result.outcome != Io::Ok) break;
      all.append(reinterpret_cast<const char*>(room.data()), result.bytes);
    }
    return all;
  }

  const TestCertificate ecdsa = support::make_certificate({"a.test"});
  const TestCertificate rsa = support::make_certificate({"a.test"}, {.kind = support::KeyKind::Rsa});
  const TestCertificate other = support::make_certificate({"b.test"});
  stats::Segment segment = std::move(stats::Segment::create()).value();
  stats::WorkerStats stats{segment, segment.claim_seat(0, 1)};
  TimePoint now = Clock::now();
  tickets::TicketKeys keys = std::move(tickets::TicketKeys::create()).value();
  std::optional<TlsTransports> factory;
  Fd peer_socket;
  std::unique_ptr<Transport> transport;
  std::unique_ptr<TlsStream> stream;
  std::string peer_problem;
};

TEST_F(TlsTransportTest, speaks_the_newest_version_and_shows_the_certificate_that_was_asked_for) {
  ASSERT_EQ(shake_hands({.trust = other.certificate, .name = "b.test"}), Io::Ok) << peer_problem;
  EXPECT_EQ(stream->version(), "TLSv1.3");
  EXPECT_EQ(stream->certificate(), other.certificate);
  EXPECT_EQ(transport->tls()->protocol, "http/1.1");
  EXPECT_EQ(
      stats.cell(stats::Metric::TlsHandshakes, static_cast<std::uint16_t>(stats::TlsVersion::Tls13)).get(), 1u);
}

TEST_F(TlsTransportTest, speaks_with_clients_of_the_version_before) {
  ASSERT_EQ(shake_hands({.most = TLS1_2_VERSION}), Io::Ok) << peer_problem;
  EXPECT_EQ(stream->version(), "TLSv1.2");
}

TEST_F(TlsTransportTest, resumes_sessions_until_their_key_is_too_old) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    std::string session;
    EXPECT_FALSE(resumes(session, version));
    EXPECT_TRUE(resumes(session, version));
    ASSERT_TRUE(keys.rotate());
    const std::string old = session;
    EXPECT_TRUE(resumes(session, version)) << "by the key before";
    ASSERT_TRUE(keys.rotate());
    EXPECT_TRUE(resumes(session, version)) << "the ticket was renewed";
    std::string too_old = old;
    EXPECT_FALSE(resumes(too_old, version));
    std::string nonsense = session;
    nonsense[nonsense.size() / 2] = static_cast<char>(nonsense[nonsense.size() / 2] ^ 1);
    resumes(nonsense, version);
  }
}

TEST_F(TlsTransportTest, refuses_older_versions) {
  EXPECT_EQ(shake_hands({.most = TLS1_1_VERSION}), Io::Failed);
  EXPECT_EQ(failures(stats::TlsFailure::Version), 1u);
}

TEST_F(TlsTransportTest, shows_the_default_to_who_asks_for_nothing_or_for_a_stranger) {
  ASSERT_EQ(shake_hands({.name = "stranger.test"}), Io::Ok);
  EXPECT_EQ(stream->certificate(), ecdsa.certificate);
}

TEST_F(TlsTransportTest, shows_rsa_to_who_does_not_know_better) {
  ASSERT_EQ(shake_hands({.name = "a.test", .signatures = "RSA-PSS+SHA256"}), Io::Ok) << peer_problem;
  EXPECT_EQ(stream->certificate(), rsa.certificate);
}

TEST_F(TlsTransportTest, serves_clients_without_alpn_and_refuses_those_that_speak_something_else) {
  ASSERT_EQ(shake_hands({.protocols = {}}), Io::Ok);
  EXPECT_EQ(transport->tls()->protocol, "");
}

TEST_F(TlsTransportTest, refuses_clients_that_speak_other_protocols_alone) {
  EXPECT_EQ(shake_hands({.protocols = {"imap", "xmpp-client"}}), Io::Failed);
  EXPECT_THAT(peer_problem, testing::HasSubstr("no application protocol"));
  EXPECT_EQ(failures(stats::TlsFailure::Alpn), 1u);
}

TEST_F(TlsTransportTest, reads_many_records_until_the_socket_is_empty) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  const std::string sent(100'000, 'u');
  std::thread client([&] {
    for (std::size_t done = 0; done < sent.size();) {
      const ssize_t n = stream->write(std::string_view(sent).substr(done, 777));
      if (n > 0) done += static_cast<std::size_t>(n);
    }
  });
  EXPECT_EQ(read_all(sent.size()), sent);
  client.join();
  std::byte one[1];
  EXPECT_EQ(transport->read(one).outcome, Io::WantRead);
  EXPECT_FALSE(transport->has_pending());
}

TEST_F(TlsTransportTest, gives_others_their_turn_while_a_peer_sends_tiny_records) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  for (int i = 0; i < 200; ++i) ASSERT_EQ(stream->write("x"), 1);
  wait(POLLIN);
  std::vector<std::byte> room(64 * 1024);
  std::size_t got = 0;
  for (int reads = 0; got < 200; ++reads) {
    ASSERT_LT(reads, 100);
    const IoResult result = transport->read(room);
    ASSERT_EQ(result.outcome, Io::Ok);
    EXPECT_LE(result.bytes, 100u);
    got += result.bytes;
    EXPECT_TRUE(transport->has_pending() || got == 200) << "or nobody would come back for the rest";
  }
}

TEST_F(TlsTransportTest, reads_on_behind_changes_of_the_key) {
  ASSERT_EQ(shake_hands({.least = TLS1_3_VERSION}), Io::Ok);
  std::string sent;
  for (int i = 0; i < 60; ++i) {
    const std::string word = "word " + std::to_string(i);
    stream->change_key();
    ASSERT_EQ(stream->write(word), static_cast<ssize_t>(word.size()));
    sent += word;
    // The answers of the library are to be taken, or nobody could write any more.
    char answers[1];
    stream->read(answers);
  }
  EXPECT_EQ(read_all(sent.size()), sent);
}

TEST_F(TlsTransportTest, tells_of_decrypted_bytes_that_did_not_fit) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  ASSERT_EQ(stream->write("four"), 4);
  std::byte room[3];
  wait(POLLIN);
  EXPECT_EQ(transport->read(room).bytes, 3u);
  EXPECT_TRUE(transport->has_pending());
  EXPECT_EQ(transport->read(room).bytes, 1u);
}

TEST_F(TlsTransportTest, writes_pieces_of_all_sizes_as_the_socket_takes_them) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  std::string all;
  for (const std::size_t size : {1u, 20u, 0u, 16'384u, 50'000u, 3u, 900'000u, 5u})
    all.append(size, static_cast<char>('a' + all.size() % 26));
  std::size_t done = 0;
  const auto send = [&] {
    if (done == all.size()) return;
    // Three pieces, cut anew each time: what is tried again need not lie in the same place.
    const std::string_view left = std::string_view(all).substr(done);
    const std::size_t a = std::min<std::size_t>(left.size(), 10),
                      b = std::min<std::size_t>(left.size() - a, 17'000);
    const std::string first(left.substr(0, a));
    const iovec pieces[] = {{const_cast<char*>(first.data()), a},
                            {const_cast<char*>(left.data()) + a, b},
                            {const_cast<char*>(left.data()) + a + b, left.size() - a - b}};
    const IoResult result = transport->write(pieces, false);
    if (result.outcome == Io::Ok) done += result.bytes;
    ASSERT_NE(result.outcome, Io::Failed);
  };
  EXPECT_EQ(received(all.size(), send), all);
}

TEST_F(TlsTransportTest, sends_files) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  const support::UnlinkedFile file(700'000);
  std::size_t done = 100;
  const auto send = [&] {
    if (done == file.size()) return;
    const IoResult result = transport->send_file({}, file.fd(), done, file.size() - done);
    if (result.outcome == Io::Ok) done += result.bytes;
    ASSERT_NE(result.outcome, Io::Failed);
  };
  EXPECT_EQ(received(file.size() - 100, send), file.content().substr(100));
  const IoResult behind = transport->send_file({}, file.fd(), file.size(), 10);
  EXPECT_EQ(behind.outcome, Io::Ok);
  EXPECT_EQ(behind.bytes, 0u) << "the file ended early";
}

TEST_F(TlsTransportTest, sends_a_head_and_the_beginning_of_its_file_in_one_record) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  const support::UnlinkedFile file(10'000);
  std::string first = "one ", second = "two ";
  const iovec head[] = {{first.data(), first.size()}, {second.data(), second.size()}};
  EXPECT_EQ(transport->send_file(head, file.fd(), 0, file.size()).bytes, 8 + file.size());
  char room[30'000];
  const ssize_t got = stream->read(room);
  ASSERT_EQ(got, static_cast<ssize_t>(RecordSize::kFirst)) << "of one record";
  EXPECT_EQ(std::string_view(room, RecordSize::kFirst), "one two " + file.content().substr(0, 4088));
}

TEST_F(TlsTransportTest, fills_records_by_copies_only_where_that_shifts_nothing) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  const std::string all(200'000, 'x');
  const auto records_of = [&](std::initializer_list<std::size_t> sizes) {
    std::vector<iovec> pieces;
    for (const std::size_t size : sizes) pieces.push_back({const_cast<char*>(all.data()), size});
    EXPECT_EQ(transport->write(pieces, false).outcome, Io::Ok);
    std::vector<ssize_t> records;
    char room[30'000];
    for (ssize_t size = stream->read(room); size > 0; size = stream->read(room)) records.push_back(size);
    return records;
  };
  records_of({60'000});  // the first ones are small
  EXPECT_THAT(records_of({1000, 16'000, 16'320, 4000, 100}), testing::ElementsAre(1000, 16'000, 16'320, 4100));
  EXPECT_THAT(records_of({250, 15'000}), testing::ElementsAre(15'250)) << "a head and its body";
  EXPECT_THAT(records_of({250, 50'000, 250}), testing::ElementsAre(16'384, 16'384, 16'384, 1348));
}

TEST_F(TlsTransportTest, sends_heads_of_all_sizes_before_files_as_the_socket_takes_them) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  const support::UnlinkedFile file(300'000);
  for (const std::size_t head_size : {1u, 300u, 16'383u, 16'384u, 100'000u}) {
    const std::string head(head_size, 'h');
    const std::string all = head + file.content();
    std::size_t done = 0;
    const auto send = [&] {
      if (done == all.size()) return;
      const std::size_t in_file = done > head_size ? done - head_size : 0;
      const std::string left = head.substr(std::min(done, head_size));
      const iovec pieces[] = {
          {const_cast<char*>(left.data()), left.size() / 3},
          {const_cast<char*>(left.data()) + left.size() / 3, left.size() - left.size() / 3}};
      const std::span<const iovec> before(pieces, left.empty() ? 0 : 2);
      const IoResult result = transport->send_file(before, file.fd(), in_file, file.size() - in_file);
      if (result.outcome == Io::Ok) done += result.bytes;
      ASSERT_NE(result.outcome, Io::Failed);
    };
    EXPECT_TRUE(received(all.size(), send) == all) << head_size;
  }
}

TEST_F(TlsTransportTest, keeps_as_it_was_what_the_socket_does_not_take) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  const support::UnlinkedFile file(2'000'000);
  std::size_t done = 0;
  for (IoResult result; result.outcome == Io::Ok; done += result.bytes)
    result = transport->send_file({}, file.fd(), done, file.size() - done);
  ASSERT_LT(done, file.size());
  // What was read by then is sent, whatever the file has become.
  const std::string other(file.size(), '#');
  ASSERT_EQ(::pwrite(file.fd(), other.data(), other.size(), 0), static_cast<ssize_t>(other.size()));
  const std::size_t blocked_at = done;
  const auto send = [&] {
    if (done == file.size()) return;
    const IoResult result = transport->send_file({}, file.fd(), done, file.size() - done);
    if (result.outcome == Io::Ok) done += result.bytes;
    ASSERT_NE(result.outcome, Io::Failed);
  };
  const std::string all = received(file.size(), send);
  const std::size_t changed_at = all.find('#');
  ASSERT_NE(changed_at, std::string::npos);
  EXPECT_GE(changed_at, blocked_at);
  EXPECT_LE(changed_at, blocked_at + TlsWire::kGathered * RecordSize::kLargest);
  EXPECT_TRUE(all == file.content().substr(0, changed_at) + other.substr(changed_at));
}

TEST_F(TlsTransportTest, answers_changes_of_the_key_between_records_that_wait) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  const std::string all(2'000'000, 'x');
  std::size_t done = write_until_blocked(all);
  std::string got = read_what_is_there();
  stream->change_key();
  ASSERT_EQ(stream->write("x"), 1);
  EXPECT_EQ(read_all(1), "x");
  const auto send = [&] {
    if (done == all.size()) return;
    const iovec piece{const_cast<char*>(all.data()) + done, all.size() - done};
    const IoResult result = transport->write({&piece, 1}, false);
    if (result.outcome == Io::Ok) done += result.bytes;
    ASSERT_NE(result.outcome, Io::Failed);
  };
  got += received(all.size() - got.size(), send);
  EXPECT_EQ(got.size(), all.size());
  EXPECT_TRUE(got == all);
}

TEST_F(TlsTransportTest, sends_what_it_kept_before_its_last_word) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  const std::string all(2'000'000, 'x');
  const std::size_t done = write_until_blocked(all);
  std::string got = read_what_is_there();
  transport->end_writing(false);
  ssize_t last = 1;
  for (char room[30'000]; last > 0; got.append(room, static_cast<std::size_t>(std::max<ssize_t>(last, 0))))
    last = stream->read(room);
  EXPECT_EQ(last, 0) << "an end in order";
  EXPECT_GE(got.size(), done);
  EXPECT_TRUE(got == all.substr(0, got.size()));
}

TEST_F(TlsTransportTest, ends_both_sides_in_order) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  stream->end();
  wait(POLLIN);
  std::byte room[10];
  EXPECT_EQ(transport->read(room).outcome, Io::End);
  EXPECT_TRUE(transport->has_pending()) << "the end is still to be told";
  EXPECT_EQ(transport->read(room).outcome, Io::End);
  transport->end_writing(false);
  char got[10];
  EXPECT_EQ(stream->read(got), 0);
}

TEST_F(TlsTransportTest, fails_at_nonsense_and_stays_so) {
  ASSERT_EQ(shake_hands(), Io::Ok);
  ASSERT_EQ(::send(peer_socket.get(), "\x17\x03\x03\x00\x05 nonsense", 14, 0), 14);
  wait(POLLIN);
  std::byte room[10];
  EXPECT_EQ(transport->read(room).outcome, Io::Failed);
  EXPECT_EQ(transport->read(room).outcome, Io::Failed);
  iovec piece{room, 1};
  EXPECT_EQ(transport->write({&piece, 1}, false).outcome, Io::Failed);
  transport->end_writing(false);
}

TEST_F(TlsTransportTest, tells_a_client_of_plain_http_what_this_port_speaks) {
  const std::string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_GT(::send(peer_socket.get(), request.data(), request.size(), 0), 0);
  wait(POLLIN);
  EXPECT_EQ(transport->handshake().outcome, Io::Failed);
  char room[500];
  const ssize_t got = ::recv(peer_socket.get(), room, sizeof room, 0);
  ASSERT_GT(got, 0);
  const std::string_view answer(room, static_cast<std::size_t>(got));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_NE(answer.find("Content-Length: " + std::to_string(answer.size() - answer.find("\r\n\r\n") - 4)),
            std::string_view::npos)
      << answer;
}

TEST_F(TlsTransportTest, counts_clients_that_take_too_long) {
  transport.reset();
  EXPECT_EQ(failures(stats::TlsFailure::Timeout), 1u) << "given up while it went on";
}

TEST_F(TlsTransportTest, counts_clients_that_leave) {
  ::shutdown(peer_socket.get(), SHUT_WR);
  wait(POLLIN);
  EXPECT_NE(transport->handshake().outcome, Io::Ok);
  transport.reset();
  EXPECT_EQ(failures(stats::TlsFailure::Closed), 1u);
  EXPECT_EQ(failures(stats::TlsFailure::Timeout), 0u);
}

TEST_F(TlsTransportTest, counts_clients_that_refuse_its_certificate) {
  EXPECT_EQ(shake_hands({.trust = other.certificate, .name = "a.test", .most = TLS1_2_VERSION}), Io::Failed);
  EXPECT_EQ(failures(stats::TlsFailure::ClientAlert), 1u) << peer_problem;
}

class StrictTlsTransportTest : public TlsTransportTest {
 protected:
  StrictTlsTransportTest() : TlsTransportTest(true) {}
};

TEST_F(StrictTlsTransportTest, serves_who_asks_for_a_name_it_has) {
  ASSERT_EQ(shake_hands({.name = "b.test"}), Io::Ok) << peer_problem;
  EXPECT_EQ(stream->certificate(), other.certificate);
}

TEST_F(StrictTlsTransportTest, refuses_strangers) {
  EXPECT_EQ(shake_hands({.name = "stranger.test"}), Io::Failed);
  EXPECT_THAT(peer_problem, testing::HasSubstr("unrecognized name"));
  EXPECT_EQ(failures(stats::TlsFailure::Name), 1u);
}

TEST_F(StrictTlsTransportTest, refuses_who_asks_for_no_name) {
  EXPECT_EQ(shake_hands(), Io::Failed);
}

}  // namespace
}  // namespace holdfast::net
