// The Huffman code of HPACK (RFC 7541 section 5.2, appendix B), for what we send. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::http2 {

/// Bytes that huffman_put() writes for `text`.
std::size_t huffman_size(std::string_view text);

/// Writes the code of `text`, filled up with ones to whole bytes; one past the last byte written.
std::uint8_t* huffman_put(std::string_view text, std::uint8_t* out);

}  // namespace holdfast::http2
