// An answer to an HTTP/1.0 client whose length is not known before ends with its connection: one that is cut
// must end by a reset, whatever cuts it.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/support/gzip_text.h"
#include "tests/support/server_process.h"

namespace holdfast::support {
namespace {

ServerConfig one_worker() {
  ServerConfig config;
  config.workers = 1;
  config.process = "shutdown_timeout: 300ms";
  return config;
}

const std::string kHalf = packable_text(50'000);

/// Asks for an echo of 100,000 bytes, which is packed while it is sent, and sends 50,000.
void ask_for_echo(Client& client) {
  client.send(
      "POST /api/echo HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\nContent-Type: text/plain\r\n"
      "Content-Length: 100000\r\n\r\n");
  client.send(kHalf);
  const Response head = client.receive_head();
  ASSERT_EQ(head.status, 200) << head;
  ASSERT_FALSE(head.has("content-length")) << head;
}

/// Reads to the end: whole, or reset.
Outcome read_on(Client& client, std::string& body) {
  body = client.pending();
  char bytes[4096];
  for (;;) {
    pollfd ready{client.fd(), POLLIN, 0};
    if (::poll(&ready, 1, 10'000) != 1) return Outcome::Timeout;
    const ssize_t got = ::recv(client.fd(), bytes, sizeof bytes, 0);
    if (got < 0) return errno == ECONNRESET ? Outcome::Reset : Outcome::LocalError;
    if (got == 0) return Outcome::Ok;
    body.append(bytes, static_cast<std::size_t>(got));
  }
}

TEST(cut_answers, of_a_killed_worker_end_by_a_reset) {
  ServerProcess server(one_worker());
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  const std::vector<pid_t> workers = server.workers();
  ASSERT_EQ(workers.size(), 1u);
  Client client(server.port());
  ask_for_echo(client);
  ::kill(workers[0], SIGKILL);
  std::string body;
  EXPECT_EQ(read_on(client, body), Outcome::Reset);
}

TEST(cut_answers, of_a_worker_that_has_to_leave_end_by_a_reset) {
  ServerProcess server(one_worker());
  ASSERT_TRUE(server.ready());
  server.allow("worker overdue");
  Client client(server.port());
  ask_for_echo(client);
  const std::size_t mark = server.log().mark();
  server.signal(SIGTERM);
  ASSERT_TRUE(server.log().wait_event("worker ended", mark, 20s));
  std::string body;
  EXPECT_EQ(read_on(client, body), Outcome::Reset);
}

TEST(cut_answers, are_not_those_that_are_whole) {
  ServerProcess server(one_worker());
  ASSERT_TRUE(server.ready());
  Client client(server.port());
  ask_for_echo(client);
  client.send(kHalf);
  std::string body;
  EXPECT_EQ(read_on(client, body), Outcome::Ok);
  EXPECT_TRUE(gunzip(body) == kHalf + kHalf);
}

}  // namespace
}  // namespace holdfast::support
