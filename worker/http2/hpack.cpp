#include "worker/http2/hpack.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "common/ascii.h"
#include "worker/http2/frame.h"

namespace holdfast::http2 {
namespace {

constexpr std::size_t kTable = 4096;  // RFC 9113 section 6.5.2, the initial value

std::string_view text(const nghttp2_nv& pair, bool name) {
  return name ? std::string_view(reinterpret_cast<const char*>(pair.name), pair.namelen)
              : std::string_view(reinterpret_cast<const char*>(pair.value), pair.valuelen);
}

std::uint8_t* bytes_of(std::string_view text) {
  // The library takes them for changeable, and changes nothing.
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

/// The bytes of a word in lower case. The high bit of each byte of `upper` tells: from 'A' on, and not beyond
/// 'Z', and ASCII.
template <typename Word>
void lower_word(const char* from, char* to) {
  constexpr Word kOnes = static_cast<Word>(0x0101'0101'0101'0101);
  Word word = 0;
  std::memcpy(&word, from, sizeof(word));
  const Word low = word & 0x7f * kOnes;
  const Word upper =
      (low + (0x80 - 'A') * kOnes) & ~(low + (0x7f - 'Z') * kOnes) & ~word & static_cast<Word>(0x80 * kOnes);
  word |= upper >> 2;
  std::memcpy(to, &word, sizeof(word));
}

/// Writes `text` in lower case to `out`; one past the last byte written. The last word overlaps the one before.
template <typename Word>
char* lower_words(std::string_view text, char* out) {
  const std::size_t last = text.size() - sizeof(Word);
  for (std::size_t at = 0; at < last; at += sizeof(Word)) lower_word<Word>(text.data() + at, out + at);
  lower_word<Word>(text.data() + last, out + last);
  return out + text.size();
}

char* lower_copy(std::string_view text, char* out) {
  if (text.size() >= sizeof(std::uint64_t)) return lower_words<std::uint64_t>(text, out);
  if (text.size() >= sizeof(std::uint32_t)) return lower_words<std::uint32_t>(text, out);
  return std::ranges::transform(text, out, ascii_lower).out;
}

/// `fields` as the library wants them, names in lower case (RFC 9113 section 8.2.1); views end with the next
/// call.
std::span<const nghttp2_nv> pairs_of(std::span<const api::Field> fields) {
  static thread_local std::vector<nghttp2_nv> pairs;
  static thread_local std::string names;
  pairs.clear();
  std::size_t size = 0;
  for (const api::Field& field : fields) size += field.name.size();
  names.resize(size);
  char* at = names.data();
  for (const api::Field& field : fields) {
    pairs.push_back({reinterpret_cast<std::uint8_t*>(at), bytes_of(field.value), field.name.size(),
                     field.value.size(), NGHTTP2_NV_FLAG_NONE});
    at = lower_copy(field.name, at);
  }
  return pairs;
}

/// RFC 9113 section 6.10: a section that does not fit into one frame.
void put_frames(net::OutputQueue& output, std::string_view section, FrameHead head) {
  for (bool more = true; more; head.type = FrameType::Continuation) {
    const std::string_view part = section.substr(0, kMostPayload);
    section.remove_prefix(part.size());
    more = !section.empty();
    head.length = part.size();
    // END_STREAM stands on the first, END_HEADERS on the last.
    const std::uint8_t kept = head.type == FrameType::Headers ? head.flags : 0;
    head.flags = static_cast<std::uint8_t>(kept | (more ? 0 : flags::kEndHeaders));
    const std::span<std::byte> room = output.room(kFrameHead);
    put_head(room, head);
    output.commit(kFrameHead);
    output.append(part);
  }
}

}  // namespace

void FieldDecoder::Deleter::operator()(nghttp2_hd_inflater* inflater) const {
  nghttp2_hd_inflate_del(inflater);
}

void FieldEncoder::Deleter::operator()(nghttp2_hd_deflater* deflater) const {
  nghttp2_hd_deflate_del(deflater);
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

FieldEncoder::FieldEncoder() {
  nghttp2_hd_deflater* made = nullptr;
  if (nghttp2_hd_deflate_new(&made, kTable) == 0) deflater_.reset(made);
}

void FieldEncoder::set_table_size(std::uint32_t bytes) {
  nghttp2_hd_deflate_change_table_size(deflater_.get(), bytes);
}

std::size_t FieldEncoder::put(net::OutputQueue& output, std::int32_t stream, std::span<const api::Field> fields,
                              bool ends) {
  const std::span<const nghttp2_nv> pairs = pairs_of(fields);
  const std::size_t bound = nghttp2_hd_deflate_bound(deflater_.get(), pairs.data(), pairs.size());
  const auto encode = [&](std::span<std::byte> room) {
    const ssize_t size = nghttp2_hd_deflate_hd(deflater_.get(), reinterpret_cast<std::uint8_t*>(room.data()),
                                               room.size(), pairs.data(), pairs.size());
    return size < 0 ? std::size_t{0} : static_cast<std::size_t>(size);
  };
  FrameHead head{FrameType::Headers, ends ? flags::kEndStream : std::uint8_t{0}, stream, 0};
  if (bound + kFrameHead <= net::OutputQueue::kChunk) {
    const std::span<std::byte> room = output.room(bound + kFrameHead);
    head.length = encode(room.subspan(kFrameHead));
    head.flags |= flags::kEndHeaders;
    put_head(room, head);
    output.commit(head.length > 0 ? kFrameHead + head.length : 0);
    return head.length;
  }
  std::string section(bound, '\0');
  section.resize(encode(std::as_writable_bytes(std::span(section))));
  if (!section.empty()) put_frames(output, section, head);
  return section.size();
}

}  // namespace holdfast::http2
