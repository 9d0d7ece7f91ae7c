// A response body that is another one, compressed: pulls the other when the encoder is hungry and there is
// room.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>
#include <utility>

#include "common/api/body.h"
#include "common/api/exchange.h"
#include "worker/filters/compress.h"
#include "worker/filters/encoder.h"

namespace holdfast::filters {

/// An encoder from the pool, which goes back there with its owner. What went through is counted by coding.
class LentEncoder {
 public:
  LentEncoder(const Compress::Means& means, Coding coding, std::uint32_t level)
      : means_(&means), coding_(coding), level_(level), encoder_(means.pool.take(coding, level)) {}
  LentEncoder(LentEncoder&&) = default;
  LentEncoder& operator=(LentEncoder&&) = delete;
  ~LentEncoder() {
    if (encoder_) means_->pool.give_back(coding_, level_, std::move(encoder_));
  }
  explicit operator bool() const { return encoder_ != nullptr; }
  Encoder& operator*() const { return *encoder_; }
  Encoder* operator->() const { return encoder_.get(); }
  void count(std::size_t in, std::size_t out) const;

 private:
  const Compress::Means* means_;
  Coding coding_;
  std::uint32_t level_;
  std::unique_ptr<Encoder> encoder_;
};

/// The bytes of a file range, read by position as they are asked for. Fails at its end when the file was
/// rewritten meanwhile: what was read then is of no one state. One that has only grown is taken for a log.
class FileSource final : public api::BodySource, public api::ExchangeState {
 public:
  explicit FileSource(api::Body::File& file);
  api::Pulled read(std::span<std::byte> room) override;

 private:
  bool is_rewritten() const;

  const int fd_;
  std::uint64_t offset_;
  std::uint64_t left_;
  api::BodyHold hold_;
  struct stat begin_ {};
};

class EncodingSource final : public api::BodySource, public api::ExchangeState {
 public:
  /// `inner` belongs to the handler's state, which lives as long as the exchange.
  EncodingSource(LentEncoder encoder, api::BodySource& inner);
  /// Bytes that nobody holds are copied.
  EncodingSource(LentEncoder encoder, api::Body::Bytes& whole);

  api::Pulled read(std::span<std::byte> room) override;

 private:
  bool refill();

  static constexpr std::size_t kPiece = 16 * 1024;
  LentEncoder encoder_;
  api::BodySource* inner_ = nullptr;  // null: all input is in input_
  std::string own_;
  api::BodyHold hold_;
  std::unique_ptr<std::byte[]> piece_;
  std::span<const std::byte> input_;
  api::Pull next_ = api::Pull::More;  // what the inner source said last
  bool flushed_ = true;               // nothing of what it gave is held back by the encoder
};

}  // namespace holdfast::filters
