#include "worker/upstream/response_parser.h"

#include <algorithm>

#include "common/ascii.h"
#include "common/text_room.h"
#include "worker/http/head_lines.h"

namespace holdfast::upstream {
namespace {

constexpr std::string_view kProtocol = "HTTP/1.";

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_interim(std::uint16_t status) {
  return status < 200;
}

}  // namespace

/// What the fields say of the body and of the connection.
struct ResponseParser::Framing {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
};

bool ResponseParser::refuse(std::string_view problem, api::FetchFailure why) {
  refused_ = true;
  problem_ = problem;
  failure_ = why;
  return false;
}

ResponseParser::Step ResponseParser::parse(std::span<const std::byte> input, std::size_t most_body) {
  if (refused_) return {0, Event::Refused};
  if (state_ == State::Done) return {0, Event::End};
  begun_ = begun_ || !input.empty();
  if (state_ == State::Head) return take_head(input);
  if (!head_.empty()) begin_body();
  return take_body(input, most_body);
}

ResponseParser::Step ResponseParser::take_head(std::span<const std::byte> input) {
  std::size_t consumed = 0;
  while (consumed < input.size()) {
    const std::size_t before = head_.size();
    head_ += text_of(input.subspan(consumed)).substr(0, kMostHeadBytes + 1 - before);
    // What is no HTTP is refused at once: its sender may wait for an answer before it goes on.
    if (!head_.starts_with(kProtocol.substr(0, head_.size()))) {
      refuse("what came is not HTTP/1.1");
      return {consumed, Event::Refused};
    }
    http::HeadLines ignored({});
    const http::HeadEnd end = http::find_head_end(head_, scanned_, ignored);
    if (end == http::HeadEnd::BareLf) {
      refuse("a line of the head ends without CR");
      return {consumed, Event::Refused};
    }
    if (end == http::HeadEnd::Missing) {
      if (head_.size() <= kMostHeadBytes) return {input.size(), Event::More};
      refuse("the head is larger than 64 KiB", api::FetchFailure::TooLarge);
      return {consumed, Event::Refused};
    }
    consumed += scanned_ - before;
    head_.resize(scanned_);
    scanned_ = 0;
    if (!read_head()) return {consumed, Event::Refused};
    if (!is_interim(status_)) {
      state_ = State::Body;
      return {consumed, Event::Head};
    }
    head_.clear();
  }
  return {consumed, Event::More};
}

bool ResponseParser::read_head() {
  if (head_.size() > kMostHeadBytes)
    return refuse("the head is larger than 64 KiB", api::FetchFailure::TooLarge);
  fields_.resize(kMostFields);
  http::HeadLines lines(fields_);
  std::size_t scanned = 0;
  http::find_head_end(head_, scanned, lines);
  if (!read_status_line(lines.first)) return false;
  if (lines.too_many) return refuse("the head has more than 100 fields", api::FetchFailure::TooLarge);
  Framing framing;
  field_count_ = 0;
  for (; field_count_ < lines.count && !fields_[field_count_].name.empty(); ++field_count_) {
    api::Field& field = fields_[field_count_];
    if (!http::split_field_line(field.name, lines.clean, field))
      return refuse("the head has a line that is no field");
    if (!read_field(field, framing)) return false;
  }
  if (is_interim(status_)) return true;
  keep_alive_ = !framing.close && (!http10_ || framing.keep_alive);
  return decide_body(framing);
}

// RFC 9112 section 4. A reason may be missing with the space before it: many servers leave out both.
bool ResponseParser::read_status_line(std::string_view line) {
  const std::size_t digits = kProtocol.size() + 2;
  if (line.size() < digits + 3 || !is_ascii_digit(line[kProtocol.size()]) || line[digits - 1] != ' ' ||
      (line.size() > digits + 3 && line[digits + 3] != ' '))
    return refuse("the status line is malformed");
  const std::optional<std::uint64_t> status = parse_decimal(line.substr(digits, 3));
  if (!status || *status < 100 || *status > 599 || !http::is_field_value(line))
    return refuse("the status line is malformed");
  http10_ = line[kProtocol.size()] == '0';
  status_ = static_cast<std::uint16_t>(*status);
  if (status_ == 101) return refuse("it changes to another protocol, which nobody asked for");
  if (is_interim(status_) && ++interim_ > kMostInterim) return refuse("it sends too many interim answers");
  return true;
}

bool ResponseParser::read_field(const api::Field& field, Framing& framing) {
  if (ascii_iequals(field.name, "content-length")) {
    const std::optional<std::uint64_t> length = parse_decimal(field.value);
    if (!length) return refuse("its Content-Length is no number");
    if (framing.length.value_or(*length) != *length) return refuse("it has two lengths that differ");
    framing.length = length;
  } else if (ascii_iequals(field.name, "transfer-encoding")) {
    // RFC 9112 section 6.1: nothing but one final `chunked` is understood here.
    if (framing.chunked || http10_ || !ascii_iequals(field.value, "chunked"))
      return refuse("its Transfer-Encoding is not understood");
    framing.chunked = true;
  } else if (ascii_iequals(field.name, "connection")) {
    for_each_list_element(field.value, [&framing](std::string_view option) {
      if (ascii_iequals(option, "close")) framing.close = true;
      if (ascii_iequals(option, "keep-alive")) framing.keep_alive = true;
    });
  }
  return true;
}

// RFC 9112 section 6.3, in its order.
bool ResponseParser::decide_body(const Framing& framing) {
  if (framing.chunked && framing.length) return refuse("it has both a length and chunks");
  if (to_head_ || status_ == 204 || status_ == 304) {
    rule_ = Rule::None;
    // A 204 that announces content may send it all the same: what follows is not trusted to be an answer.
    if (status_ == 204 && (framing.chunked || framing.length.value_or(0) > 0)) keep_alive_ = false;
  } else if (framing.chunked) {
    rule_ = Rule::Chunked;
  } else if (framing.length) {
    rule_ = Rule::Length;
    left_ = *framing.length;
  } else {
    rule_ = Rule::Close;
  }
  return true;
}

void ResponseParser::begin_body() {
  free_room(head_);
  fields_ = std::vector<api::Field>();
  field_count_ = 0;
}

ResponseParser::Step ResponseParser::take_body(std::span<const std::byte> input, std::size_t most) {
  if (rule_ == Rule::Chunked) return take_chunks(input, most);
  if (rule_ == Rule::None || (rule_ == Rule::Length && left_ == 0)) {
    state_ = State::Done;
    return {0, Event::End};
  }
  std::size_t part = std::min(input.size(), most);
  if (rule_ == Rule::Length) {
    part = static_cast<std::size_t>(std::min<std::uint64_t>(part, left_));
    left_ -= part;
  }
  if (part == 0) return {0, Event::More};
  return {part, Event::Body, input.first(part)};
}

ResponseParser::Step ResponseParser::take_chunks(std::span<const std::byte> input, std::size_t most) {
  const http::ChunkedDecoder::Step step = decoder_.decode(input, most);
  if (step.refused) {
    refuse("its chunks are malformed");
    return {step.consumed, Event::Refused};
  }
  if (step.done) {
    state_ = State::Done;
    return {step.consumed, Event::End};
  }
  if (step.data.empty()) return {step.consumed, Event::More};
  return {step.consumed, Event::Body, step.data};
}

ResponseParser::Event ResponseParser::end_of_input() {
  if (refused_) return Event::Refused;
  const bool whole = state_ == State::Done ||
                     (state_ == State::Body &&
                      (rule_ == Rule::None || rule_ == Rule::Close || (rule_ == Rule::Length && left_ == 0)));
  if (whole) {
    state_ = State::Done;
    return Event::End;
  }
  if (state_ == State::Body) {
    refuse("the connection ended before the body was whole", api::FetchFailure::CutShort);
  } else if (begun_) {
    refuse("the connection ended before the head was whole", api::FetchFailure::CutShort);
  } else {
    refuse("the connection ended without an answer", api::FetchFailure::CutShort);
  }
  return Event::Refused;
}

}  // namespace holdfast::upstream
