#include <bit>

#include "worker/http2/frame_stream.h"

namespace holdfast::http2 {

FrameStream* SendingTurns::first() const {
  return waiting_ == 0 ? nullptr : lines_[static_cast<std::size_t>(std::countr_zero(waiting_))].first;
}

void SendingTurns::reconsider(FrameStream& stream) {
  const bool may = stream.may_send();
  if (may == stream.queued_) return;
  if (may) {
    add(stream);
  } else {
    remove(stream);
  }
}

void SendingTurns::add(FrameStream& stream) {
  const std::uint8_t urgency = stream.priority_.urgency;
  Line& line = lines_[urgency];
  stream.before_ = line.last;
  stream.behind_ = nullptr;
  (line.last != nullptr ? line.last->behind_ : line.first) = &stream;
  line.last = &stream;
  stream.queued_ = true;
  waiting_ = static_cast<std::uint8_t>(waiting_ | 1U << urgency);
}

void SendingTurns::remove(FrameStream& stream) {
  if (!stream.queued_) return;
  const std::uint8_t urgency = stream.priority_.urgency;
  Line& line = lines_[urgency];
  (stream.before_ != nullptr ? stream.before_->behind_ : line.first) = stream.behind_;
  (stream.behind_ != nullptr ? stream.behind_->before_ : line.last) = stream.before_;
  stream.before_ = stream.behind_ = nullptr;
  stream.queued_ = false;
  if (line.first == nullptr) waiting_ = static_cast<std::uint8_t>(waiting_ & ~(1U << urgency));
}

void SendingTurns::served(FrameStream& stream) {
  if (!stream.queued_ || !stream.priority_.incremental || stream.behind_ == nullptr) return;
  remove(stream);
  add(stream);
}

void SendingTurns::set_priority(FrameStream& stream, const Priority& priority) {
  if (priority == stream.priority_) return;
  const bool queued = stream.queued_;
  remove(stream);
  stream.priority_ = priority;
  if (queued) add(stream);
}

}  // namespace holdfast::http2
