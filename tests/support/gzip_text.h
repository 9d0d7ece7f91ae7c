// Text that can be packed, and the way back from gzip.
#pragma once

#include <zlib.h>

#include <string>
#include <string_view>

namespace holdfast::support {

/// `size` bytes of lines that repeat themselves now and then.
inline std::string packable_text(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i)
    text += "line " + std::to_string(i * 7919 % 1000) + " of the text\n";
  text.resize(size);
  return text;
}

/// What a gzip reader gets of `packed`, at most 8 MiB. With `whole` an end that is missing shows in the result.
inline std::string gunzip(std::string_view packed, bool whole = true) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text(8 << 20, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int result = inflate(&stream, Z_SYNC_FLUSH);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return whole && result != Z_STREAM_END ? "(not whole) " + text : text;
}

}  // namespace holdfast::support
