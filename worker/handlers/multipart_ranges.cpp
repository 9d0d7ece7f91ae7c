#include "worker/handlers/multipart_ranges.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace holdfast::handlers {
namespace {

constexpr std::string_view kType = "multipart/byteranges; boundary=";
/// 96 bits, as hexadecimal digits: no quotes needed (RFC 2046 section 5.1.1), and always as long.
constexpr std::size_t kBoundaryBytes = 12;
/// What a part's head takes with a Content-Type of usual length.
constexpr std::size_t kUsualHead = 160;

/// A new one for every answer. Nobody can have put it into a file, not even who has seen the answers before.
std::string type_with_new_boundary() {
  std::array<unsigned char, kBoundaryBytes> random;
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  std::string type(kType);
  for (const unsigned byte : random)
    type.append({"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]});
  return type;
}

std::size_t shorter(std::size_t room, std::uint64_t bytes) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(room, bytes));
}

/// By position: the descriptor is shared by every answer from this file. 0 when nothing is there any more.
std::size_t read_at(int fd, std::uint64_t offset, std::span<std::byte> room) {
  while (true) {
    const ssize_t got = ::pread(fd, room.data(), room.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return 0;
  }
}

}  // namespace

MultipartRanges::MultipartRanges(FileEntry& entry, std::span<const http::ByteRange> ranges)
    : entry_(entry), hold_(entry.hold()), content_type_(type_with_new_boundary()) {
  heads_.reserve((ranges.size() + 1) * kUsualHead);
  for (const http::ByteRange& range : ranges) add_part(range);
  add_end();
  length_ += heads_.size();
}

// Heads are made here and not when they are sent: the Content-Type need not outlive the entry's place in the
// cache.
void MultipartRanges::add_part(http::ByteRange range) {
  std::array<char, http::kContentRangeRoom> room;
  heads_.append(count_ == 0 ? "--" : "\r\n--").append(content_type_, kType.size());
  if (!entry_.content_type().empty()) heads_.append("\r\nContent-Type: ").append(entry_.content_type());
  heads_.append("\r\nContent-Range: ").append(http::content_range(room, range, entry_.size()));
  heads_.append("\r\n\r\n");
  add(range);
}

void MultipartRanges::add_end() {
  heads_.append("\r\n--").append(content_type_, kType.size()).append("--\r\n");
  add({});
}

void MultipartRanges::add(http::ByteRange range) {
  parts_[count_++] = {heads_.size(), range};
  length_ += range.length;
}

api::Pulled MultipartRanges::read(std::span<std::byte> room) {
  std::size_t filled = 0;
  while (filled < room.size() && part_ < count_) {
    const std::size_t taken = take(room.subspan(filled));
    if (taken == 0) return {0, api::Pull::Failed};
    filled += taken;
  }
  return {filled, part_ == count_ ? api::Pull::End : api::Pull::More};
}

/// From the head or the content of one part; 0 when the content is not there any more.
std::size_t MultipartRanges::take(std::span<std::byte> room) {
  // The closing delimiter says that all parts are of one state.
  if (part_ + 1 == count_ && heads_sent_ == parts_[part_ - 1].head_end && !entry_.in_memory() &&
      !entry_.is_intact(entry_.fd()))
    return 0;
  Part& part = parts_[part_];
  const bool in_head = heads_sent_ < part.head_end;
  const std::size_t taken = in_head ? take_head(part, room) : take_content(part.content, room);
  if (heads_sent_ == part.head_end && part.content.length == 0) ++part_;
  return taken;
}

std::size_t MultipartRanges::take_head(const Part& part, std::span<std::byte> room) {
  const std::size_t bytes = shorter(room.size(), part.head_end - heads_sent_);
  std::memcpy(room.data(), heads_.data() + heads_sent_, bytes);
  heads_sent_ += bytes;
  return bytes;
}

std::size_t MultipartRanges::take_content(http::ByteRange& content, std::span<std::byte> room) const {
  std::size_t bytes = shorter(room.size(), content.length);
  if (entry_.in_memory())
    std::memcpy(room.data(), entry_.content().data() + content.offset, bytes);
  else
    bytes = read_at(entry_.fd(), content.offset, room.first(bytes));
  content.offset += bytes;
  content.length -= bytes;
  return bytes;
}

}  // namespace holdfast::handlers
