// What an HTTP/2 peer may do so often and no oftener (RFC 9113 section 10.5): frames that cost it nothing and
// us something. Honest clients stay far below; who goes above has the connection ended with ENHANCE_YOUR_CALM.
// Pure; one for each connection.
#pragma once

#include <array>
#include <cstdint>

#include "common/clock.h"
#include "common/stats/metric_table.h"

namespace holdfast::http2 {

using Abuse = stats::Http2Abuse;

class AbuseMeter {
 public:
  /// One more of its kind; false: that was too much.
  bool note(Abuse kind, TimePoint now);

  /// Times of a kind within one window.
  static std::uint32_t limit_of(Abuse kind);
  static constexpr Milliseconds kWindow{10'000};

 private:
  TimePoint window_end_{};
  std::array<std::uint32_t, static_cast<std::size_t>(Abuse::kCount)> seen_{};
};

}  // namespace holdfast::http2
