// OCSP responses beside the certificate: from a file, and from the authority, asked by nobody who serves.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "tests/support/deadline.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

/// Answers everybody on a port of 127.0.0.1 with one OCSP response.
class Responder {
 public:
  Responder() {
    socket_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(socket_.get(), 8);
    socklen_t size = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  }
  ~Responder() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  const std::string& url() const { return url_; }
  void answer_with(const std::string& response) {
    thread_ = std::thread([this, response] { run(response); });
  }
  std::atomic<int> asked{0};

 private:
  void run(const std::string& response) {
    while (!stopping_) {
      pollfd waiting{socket_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 50) <= 0) continue;
      const Fd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      // The request's last byte is the last of its body; how long that is does not matter for one answer.
      char request[4096];
      if (::recv(client.get(), request, sizeof request, 0) <= 0) continue;
      ++asked;
      const std::string answer =
          "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: " +
          std::to_string(response.size()) + "\r\n\r\n" + response;
      ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      ::shutdown(client.get(), SHUT_WR);
      while (::recv(client.get(), request, sizeof request, 0) > 0) continue;
    }
  }

  Fd socket_;
  std::string url_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class stapling : public ::testing::Test {
 protected:
  ServerConfig config(const std::string& ocsp, const TestCertificate& made) const {
    ServerConfig config;
    config.listeners =
        "  http:\n    bind: \"127.0.0.1:0\"\n"
        "    tls: {certificates: [{certificate: site.pem, key: site.key, ocsp: " +
        ocsp + "}]}\n";
    config.files = {{"site.pem", made.certificate + authority.certificate}, {"site.key", made.key}};
    return config;
  }
  static std::string stapled(const ServerProcess& server) {
    const TlsOptions any;
    ClientOptions options;
    options.tls = &any;
    const Client client(server.port(), options);
    return client.connected() == Outcome::Ok ? client.tls()->staple() : "no handshake";
  }

  const TestCertificate authority = make_certificate({}, {.common_name = "root", .authority = true});
};

TEST_F(stapling, sends_what_a_file_holds_and_follows_it) {
  const TestCertificate made = make_certificate({"a.test"}, {.issuer = &authority});
  ServerConfig settings = config("site.der", made);
  const std::string first = ocsp_response(authority, made);
  settings.files["site.der"] = first;
  ServerProcess server(settings);
  ASSERT_TRUE(server.ready());
  EXPECT_TRUE(stapled(server) == first);
  const std::string next = ocsp_response(authority, made, {.until_hours = 90});
  server.dir().write("site.der", next);
  EXPECT_TRUE(eventually(10s, [&] { return stapled(server) == next; }));
  server.allow("certificate");
  server.dir().write("site.der", ocsp_response(authority, made, {.revoked = true}));
  EXPECT_TRUE(eventually(10s, [&] { return stapled(server).empty(); })) << "nothing that clients would refuse";
}

TEST_F(stapling, asks_the_authority_and_keeps_the_answer_over_reloads_and_crashes) {
  Responder responder;
  const TestCertificate made =
      make_certificate({"a.test"}, {.issuer = &authority, .ocsp_url = responder.url()});
  const std::string response = ocsp_response(authority, made);
  responder.answer_with(response);
  ServerProcess server(config("fetch", made));
  ASSERT_TRUE(server.ready());
  server.allow("worker ended");
  EXPECT_TRUE(eventually(10s, [&] { return stapled(server) == response; }));
  ASSERT_EQ(server.reload().event, "reload complete");
  EXPECT_TRUE(stapled(server) == response);
  for (const pid_t worker : server.workers()) {
    ::kill(worker, SIGKILL);
    ASSERT_TRUE(wait_until_gone(worker, 5s));
  }
  ASSERT_TRUE(eventually(10s, [&] { return server.workers().size() == 2; }));
  EXPECT_TRUE(stapled(server) == response);
  EXPECT_EQ(responder.asked, 1);
}

TEST_F(stapling, serves_without_when_the_authority_has_nothing_good_to_say) {
  Responder responder;
  const TestCertificate made =
      make_certificate({"a.test"}, {.issuer = &authority, .ocsp_url = responder.url()});
  responder.answer_with(ocsp_response(authority, made, {.revoked = true}));
  ServerProcess server(config("fetch", made));
  ASSERT_TRUE(server.ready());
  server.allow("certificate");
  EXPECT_TRUE(server.log().wait(
      [](const LogLine& line) {
        return line.raw.find("says that the certificate is revoked") != std::string::npos;
      },
      0, 15s));
  EXPECT_EQ(stapled(server), "");
}

}  // namespace
}  // namespace holdfast::support
