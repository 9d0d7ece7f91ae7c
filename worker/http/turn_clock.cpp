#include "worker/http/turn_clock.h"

#include <cstring>

#include "common/http_date.h"

namespace holdfast::http {
namespace {

constexpr std::size_t kDateAt = sizeof("Server: holdfast\r\nDate: ") - 1;

}  // namespace

TurnClock::TurnClock() {
  update(Clock::now());
}

void TurnClock::update(TimePoint now) {
  now_ = now;
  asked_ = 0;
  if (now >= refresh_at_) read_wall_clock();
  const std::int64_t milliseconds =
      base_milliseconds_ + std::chrono::duration_cast<Milliseconds>(now - base_).count();
  wall_milliseconds_ = static_cast<std::uint32_t>(milliseconds % 1000);
  const std::time_t seconds = milliseconds / 1000;
  if (seconds == wall_seconds_) return;
  wall_seconds_ = seconds;
  const HttpDateText date = format_http_date(seconds);
  std::memcpy(common_fields_ + kDateAt, date.data(), date.size());
}

void TurnClock::read_wall_clock() {
  base_ = now_;
  refresh_at_ = now_ + std::chrono::seconds(1);
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  base_milliseconds_ = std::chrono::duration_cast<Milliseconds>(wall).count();
}

}  // namespace holdfast::http
