#include "tests/support/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>

#include "tests/support/deadline.h"

namespace holdfast::support {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

bool parse_number(std::string_view text, int base, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

sockaddr_in loopback(std::uint32_t address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(address);
  result.sin_port = htons(port);
  return result;
}

Outcome outcome_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return Outcome::ConnectRefused;
    case ETIMEDOUT:
      return Outcome::ConnectTimeout;
    case ECONNRESET:
    case EPIPE:
      return Outcome::Reset;
    default:
      return Outcome::LocalError;
  }
}

bool parse_status_line(std::string_view line, Response& response) {
  if (line.size() < 13 || !line.starts_with("HTTP/") || line[8] != ' ' || line[12] != ' ') return false;
  std::uint64_t status = 0;
  if (!parse_number(line.substr(9, 3), 10, status)) return false;
  response.version = line.substr(0, 8);
  response.status = static_cast<int>(status);
  return true;
}

bool parse_field(std::string_view line, Response& response) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line[colon - 1] == ' ') return false;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
  response.fields.emplace_back(lower(line.substr(0, colon)), value);
  return true;
}

bool never_has_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

std::string Response::field(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

bool Response::has(std::string_view name) const {
  return std::any_of(fields.begin(), fields.end(), [name](const auto& entry) { return entry.first == name; });
}

bool Response::closes() const {
  const std::string connection = lower(field("connection"));
  if (connection.find("close") != std::string::npos) return true;
  return version == "HTTP/1.0" && connection.find("keep-alive") == std::string::npos;
}

std::ostream& operator<<(std::ostream& out, const Response& response) {
  out << outcome_text(response.outcome) << ", " << response.version << ' ' << response.status << '\n';
  for (const auto& [name, value] : response.fields) out << "  " << name << ": " << value << '\n';
  return out << "  (" << response.body.size() << " bytes) " << response.body.substr(0, 300) << '\n';
}

Client::Client(std::uint16_t port, const ClientOptions& options) : options_(options) {
  connect(port);
  if (connected_ != Outcome::Ok || options.tls == nullptr) return;
  tls_ = TlsStream::connect(fd(), *options.tls, options.connect_timeout, tls_problem_);
  if (!tls_) connected_ = Outcome::TlsFailed;
}

void Client::connect(std::uint16_t port) {
  const ClientOptions& options = options_;
  socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return;
  const int on = 1;
  ::setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.receive_buffer > 0)
    ::setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
  if (options.source != 0) {
    // The kernel may then give one port to many connections, as long as their four-tuples differ.
    ::setsockopt(fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const sockaddr_in source = loopback(options.source, 0);
    if (::bind(fd(), reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) return;
  }
  const sockaddr_in peer = loopback(INADDR_LOOPBACK, port);
  if (::connect(fd(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0) {
    connected_ = Outcome::Ok;
    return;
  }
  if (errno != EINPROGRESS) {
    connected_ = outcome_of(errno);
    return;
  }
  pollfd waiting{fd(), POLLOUT, 0};
  if (::poll(&waiting, 1, Deadline(options.connect_timeout).milliseconds_left()) == 0) {
    connected_ = Outcome::ConnectTimeout;
    return;
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  connected_ = error == 0 ? Outcome::Ok : outcome_of(error);
}

ssize_t Client::write_some(std::string_view bytes) {
  return tls_ ? tls_->write(bytes) : ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

ssize_t Client::read_some(std::span<char> room) {
  return tls_ ? tls_->read(room) : ::recv(fd(), room.data(), room.size(), 0);
}

Outcome Client::send(std::string_view bytes) {
  if (connected_ != Outcome::Ok) return connected_;
  while (!bytes.empty()) {
    const ssize_t n = write_some(bytes);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno != EAGAIN) return outcome_of(errno);
    pollfd waiting{fd(), POLLOUT, 0};
    if (::poll(&waiting, 1, Deadline(options_.timeout).milliseconds_left()) == 0) return Outcome::Timeout;
  }
  return Outcome::Ok;
}

std::size_t Client::send_until_stuck(std::string_view bytes, Milliseconds in) {
  const std::size_t all = bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = write_some(bytes);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    pollfd waiting{fd(), POLLOUT, 0};
    if (errno != EAGAIN || ::poll(&waiting, 1, static_cast<int>(in.count())) == 0) break;
  }
  return all - bytes.size();
}

void Client::end_sending() {
  if (tls_) tls_->end();
  ::shutdown(fd(), SHUT_WR);
}

// NoAnswer stands for an orderly end; the caller knows whether that is one of its errors.
Outcome Client::fill(Milliseconds in) {
  if (connected_ != Outcome::Ok) return connected_;
  const Deadline deadline(in);
  for (;;) {
    char room[65536];
    const ssize_t n = read_some(room);
    if (n > 0) {
      buffer_.append(room, static_cast<std::size_t>(n));
      return Outcome::Ok;
    }
    if (n == 0) return Outcome::NoAnswer;
    if (errno != EAGAIN) return outcome_of(errno);
    pollfd waiting{fd(), POLLIN, 0};
    if (::poll(&waiting, 1, deadline.milliseconds_left()) == 0) return Outcome::Timeout;
  }
}

Outcome Client::read_line(std::string& line) {
  for (;;) {
    const std::size_t end = buffer_.find("\r\n");
    if (end != std::string::npos) {
      line = buffer_.substr(0, end);
      buffer_.erase(0, end + 2);
      return Outcome::Ok;
    }
    const Outcome outcome = fill(options_.timeout);
    if (outcome != Outcome::Ok) return outcome == Outcome::NoAnswer ? Outcome::ShortRead : outcome;
  }
}

Outcome Client::read_head(Response& response) {
  if (buffer_.empty()) {
    const Outcome outcome = fill(options_.timeout);
    if (outcome != Outcome::Ok) return outcome;
  }
  std::string line;
  Outcome outcome = read_line(line);
  if (outcome != Outcome::Ok) return outcome;
  if (!parse_status_line(line, response)) return Outcome::Malformed;
  for (;;) {
    outcome = read_line(line);
    if (outcome != Outcome::Ok) return outcome;
    if (line.empty()) break;
    if (!parse_field(line, response)) return Outcome::Malformed;
  }
  response.chunked = lower(response.field("transfer-encoding")) == "chunked";
  if (response.chunked && response.has("content-length")) return Outcome::Malformed;
  return Outcome::Ok;
}

bool Client::readable() const {
  pollfd waiting{fd(), POLLIN, 0};
  return !buffer_.empty() || ::poll(&waiting, 1, 0) > 0;
}

Outcome Client::read_length(std::uint64_t length, std::string& body) {
  while (body.size() < length) {
    if (buffer_.empty()) {
      const Outcome outcome = fill(options_.timeout);
      if (outcome != Outcome::Ok) return outcome == Outcome::NoAnswer ? Outcome::ShortRead : outcome;
    }
    const std::size_t n = std::min<std::size_t>(length - body.size(), buffer_.size());
    body.append(buffer_, 0, n);
    buffer_.erase(0, n);
  }
  return Outcome::Ok;
}

Outcome Client::read_chunks(std::string& body) {
  for (std::string line;;) {
    Outcome outcome = read_line(line);
    if (outcome != Outcome::Ok) return outcome;
    std::uint64_t size = 0;
    if (!parse_number(line.substr(0, line.find(';')), 16, size)) return Outcome::Malformed;
    if (size == 0) break;
    std::string data;
    outcome = read_length(size, data);
    body += data;
    if (outcome != Outcome::Ok) return outcome;
    outcome = read_line(line);
    if (outcome != Outcome::Ok) return outcome;
    if (!line.empty()) return Outcome::Malformed;
  }
  for (std::string line;;) {
    const Outcome outcome = read_line(line);
    if (outcome != Outcome::Ok || line.empty()) return outcome;
  }
}

Outcome Client::read_to_end(std::string& body) {
  for (;;) {
    body += buffer_;
    buffer_.clear();
    const Outcome outcome = fill(options_.timeout);
    if (outcome == Outcome::NoAnswer) return Outcome::Ok;
    if (outcome != Outcome::Ok) return outcome;
  }
}

Response Client::receive(Expect expect) {
  Response response;
  response.outcome = read_head(response);
  if (!response.ok() || expect == Expect::NoBody || never_has_body(response.status)) return response;
  if (response.chunked) {
    response.outcome = read_chunks(response.body);
  } else if (response.has("content-length")) {
    std::uint64_t length = 0;
    const bool valid = parse_number(response.field("content-length"), 10, length);
    response.outcome = valid ? read_length(length, response.body) : Outcome::Malformed;
  } else {
    response.outcome = read_to_end(response.body);
  }
  return response;
}

Response Client::receive_head() {
  Response response;
  response.outcome = read_head(response);
  body_left_ = 0;
  if (response.ok()) parse_number(response.field("content-length"), 10, body_left_);
  return response;
}

std::string Client::receive_some(std::size_t most) {
  if (body_left_ == 0) return {};
  if (buffer_.empty() && fill(options_.timeout) != Outcome::Ok) return {};
  const std::size_t n = std::min({most, buffer_.size(), static_cast<std::size_t>(body_left_)});
  std::string bytes = buffer_.substr(0, n);
  buffer_.erase(0, n);
  body_left_ -= n;
  return bytes;
}

Response Client::request(std::string_view method, std::string_view target, std::string_view more_fields) {
  const Outcome sent = send(request_text(method, target, more_fields));
  Response response;
  response.outcome = sent;
  if (sent != Outcome::Ok) return response;
  return receive(method == "HEAD" ? Expect::NoBody : Expect::Body);
}

Outcome Client::closes_within(Milliseconds in) {
  if (!buffer_.empty()) return Outcome::Malformed;
  const Outcome outcome = fill(in);
  if (outcome == Outcome::NoAnswer) return Outcome::Ok;
  return outcome == Outcome::Ok ? Outcome::Malformed : outcome;
}

Response get(std::uint16_t port, std::string_view target, const ClientOptions& options) {
  Client client(port, options);
  return client.request("GET", target, "Connection: close\r\n");
}

std::string request_text(std::string_view method, std::string_view target, std::string_view more_fields,
                         std::string_view body) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(more_fields);
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text += "\r\n";
  return text.append(body);
}

std::string chunked(std::string_view body, std::size_t size) {
  std::string text;
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, size);
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, piece.size(), 16).ptr;
    text.append(digits, end).append("\r\n").append(piece).append("\r\n");
    body.remove_prefix(piece.size());
  }
  return text + "0\r\n\r\n";
}

}  // namespace holdfast::support
