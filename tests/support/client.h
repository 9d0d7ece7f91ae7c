// An HTTP/1.1 client that hides nothing: raw bytes out, responses in, and an exact word for each way it can go
// wrong. Blocking, with a time limit for each step. One connection a Client; used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/fd.h"
#include "tests/support/outcome_counter.h"
#include "tests/support/tls_stream.h"

namespace holdfast::support {

struct Response {
  Outcome outcome = Outcome::NoAnswer;
  int status = 0;
  std::string version;                                      // "HTTP/1.1"
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  std::string body;
  bool chunked = false;

  bool ok() const { return outcome == Outcome::Ok; }
  /// The first field of this (lower case) name; empty when there is none.
  std::string field(std::string_view name) const;
  bool has(std::string_view name) const;
  /// The server said that it closes, or its version and fields imply it.
  bool closes() const;
};
std::ostream& operator<<(std::ostream& out, const Response& response);

enum class Expect : std::uint8_t { Body, NoBody };

struct ClientOptions {
  Milliseconds timeout = std::chrono::seconds(10);
  std::uint32_t source = 0;  // host order address to connect from; 0: the kernel chooses
  int receive_buffer = 0;    // bytes; 0: the kernel's default. Small ones make a reader slow to accept
  Milliseconds connect_timeout = std::chrono::seconds(5);
  const TlsOptions* tls = nullptr;  // speaks TLS with these; outlives the client
};

class Client {
 public:
  /// Connects to 127.0.0.1; `connected()` tells how it went.
  explicit Client(std::uint16_t port, const ClientOptions& options = {});

  Outcome connected() const { return connected_; }
  int fd() const { return socket_.get(); }
  /// Null without TLS, or when the handshake failed.
  const TlsStream* tls() const { return tls_.get(); }
  const std::string& tls_problem() const { return tls_problem_; }

  /// Sends all; Reset when the peer does not take it any more, Timeout when it stalls.
  Outcome send(std::string_view bytes);
  /// Sends what the peer takes until `in` has passed without progress; returns how much that was.
  std::size_t send_until_stuck(std::string_view bytes, Milliseconds in);
  void end_sending();

  /// Reads one response; interim ones (1xx) are responses of their own.
  Response receive(Expect expect = Expect::Body);
  /// Reads a head only; the body follows by receive_some.
  Response receive_head();
  /// Body bytes of a response with Content-Length: at most `most`, at least one; empty at its end or when it
  /// was cut.
  std::string receive_some(std::size_t most);
  /// Whether something can be read without waiting, in clear.
  bool readable() const;
  /// Exactly so many bytes, whatever they mean.
  Outcome receive_raw(std::size_t size, std::string& bytes) { return read_length(size, bytes); }
  /// GET (or another method without a body), answered.
  Response request(std::string_view method, std::string_view target, std::string_view more_fields = {});
  Response get(std::string_view target) { return request("GET", target); }

  /// Ok: the peer ended the connection in time and sent nothing more. Malformed: it sent more. Reset, Timeout
  /// as named.
  Outcome closes_within(Milliseconds in);
  /// Bytes received and not yet taken.
  const std::string& pending() const { return buffer_; }

 private:
  void connect(std::uint16_t port);
  ssize_t write_some(std::string_view bytes);
  ssize_t read_some(std::span<char> room);
  Outcome fill(Milliseconds in);
  Outcome read_head(Response& response);
  Outcome read_length(std::uint64_t length, std::string& body);
  Outcome read_chunks(std::string& body);
  Outcome read_line(std::string& line);
  Outcome read_to_end(std::string& body);

  ClientOptions options_;
  Fd socket_;
  std::unique_ptr<TlsStream> tls_;  // on the socket
  std::string tls_problem_;
  Outcome connected_ = Outcome::LocalError;
  std::string buffer_;
  std::uint64_t body_left_ = 0;
};

/// One request on a connection of its own.
Response get(std::uint16_t port, std::string_view target, const ClientOptions& options = {});

/// The bytes of a request with Host and, when it has one, a body with its length.
std::string request_text(std::string_view method, std::string_view target, std::string_view more_fields = {},
                         std::string_view body = {});
/// `body` in chunks of at most `size` bytes, with the last chunk.
std::string chunked(std::string_view body, std::size_t size);

}  // namespace holdfast::support
