#include "worker/http/chunked_decoder.h"

#include <algorithm>

#include "common/ascii.h"

namespace holdfast::http {
namespace {

constexpr std::uint8_t kMaxSizeDigits = 15;        // below 2^60, no overflow anywhere
constexpr std::uint32_t kMaxOverhead = 16 * 1024;  // extensions and trailers of one body

bool is_line_byte(char c) {
  return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t';
}

}  // namespace

bool ChunkedDecoder::spend_overhead() {
  return ++overhead_ <= kMaxOverhead;
}

bool ChunkedDecoder::take_size(char c) {
  const int digit = hex_value(c);
  if (digit >= 0 && state_ != State::SizeSpace) {
    if (++digits_ > kMaxSizeDigits) return false;
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    state_ = State::Size;
    return true;
  }
  if (state_ == State::SizeStart) return false;
  if (c == '\r' && state_ == State::Size) {
    state_ = State::SizeLf;
    return true;
  }
  // RFC 9112 section 7.1.1: an extension begins with a semicolon; white space may stand before it, nothing
  // else.
  state_ = c == ';' ? State::Extension : State::SizeSpace;
  return (c == ';' || c == ' ' || c == '\t') && spend_overhead();
}

// RFC 9112 section 7.1.1: a value may be quoted, and quotes end within their line. A CRLF that stands inside of
// them ends the line for one parser and not for another, so it is refused.
bool ChunkedDecoder::take_extension(char c) {
  if (state_ == State::Extension) {
    if (c == '"') state_ = State::Quoted;
    if (c == '\r') state_ = State::SizeLf;
    return (c == '\r' || is_line_byte(c)) && spend_overhead();
  }
  if (state_ == State::QuotedPair) {
    state_ = State::Quoted;
  } else if (c == '"') {
    state_ = State::Extension;
  } else if (c == '\\') {
    state_ = State::QuotedPair;
  }
  return is_line_byte(c) && spend_overhead();
}

bool ChunkedDecoder::take_trailer(char c) {
  switch (state_) {
    case State::TrailerStart:
      if (c == '\r') {
        state_ = State::EndLf;
        return true;
      }
      state_ = State::TrailerName;
      return is_token_char(c) && spend_overhead();
    case State::TrailerName:
      if (c == ':') state_ = State::TrailerValue;
      return (c == ':' || is_token_char(c)) && spend_overhead();
    case State::TrailerValue:
      if (c == '\r') state_ = State::TrailerLf;
      return (c == '\r' || is_line_byte(c)) && spend_overhead();
    case State::TrailerLf:
      state_ = State::TrailerStart;
      return c == '\n';
    case State::EndLf:
      state_ = State::Done;
      return c == '\n';
    case State::SizeStart:
    case State::Size:
    case State::SizeSpace:
    case State::Extension:
    case State::Quoted:
    case State::QuotedPair:
    case State::SizeLf:
    case State::Data:
    case State::DataCr:
    case State::DataLf:
    case State::Done:
      break;
  }
  return false;
}

bool ChunkedDecoder::take(char c) {
  switch (state_) {
    case State::SizeStart:
    case State::Size:
    case State::SizeSpace:
      return take_size(c);
    case State::Extension:
    case State::Quoted:
    case State::QuotedPair:
      return take_extension(c);
    case State::SizeLf:
      state_ = left_ == 0 ? State::TrailerStart : State::Data;
      return c == '\n';
    case State::DataCr:
      state_ = State::DataLf;
      return c == '\r';
    case State::DataLf:
      state_ = State::SizeStart;
      digits_ = 0;
      left_ = 0;
      return c == '\n';
    case State::TrailerStart:
    case State::TrailerName:
    case State::TrailerValue:
    case State::TrailerLf:
    case State::EndLf:
      return take_trailer(c);
    case State::Data:
    case State::Done:
      break;
  }
  return false;
}

ChunkedDecoder::Step ChunkedDecoder::decode(std::span<const std::byte> input, std::size_t most_data) {
  Step step;
  while (step.consumed < input.size() && state_ != State::Done) {
    if (state_ == State::Data) {
      const std::size_t part =
          static_cast<std::size_t>(std::min<std::uint64_t>({left_, input.size() - step.consumed, most_data}));
      step.data = input.subspan(step.consumed, part);
      step.consumed += part;
      left_ -= part;
      if (left_ == 0) state_ = State::DataCr;
      return step;
    }
    const bool trailer = state_ >= State::TrailerStart;
    const char c = static_cast<char>(input[step.consumed]);
    if (trailer && c != '\r') trailers_ += c;
    if (!take(c)) {
      step.refused = trailer ? stats::BadRequest::TrailerSyntax : stats::BadRequest::ChunkSyntax;
      return step;
    }
    ++step.consumed;
  }
  step.done = state_ == State::Done;
  return step;
}

}  // namespace holdfast::http
