// Incremental parser of one HTTP/1.1 response (RFC 9112 sections 4 to 6): status line, fields, body by length,
// in chunks or until the connection ends; interim responses (1xx) are skipped. Pure. Strict: what two parsers
// could read differently is refused, because the connection may carry the next answer. Holds the head alone, of
// bounded size; body bytes are views into the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/fetch.h"
#include "worker/http/chunked_decoder.h"

namespace holdfast::upstream {

class ResponseParser {
 public:
  static constexpr std::size_t kMostHeadBytes = std::size_t{64} * 1024;  // of each head
  static constexpr std::size_t kMostFields = 100;
  static constexpr int kMostInterim = 16;

  enum class Event : std::uint8_t {
    More,    // what was given is consumed, or waits for room for the body
    Head,    // status() and fields() are there
    Body,    // Step::body holds a part of it
    End,     // the response is complete; nothing behind it was consumed
    Refused  // failure() and problem() say why; the last word
  };
  struct Step {
    std::size_t consumed = 0;
    Event event = Event::More;
    std::span<const std::byte> body{};
  };

  /// `to_head`: of a HEAD request, whose answer has fields of a body and no body (RFC 9110 section 9.3.2).
  explicit ResponseParser(bool to_head) : to_head_(to_head) {}

  /// Takes input up to the next event. Call again with what was not consumed until it says More, also when
  /// nothing is left: an end needs no bytes. Body has at most `most_body` bytes; with 0 it stops before it.
  Step parse(std::span<const std::byte> input, std::size_t most_body);
  /// The connection has ended: End for a body that ends so (RFC 9112 section 6.3), else Refused.
  Event end_of_input();

  std::uint16_t status() const { return status_; }
  /// Views into this; they live until the next call of parse().
  std::span<const api::Field> fields() const { return {fields_.data(), field_count_}; }
  api::FetchFailure failure() const { return failure_; }
  std::string_view problem() const { return problem_; }
  /// A byte of an answer has come.
  bool begun() const { return begun_; }
  /// The final head has come; what follows is the body.
  bool in_body() const { return state_ != State::Head; }
  /// After End: the connection may carry another request (RFC 9112 section 9.3).
  bool keeps_alive() const { return keep_alive_ && state_ == State::Done && rule_ != Rule::Close; }

 private:
  enum class State : std::uint8_t { Head, Body, Done };
  enum class Rule : std::uint8_t { None, Length, Chunked, Close };
  struct Framing;

  Step take_head(std::span<const std::byte> input);
  bool read_head();
  bool read_status_line(std::string_view line);
  bool read_field(const api::Field& field, Framing& framing);
  bool decide_body(const Framing& framing);
  void begin_body();
  Step take_body(std::span<const std::byte> input, std::size_t most);
  Step take_chunks(std::span<const std::byte> input, std::size_t most);
  bool refuse(std::string_view problem, api::FetchFailure why = api::FetchFailure::Malformed);

  const bool to_head_;
  State state_ = State::Head;
  Rule rule_ = Rule::None;
  bool begun_ = false;
  bool refused_ = false;
  bool http10_ = false;
  bool keep_alive_ = false;
  int interim_ = 0;
  std::uint16_t status_ = 0;
  std::uint64_t left_ = 0;  // Rule::Length
  http::ChunkedDecoder decoder_;
  std::string head_;         // given back when the body begins
  std::size_t scanned_ = 0;  // of it
  std::vector<api::Field> fields_;
  std::size_t field_count_ = 0;
  api::FetchFailure failure_{};
  std::string_view problem_;
};

}  // namespace holdfast::upstream
