// Bytes of a connection taken apart into frames (RFC 9113 sections 3.4, 4 and 6): the preface, heads, padding,
// the order of frames within a field section, sizes, and which frame belongs on a stream. What frames mean is
// not known here. Pure; keeps nothing of the input, and takes long payloads piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "worker/http2/frame.h"

namespace holdfast::http2 {

class FrameReader {
 public:
  struct Step {
    enum class Kind : std::uint8_t {
      Incomplete,  // the bytes are to come again, with those that follow them
      Passed,      // nothing to know
      Begin,       // the head of a frame: head()
      Data,        // a piece of the content of DATA, without padding
      Fields,      // a piece of a field section, of HEADERS or CONTINUATION
      Payload,     // the whole of a small frame
      NoPreface,   // whoever it is speaks something else
      Violation    // the connection must end
    } kind = Kind::Incomplete;
    std::size_t taken = 0;               // bytes of the input
    std::span<const std::byte> piece{};  // within the input
    bool last = false;                   // the frame, or with Fields the field section, ends with this step
    ErrorCode error = ErrorCode::NoError;
  };

  /// The next step on the way through `input`; to be called until it says Incomplete, since the end of a frame
  /// may be a step that takes nothing. Not to be called after NoPreface or Violation.
  Step next(std::span<const std::byte> input);
  /// Of the frame that is being read. Of a CONTINUATION, too: the one that began the section is the caller's.
  const FrameHead& head() const { return head_; }
  /// Bytes of padding of the frame, with the byte that tells their number; known from the first piece on.
  std::size_t padding() const { return padding_; }

  /// Settings in one frame; more than that, nobody has a reason for.
  static constexpr std::size_t kMostSettings = 32;

 private:
  enum class Phase : std::uint8_t { Preface, Head, Prefix, Content, Padding, Whole, Skip };

  Step read_preface(std::span<const std::byte> input);
  Step begin(std::span<const std::byte> input);
  Step take_prefix(std::span<const std::byte> input);
  Step take_content(std::span<const std::byte> input);
  Step pass(std::span<const std::byte> input);
  Step take_whole(std::span<const std::byte> input);
  ErrorCode judge() const;
  Phase phase_of_frame() const;
  std::size_t prefix_size() const;

  FrameHead head_;
  Phase phase_ = Phase::Preface;
  std::uint8_t preface_taken_ = 0;
  bool settings_seen_ = false;
  std::int32_t section_of_ = 0;  // the stream whose field section is not complete
  std::size_t left_ = 0;         // of the content, or of what is passed over
  std::size_t padding_ = 0;
  std::size_t padding_left_ = 0;
};

}  // namespace holdfast::http2
