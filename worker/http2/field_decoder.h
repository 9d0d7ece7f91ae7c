// Unpacks field sections (RFC 7541). The only door to nghttp2, whose decoder this is; one object a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

struct nghttp2_hd_inflater;

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

}  // namespace holdfast::http2
