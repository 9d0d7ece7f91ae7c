#include "worker/broker/redis_connection.h"

#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "common/text_room.h"

namespace holdfast::broker {
namespace {

// Memory that is kept for the next burst.
constexpr std::size_t kKept = std::size_t{64} * 1024;
// More than this is written within the turn already, so that a long list does not wait at the limit.
constexpr std::size_t kWriteEarly = std::size_t{256} * 1024;
// The longest array of what is asked for here has four.
constexpr std::size_t kMostElements = 16;

std::string text_of(int code) {
  return std::generic_category().message(code);
}

const redisReplyObjectFunctions& usual_functions() {
  static const redisReplyObjectFunctions functions = [] {
    redisReader* const reader = redisReaderCreate();
    if (reader == nullptr) throw std::bad_alloc();
    const redisReplyObjectFunctions copy = *reader->fn;
    redisReaderFree(reader);
    return copy;
  }();
  return functions;
}

/// The library reserves memory for as many elements as the peer announces. The count's type differs between its
/// versions.
template <class Count>
void* create_short_array(const redisReadTask* task, Count elements) {
  if (static_cast<std::size_t>(elements) > kMostElements) return nullptr;
  return usual_functions().createArray(task, elements);
}

redisReader* make_reader() {
  static redisReplyObjectFunctions functions = [] {
    redisReplyObjectFunctions own = usual_functions();
    own.createArray = create_short_array;
    return own;
  }();
  redisReader* const reader = redisReaderCreateWithFunctions(&functions);
  if (reader == nullptr) throw std::bad_alloc();
  return reader;
}

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

}  // namespace

void RedisConnection::FreeReader::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

RedisConnection::~RedisConnection() {
  close();
}

Result<void> RedisConnection::open(const RedisAddress& address) {
  close();
  const auto* const at = reinterpret_cast<const sockaddr*>(&address.storage);
  Fd socket(::socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return system_error(errno, "make a socket");
  // What is said in a turn leaves in one piece already.
  const int on = 1;
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.get(), at, address.size) != 0 && errno != EINPROGRESS)
    return system_error(errno, "connect");
  if (Result<void> watched = watch_.start(loop_, socket.get(), EPOLLIN | EPOLLOUT, *this); !watched)
    return watched;
  socket_ = std::move(socket);
  reader_.reset(make_reader());
  connecting_ = wants_room_ = asked_ = true;
  loop_.timers().arm(*this, loop_.now() + patience_.answer);
  return {};
}

void RedisConnection::close() {
  loop_.timers().cancel(*this);
  if (!socket_) return;
  if (!connecting_ && waiting() > 0) (void)write();
  watch_.stop();
  // Bytes that were not read would turn the end into a reset, which can overtake the last commands.
  if (!connecting_) {
    ::shutdown(socket_.get(), SHUT_WR);
    const std::span<std::byte> buffer = loop_.read_buffer();
    (void)::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  }
  socket_.reset();
  reader_.reset();
  free_room(output_);
  sent_ = partial_ = 0;
}

bool RedisConnection::send(std::initializer_list<std::string_view> words) {
  if (!socket_) return false;
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* command = nullptr;
  const auto length =
      redisFormatCommandArgv(&command, static_cast<int>(words.size()), texts.data(), sizes.data());
  if (length < 0) throw std::bad_alloc();
  const std::unique_ptr<char, decltype(&redisFreeCommand)> owner(command, &redisFreeCommand);
  const std::string_view bytes(command, static_cast<std::size_t>(length));
  if (waiting() + bytes.size() > kMostWaiting) return false;
  output_ += bytes;
  // An error shows again at the end of the turn.
  if (waiting() > kWriteEarly && !wants_room_) (void)write();
  loop_.defer(*this);
  return true;
}

/// False: the connection is broken, by errno.
bool RedisConnection::write() {
  while (waiting() > 0) {
    const ssize_t sent = ::send(socket_.get(), output_.data() + sent_, waiting(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
      // What has left is not moved about for each piece.
      if (sent_ > output_.size() / 2) output_.erase(0, std::exchange(sent_, 0));
      return true;
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  sent_ = 0;
  if (output_.capacity() > kKept) free_room(output_);
  output_.clear();
  return true;
}

void RedisConnection::on_deferred() {
  if (!socket_ || connecting_) return;
  if (!write()) return lose(text_of(errno));
  watch_for_room();
}

void RedisConnection::watch_for_room() {
  if (wants_room_ == (waiting() > 0)) return;
  wants_room_ = !wants_room_;
  watch_.change(wants_room_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

bool RedisConnection::finish_connecting() {
  int code = 0;
  socklen_t size = sizeof code;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  if (code == 0)
    connecting_ = false;
  else
    lose(text_of(code));
  return code == 0;
}

void RedisConnection::on_ready(std::uint32_t events) {
  if (connecting_ && !finish_connecting()) return;
  if ((events & EPOLLOUT) != 0) on_deferred();
  if (socket_ && (events & ~std::uint32_t{EPOLLOUT}) != 0) read();
}

// Once: the descriptor is ready again in the next turn if there is more, so that clients get theirs.
void RedisConnection::read() {
  const std::span<std::byte> buffer = loop_.read_buffer();
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got == 0) return lose("it has closed the connection");
  if (got < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) lose(text_of(errno));
    return;
  }
  heard_ = loop_.now();
  asked_ = false;
  const auto arrived = static_cast<std::size_t>(got);
  // Its errors show with the next reply.
  (void)redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(buffer.data()), arrived);
  take_replies(arrived);
}

void RedisConnection::take_replies(std::size_t arrived) {
  partial_ += arrived;
  // The user may close the connection in between.
  while (reader_) {
    void* object = nullptr;
    if (redisReaderGetReply(reader_.get(), &object) != REDIS_OK)
      return lose(std::string("what it sends does not follow the Redis protocol: ") + reader_->errstr);
    const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(object));
    if (!reply) break;
    partial_ = arrived;
    user_.on_reply(*this, *reply);
  }
  if (reader_ && partial_ > kMostReply)
    lose("it has sent a reply of more than " + std::to_string(kMostReply) + " bytes");
}

void RedisConnection::on_timer(TimePoint now) {
  if (asked_)
    return lose(
        std::string(connecting_ ? "it does not accept the connection within " : "it does not answer within ") +
        std::to_string(patience_.answer.count()) + " ms");
  if (now - heard_ < patience_.idle) return loop_.timers().arm(*this, heard_ + patience_.idle);
  asked_ = true;
  loop_.timers().arm(*this, now + patience_.answer);
  // Who is told something already answers that.
  if (waiting() == 0) send({"PING"});
}

void RedisConnection::lose(const std::string& why) {
  // Nobody would read it.
  output_.clear();
  sent_ = 0;
  close();
  user_.on_lost(*this, why);
}

}  // namespace holdfast::broker
