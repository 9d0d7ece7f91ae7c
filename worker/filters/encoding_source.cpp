#include "worker/filters/encoding_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace holdfast::filters {

using api::Pull;

void LentEncoder::count(std::size_t in, std::size_t out) const {
  const auto cell = [this](stats::CodingSide side) {
    return means_->stats.cell(stats::Metric::CompressionBytes, static_cast<std::uint16_t>(coding_),
                              static_cast<std::uint16_t>(side));
  };
  if (in > 0) cell(stats::CodingSide::In).add(in);
  if (out > 0) cell(stats::CodingSide::Out).add(out);
}

FileSource::FileSource(api::Body::File& file)
    : fd_(file.fd), offset_(file.offset), left_(file.length), hold_(std::move(file.hold)) {
  ::fstat(fd_, &begin_);
}

bool FileSource::is_rewritten() const {
  struct stat end {};
  if (::fstat(fd_, &end) != 0) return true;
  return end.st_size <= begin_.st_size &&
         (end.st_mtim.tv_sec != begin_.st_mtim.tv_sec || end.st_mtim.tv_nsec != begin_.st_mtim.tv_nsec);
}

api::Pulled FileSource::read(std::span<std::byte> room) {
  if (left_ == 0) return {0, Pull::End};
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), left_));
  ssize_t got;
  do {
    got = ::pread(fd_, room.data(), wanted, static_cast<off_t>(offset_));
  } while (got < 0 && errno == EINTR);
  // A file that became shorter must not look whole.
  if (got <= 0) return {0, Pull::Failed};
  offset_ += static_cast<std::uint64_t>(got);
  left_ -= static_cast<std::uint64_t>(got);
  if (left_ > 0) return {static_cast<std::size_t>(got), Pull::More};
  if (is_rewritten()) return {0, Pull::Failed};
  return {static_cast<std::size_t>(got), Pull::End};
}

EncodingSource::EncodingSource(LentEncoder encoder, api::BodySource& inner)
    : encoder_(std::move(encoder)),
      inner_(&inner),
      piece_(std::make_unique_for_overwrite<std::byte[]>(kPiece)) {}

EncodingSource::EncodingSource(LentEncoder encoder, api::Body::Bytes& whole)
    : encoder_(std::move(encoder)),
      own_(whole.hold ? std::string() : std::string(whole.bytes)),
      hold_(std::move(whole.hold)),
      input_(std::as_bytes(std::span(hold_ ? whole.bytes : std::string_view(own_)))),
      next_(Pull::End) {}

// Asks the inner source for more, once the encoder has taken all that was there. False when it has none for
// now, or failed.
bool EncodingSource::refill() {
  if (!input_.empty() || next_ == Pull::End) return true;
  const api::Pulled pulled = inner_->read({piece_.get(), kPiece});
  input_ = {piece_.get(), pulled.bytes};
  next_ = pulled.next;
  if (pulled.bytes > 0) flushed_ = false;
  return next_ != Pull::Failed && (pulled.bytes > 0 || next_ == Pull::End);
}

api::Pulled EncodingSource::read(std::span<std::byte> room) {
  std::size_t given = 0;
  const auto encode = [&](Encoder::End end) {
    const Encoder::Step step = encoder_->encode(input_, room.subspan(given), end);
    encoder_.count(step.consumed, step.produced);
    input_ = input_.subspan(step.consumed);
    given += step.produced;
    return step;
  };
  while (given < room.size()) {
    const bool more = refill();
    if (next_ == Pull::Failed) return {given, Pull::Failed};
    if (!more && flushed_) return {given, Pull::Later};
    // The peer can read all that was given so far while the source is silent.
    const Encoder::End end = next_ == Pull::End     ? Encoder::End::Finish
                             : next_ == Pull::Later ? Encoder::End::Flush
                                                    : Encoder::End::None;
    const Encoder::Step step = encode(end);
    if (step.done && end == Encoder::End::Finish) return {given, Pull::End};
    if (step.done && end == Encoder::End::Flush) {
      flushed_ = true;
      return {given, Pull::Later};
    }
    if (step.consumed == 0 && step.produced == 0 && !step.done) return {given, Pull::Failed};
  }
  return {given, Pull::More};
}

}  // namespace holdfast::filters
