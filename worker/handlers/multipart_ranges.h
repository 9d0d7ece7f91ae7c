// Several ranges of one file as the body of a 206: multipart/byteranges (RFC 9110 sections 14.6 and 15.3.7.2).
// Made while it is sent, from the entry it keeps alive; its length is known before, so it is never chunked.
//
// What is announced is what is sent: when the file has become shorter or was rewritten meanwhile, the body
// fails before its end, and the client sees a cut connection instead of other bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/api/body.h"
#include "common/api/exchange.h"
#include "worker/handlers/file_entry.h"
#include "worker/http/byte_ranges.h"

namespace holdfast::handlers {

class MultipartRanges final : public api::ExchangeState, public api::BodySource {
 public:
  /// `ranges` lie within the entry, none is empty, at most http::kMaxRanges of them; they become parts in their
  /// order.
  MultipartRanges(FileEntry& entry, std::span<const http::ByteRange> ranges);

  /// With the boundary, for the outer head. Lives as long as this object.
  std::string_view content_type() const { return content_type_; }
  /// Of the whole body: part heads, delimiters and content.
  std::uint64_t length() const { return length_; }

  api::Pulled read(std::span<std::byte> room) override;

 private:
  /// What is still to be sent: text up to `head_end`, then content. The closing delimiter is a part without
  /// content.
  struct Part {
    std::size_t head_end = 0;
    http::ByteRange content;
  };

  void add_part(http::ByteRange range);
  void add_end();
  void add(http::ByteRange range);
  std::size_t take(std::span<std::byte> room);
  std::size_t take_head(const Part& part, std::span<std::byte> room);
  std::size_t take_content(http::ByteRange& content, std::span<std::byte> room) const;

  FileEntry& entry_;
  const api::BodyHold hold_;
  const std::string content_type_;
  std::string heads_;  // of all parts, one behind the other
  std::array<Part, http::kMaxRanges + 1> parts_;
  std::size_t count_ = 0;
  std::uint64_t length_ = 0;

  std::size_t part_ = 0;        // the one being sent
  std::size_t heads_sent_ = 0;  // of heads_
};

}  // namespace holdfast::handlers
