#include "worker/http2/field_decoder.h"

#include <nghttp2/nghttp2.h>

namespace holdfast::http2 {
namespace {

std::string_view text(const nghttp2_nv& pair, bool name) {
  return name ? std::string_view(reinterpret_cast<const char*>(pair.name), pair.namelen)
              : std::string_view(reinterpret_cast<const char*>(pair.value), pair.valuelen);
}

}  // namespace

void FieldDecoder::Deleter::operator()(nghttp2_hd_inflater* inflater) const {
  nghttp2_hd_inflate_del(inflater);
}

FieldDecoder::FieldDecoder() {
  nghttp2_hd_inflater* made = nullptr;
  if (nghttp2_hd_inflate_new(&made) == 0) inflater_.reset(made);
}

FieldDecoder::Step FieldDecoder::next(std::span<const std::byte>& piece, bool last, std::string_view& name,
                                      std::string_view& value) {
  while (true) {
    nghttp2_nv pair{};
    int flags = 0;
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(piece.data());
    const ssize_t taken =
        nghttp2_hd_inflate_hd2(inflater_.get(), &pair, &flags, bytes, piece.size(), last ? 1 : 0);
    if (taken < 0) return Step::Broken;
    piece = piece.subspan(static_cast<std::size_t>(taken));
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      name = text(pair, true);
      value = text(pair, false);
      return Step::Field;
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(inflater_.get());
      return Step::More;
    }
    if (piece.empty()) return Step::More;
    if (taken == 0) return Step::Broken;
  }
}

}  // namespace holdfast::http2
