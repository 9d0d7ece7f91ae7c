#include "worker/filters/codecs.h"

#ifdef HOLDFAST_HAS_BROTLI
#include <brotli/encode.h>
#endif

namespace holdfast::filters {

#ifdef HOLDFAST_HAS_BROTLI

namespace {

// About the time of gzip at level 6 for a smaller result; beyond 7 more effort hardly pays.
constexpr std::uint32_t kStreamQuality = 4;
constexpr std::uint32_t kOnceQuality = 7;
// A window of 256 KiB: a stream keeps it for as long as it is open.
constexpr std::uint32_t kStreamWindow = 18;

BrotliEncoderOperation operation_of(Encoder::End end) {
  switch (end) {
    case Encoder::End::None:
      return BROTLI_OPERATION_PROCESS;
    case Encoder::End::Flush:
      return BROTLI_OPERATION_FLUSH;
    case Encoder::End::Finish:
      return BROTLI_OPERATION_FINISH;
  }
  return BROTLI_OPERATION_PROCESS;
}

class Brotli final : public Encoder {
 public:
  explicit Brotli(Effort effort) : effort_(effort) { reset(); }
  ~Brotli() override { end(); }
  bool good() const { return state_ != nullptr; }

  // The library has no reset.
  void reset() override {
    end();
    state_ = BrotliEncoderCreateInstance(nullptr, nullptr, nullptr);
    if (state_ == nullptr) return;
    const bool once = effort_ == Effort::Once;
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, once ? kOnceQuality : kStreamQuality);
    if (!once) BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kStreamWindow);
  }

  Step encode(std::span<const std::byte> input, std::span<std::byte> room, End end) override {
    if (state_ == nullptr) return {};
    std::size_t in_left = input.size();
    std::size_t out_left = room.size();
    const auto* in = reinterpret_cast<const std::uint8_t*>(input.data());
    auto* out = reinterpret_cast<std::uint8_t*>(room.data());
    const bool good =
        BrotliEncoderCompressStream(state_, operation_of(end), &in_left, &in, &out_left, &out, nullptr) != 0;
    if (!good) return {};
    const bool empty = BrotliEncoderHasMoreOutput(state_) == 0 && in_left == 0;
    return {input.size() - in_left, room.size() - out_left,
            end == End::Finish ? BrotliEncoderIsFinished(state_) != 0 : empty};
  }

 private:
  void end() {
    if (state_ != nullptr) BrotliEncoderDestroyInstance(state_);
    state_ = nullptr;
  }

  const Effort effort_;
  BrotliEncoderState* state_ = nullptr;
};

}  // namespace

bool has_brotli() {
  return true;
}

std::unique_ptr<Encoder> make_brotli(Effort effort) {
  auto made = std::make_unique<Brotli>(effort);
  if (!made->good()) return nullptr;
  return made;
}

#else

bool has_brotli() {
  return false;
}

std::unique_ptr<Encoder> make_brotli(Effort) {
  return nullptr;
}

#endif

}  // namespace holdfast::filters
