// Resumable decoder of the chunked transfer coding (RFC 9112 section 7.1): chunk sizes, extensions (checked and
// ignored), data, trailer fields (checked and kept). Strict about line ends; bounds what a peer can spend
// outside of the data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "common/stats/metric_table.h"
#include "common/text_room.h"

namespace holdfast::http {

class ChunkedDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::span<const std::byte> data;  // a part of the input, at most `most_data` bytes
    bool done = false;                // the body and its trailer section are complete
    std::optional<stats::BadRequest> refused;
  };

  void reset() {
    if (state_ == State::SizeStart && left_ == 0 && overhead_ == 0 && digits_ == 0) return;  // as it was made
    free_room(trailers_);
    *this = ChunkedDecoder{};
  }
  /// Takes input up to the first piece of data, the end, or an error. Call again with what was not consumed
  /// until nothing is consumed. With most_data == 0 it stops before data.
  Step decode(std::span<const std::byte> input, std::size_t most_data);
  /// The next byte belongs to the data of a chunk.
  bool in_data() const { return state_ == State::Data; }
  /// The lines of the trailer section, each ended by LF, checked; at most 16 KiB. They are given once.
  std::string take_trailers() { return std::exchange(trailers_, std::string()); }

 private:
  enum class State : std::uint8_t {
    SizeStart,
    Size,
    SizeSpace,
    Extension,
    Quoted,
    QuotedPair,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Done
  };

  bool take(char c);  // one byte outside of data; false: refused
  bool take_size(char c);
  bool take_extension(char c);
  bool take_trailer(char c);
  bool spend_overhead();

  std::uint64_t left_ = 0;      // of the current chunk
  std::uint32_t overhead_ = 0;  // bytes of extensions and trailers so far
  State state_ = State::SizeStart;
  std::uint8_t digits_ = 0;
  std::string trailers_;
};

}  // namespace holdfast::http
