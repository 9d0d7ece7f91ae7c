#include "worker/upstream/conversation.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "worker/upstream/connector.h"

namespace holdfast::upstream {
namespace {

// A server that is faster than we are shares the loop with others.
constexpr int kReadsPerTurn = 4;
// A head is not read byte by byte, however small the credit for the body is.
constexpr std::size_t kLeastHeadRead = 4096;

std::string in_seconds(Duration duration) {
  const auto milliseconds = std::chrono::duration_cast<Milliseconds>(duration).count();
  if (milliseconds % 1000 == 0) return std::to_string(milliseconds / 1000) + "s";
  return std::to_string(milliseconds) + "ms";
}

}  // namespace

Conversation::Conversation(loop::EventLoop& loop, Listener& listener, std::unique_ptr<net::Transport> transport,
                           const Terms& terms)
    : loop_(loop),
      listener_(listener),
      transport_(std::move(transport)),
      terms_(terms),
      parser_(terms.to_head) {}

void Conversation::begin() {
  if (Result<void> watched =
          watch_.start(loop_, transport_->fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
      !watched)
    return break_off(api::FetchFailure::Refused, watched.error().message());
  advance();
}

void Conversation::grant(std::size_t bytes) {
  if (over_) return;
  terms_.credit += bytes;
  loop_.defer(*this);
}

void Conversation::stop() {
  over_ = true;
  watch_.stop();
  loop_.timers().cancel(*this);
  transport_.reset();
}

void Conversation::on_ready(std::uint32_t /*events*/) {
  // TLS may want to read in order to write, and the other way round.
  readable_ = writable_ = true;
  advance();
}

void Conversation::advance() {
  if (over_) return;
  write_some();
  read_some();
  if (!over_) watch_silence();
}

void Conversation::write_some() {
  while (writable_ && !write_failed_ && terms_.head.size() + terms_.body.size() > 0) {
    const auto piece = [](std::string_view text) { return iovec{const_cast<char*>(text.data()), text.size()}; };
    const std::array<iovec, 2> both{piece(terms_.head), piece(terms_.body)};
    const std::span<const iovec> pieces =
        terms_.head.empty()
            ? std::span<const iovec>(both).last(1)
            : std::span<const iovec>(both).first(terms_.body.empty() ? std::size_t{1} : std::size_t{2});
    const net::IoResult written = transport_->write(pieces, false);
    switch (written.outcome) {
      case net::Io::Ok:
        break;
      case net::Io::WantRead:
      case net::Io::WantWrite:
        writable_ = false;
        return;
      case net::Io::End:
      case net::Io::Failed:
        // It may have answered before it stopped listening: that is still read.
        write_failed_ = true;
        return;
    }
    moved_ = true;
    const std::size_t of_head = std::min(written.bytes, terms_.head.size());
    terms_.head.remove_prefix(of_head);
    terms_.body.remove_prefix(written.bytes - of_head);
  }
}

std::size_t Conversation::most_to_read() const {
  // What is read of a body is no more than there is credit for: all of it can be delivered at once.
  const std::size_t wanted = parser_.in_body() ? terms_.credit : std::max(terms_.credit, kLeastHeadRead);
  return std::min(wanted, terms_.room.size());
}

void Conversation::read_some() {
  for (int reads = 0; reads < kReadsPerTurn; ++reads) {
    if (!take_unparsed() || !readable_ || most_to_read() == 0) return;
    const net::IoResult got = transport_->read(terms_.room.first(most_to_read()));
    switch (got.outcome) {
      case net::Io::Ok:
        break;
      case net::Io::WantRead:
      case net::Io::WantWrite:
        readable_ = false;
        return;
      case net::Io::End:
        return on_input_end(0);
      case net::Io::Failed:
        return on_input_end(got.error != 0 ? got.error : ECONNRESET);
    }
    moved_ = true;
    deliver(terms_.room.first(got.bytes));
    if (over_) return;
  }
  loop_.defer(*this);
}

/// False: the conversation is over, or there is no credit for what has arrived already.
bool Conversation::take_unparsed() {
  if (unparsed_.empty()) return !over_;
  const Buffer arrived = std::move(unparsed_);
  deliver(arrived.bytes());
  return !over_ && unparsed_.empty();
}

void Conversation::deliver(std::span<const std::byte> input) {
  while (true) {
    const ResponseParser::Step step = parser_.parse(input, terms_.credit);
    input = input.subspan(step.consumed);
    switch (step.event) {
      case ResponseParser::Event::More:
        unparsed_.append(input);
        return;
      case ResponseParser::Event::Head:
        listener_.on_response_head(parser_.status(), parser_.fields());
        break;
      case ResponseParser::Event::Body:
        terms_.credit -= step.body.size();
        listener_.on_response_body(step.body);
        break;
      case ResponseParser::Event::End:
        return finish(input.empty());
      case ResponseParser::Event::Refused:
        return break_off(parser_.failure(), parser_.problem());
    }
    if (over_) return;
  }
}

void Conversation::on_input_end(int error) {
  if (error != 0)
    return break_off(
        api::FetchFailure::CutShort,
        parser_.begun()
            ? std::string("the connection broke before the answer was whole (") + std::strerror(error) + ")"
            : std::string("the connection broke without an answer (") + std::strerror(error) + ")");
  if (parser_.end_of_input() == ResponseParser::Event::End) return finish(false);
  break_off(parser_.failure(), parser_.problem());
}

void Conversation::finish(bool all_consumed) {
  const bool written = terms_.head.empty() && terms_.body.empty() && !write_failed_;
  const bool reusable = all_consumed && written && parser_.keeps_alive() && !transport_->has_pending();
  std::unique_ptr<net::Transport> transport = std::move(transport_);
  watch_.stop();
  if (!reusable) transport.reset();
  stop();
  listener_.on_response_end(std::move(transport));
}

void Conversation::break_off(api::FetchFailure why, std::string_view text) {
  const bool unanswered = !parser_.begun();
  const std::string kept(text);
  stop();
  listener_.on_broken(why, kept, unanswered);
}

bool Conversation::waits() const {
  const bool writing = !write_failed_ && terms_.head.size() + terms_.body.size() > 0;
  return writing || !parser_.in_body() || (terms_.credit > 0 && unparsed_.empty());
}

void Conversation::watch_silence() {
  if (!waits()) {
    loop_.timers().cancel(*this);
  } else if (std::exchange(moved_, false) || loop::TimerWheel::deadline_of(*this) == kNever) {
    loop_.timers().arm(*this, later(loop_.now(), terms_.idle_timeout));
  }
}

void Conversation::on_timer(TimePoint /*now*/) {
  const std::string silence = "it has kept silent for " + in_seconds(terms_.idle_timeout);
  break_off(api::FetchFailure::TimedOut, silence);
}

}  // namespace holdfast::upstream
