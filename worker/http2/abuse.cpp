#include "worker/http2/abuse.h"

namespace holdfast::http2 {

std::uint32_t AbuseMeter::limit_of(Abuse kind) {
  switch (kind) {
    // A page that is left while it loads takes all of its requests back; a crawler may do so again and again.
    case Abuse::RapidReset:
      return 500;
    // Streams above the limit that a client opens before it knows the limit are among them.
    case Abuse::MadeYouReset:
      return 300;
    case Abuse::Settings:
      return 50;
    case Abuse::Ping:
      return 200;
    case Abuse::EmptyFrames:
      return 200;
    case Abuse::Priority:
      return 1000;
    // Beyond some for each frame of ours.
    case Abuse::WindowUpdates:
      return 1000;
    // Judged by what one field section or one stream does.
    case Abuse::Continuation:
    case Abuse::FieldBomb:
    case Abuse::StalledWindow:
      return 0;
    case Abuse::kCount:
      break;
  }
  return 0;
}

bool AbuseMeter::note(Abuse kind, TimePoint now) {
  if (now >= window_end_) {
    seen_ = {};
    window_end_ = now + kWindow;
  }
  return ++seen_[static_cast<std::size_t>(kind)] <= limit_of(kind);
}

}  // namespace holdfast::http2
