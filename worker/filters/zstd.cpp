#include "worker/filters/codecs.h"

#ifdef HOLDFAST_HAS_ZSTD
#include <zstd.h>
#endif

namespace holdfast::filters {

#ifdef HOLDFAST_HAS_ZSTD

namespace {

constexpr int kStreamLevel = 3;
constexpr int kOnceLevel = 12;
// RFC 9659: a sender keeps to windows of 8 MiB; streams get by with 512 KiB.
constexpr int kStreamWindow = 19;
constexpr int kOnceWindow = 23;

ZSTD_EndDirective directive_of(Encoder::End end) {
  switch (end) {
    case Encoder::End::None:
      return ZSTD_e_continue;
    case Encoder::End::Flush:
      return ZSTD_e_flush;
    case Encoder::End::Finish:
      return ZSTD_e_end;
  }
  return ZSTD_e_continue;
}

class Zstd final : public Encoder {
 public:
  explicit Zstd(Effort effort) : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) return;
    const bool once = effort == Effort::Once;
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, once ? kOnceLevel : kStreamLevel);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, once ? kOnceWindow : kStreamWindow);
  }
  ~Zstd() override { ZSTD_freeCCtx(context_); }
  bool good() const { return context_ != nullptr; }

  void reset() override { ZSTD_CCtx_reset(context_, ZSTD_reset_session_only); }

  Step encode(std::span<const std::byte> input, std::span<std::byte> room, End end) override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context_, &out, &in, directive_of(end));
    if (ZSTD_isError(left) != 0) return {};
    const bool all_in = in.pos == in.size;
    return {in.pos, out.pos, end == End::None ? all_in : all_in && left == 0};
  }

 private:
  ZSTD_CCtx* context_;
};

}  // namespace

bool has_zstd() {
  return true;
}

std::unique_ptr<Encoder> make_zstd(Effort effort) {
  auto made = std::make_unique<Zstd>(effort);
  if (!made->good()) return nullptr;
  return made;
}

#else

bool has_zstd() {
  return false;
}

std::unique_ptr<Encoder> make_zstd(Effort) {
  return nullptr;
}

#endif

}  // namespace holdfast::filters
