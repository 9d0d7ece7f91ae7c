// The only door to nghttp2: its coder for field sections (RFC 7541), one object a direction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/api/request.h"
#include "worker/net/output_queue.h"

struct nghttp2_hd_inflater;
struct nghttp2_hd_deflater;

namespace holdfast::http2 {

/// What the peer's field sections say. Each section must be taken to its end, whatever becomes of the message:
/// later ones refer to it.
class FieldDecoder {
 public:
  FieldDecoder();

  /// Out of memory at the beginning: it cannot be used.
  bool usable() const { return inflater_ != nullptr; }

  enum class Step : std::uint8_t {
    Field,   // name and value are set; their views end with the next call
    More,    // the piece is used up
    Broken,  // RFC 7541 section 2.4.1 or the like: the connection cannot go on
  };
  /// Takes from the front of `piece`, which is the last of its section or not. To be called until it says More.
  Step next(std::span<const std::byte>& piece, bool last, std::string_view& name, std::string_view& value);

 private:
  struct Deleter {
    void operator()(nghttp2_hd_inflater* inflater) const;
  };
  std::unique_ptr<nghttp2_hd_inflater, Deleter> inflater_;
};

/// Our field sections.
class FieldEncoder {
 public:
  FieldEncoder();

  bool usable() const { return deflater_ != nullptr; }
  /// SETTINGS_HEADER_TABLE_SIZE of the peer (RFC 7541 section 4.2); never more than 4 KiB are used of it.
  void set_table_size(std::uint32_t bytes);
  /// Puts HEADERS, with as many CONTINUATION as it takes, at the end of `output`. Bytes of the section; 0: out
  /// of memory, and the connection cannot go on.
  std::size_t put(net::OutputQueue& output, std::int32_t stream, std::span<const api::Field> fields, bool ends);

 private:
  struct Deleter {
    void operator()(nghttp2_hd_deflater* deflater) const;
  };
  std::unique_ptr<nghttp2_hd_deflater, Deleter> deflater_;
};

}  // namespace holdfast::http2
