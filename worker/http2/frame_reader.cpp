#include "worker/http2/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace holdfast::http2 {
namespace {

constexpr std::size_t kDependency = 5;  // RFC 9113 section 6.2, of old priorities: passed over
constexpr std::size_t kGoAway = 8;
// A priority is a few characters (RFC 9218 section 4); what is longer is none.
constexpr std::size_t kMostPriorityUpdate = 4 + 64;

enum class Belongs : std::uint8_t { OnStream, OnConnection, Either };

/// Where a frame belongs and how long it may be; RFC 9113 section 6, RFC 9218 section 7.1.
struct Shape {
  FrameType type;
  Belongs where;
  std::size_t least;
  std::size_t most;
  std::size_t multiple = 1;
};

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();
constexpr Shape kShapes[] = {{FrameType::Data, Belongs::OnStream, 0, kAny},
                             {FrameType::Headers, Belongs::OnStream, 0, kAny},
                             {FrameType::Priority, Belongs::OnStream, 5, 5},
                             {FrameType::Reset, Belongs::OnStream, 4, 4},
                             {FrameType::Settings, Belongs::OnConnection, 0, kAny, kSettingSize},
                             {FrameType::Ping, Belongs::OnConnection, 8, 8},
                             {FrameType::GoAway, Belongs::OnConnection, kGoAway, kAny},
                             {FrameType::WindowUpdate, Belongs::Either, 4, 4},
                             {FrameType::Continuation, Belongs::OnStream, 0, kAny},
                             {FrameType::PriorityUpdate, Belongs::OnConnection, 4, kAny}};

const Shape* shape_of(FrameType type) {
  const auto* const found = std::ranges::find(kShapes, type, &Shape::type);
  return found == std::end(kShapes) ? nullptr : found;
}

FrameReader::Step violation(ErrorCode error) {
  return {FrameReader::Step::Kind::Violation, 0, {}, false, error};
}

}  // namespace

FrameReader::Step FrameReader::next(std::span<const std::byte> input) {
  // An empty content is a step of its own, for its end to be told.
  const bool takes_nothing = left_ == 0 && (phase_ == Phase::Content || phase_ == Phase::Whole);
  if (input.empty() && !takes_nothing) return {};
  switch (phase_) {
    case Phase::Preface:
      return read_preface(input);
    case Phase::Head:
      return begin(input);
    case Phase::Prefix:
      return take_prefix(input);
    case Phase::Content:
      return take_content(input);
    case Phase::Whole:
      return take_whole(input);
    case Phase::Padding:
    case Phase::Skip:
      return pass(input);
  }
  return {};
}

FrameReader::Step FrameReader::read_preface(std::span<const std::byte> input) {
  const std::size_t part = std::min(input.size(), kPreface.size() - preface_taken_);
  if (std::memcmp(input.data(), kPreface.data() + preface_taken_, part) != 0)
    return {Step::Kind::NoPreface, 0, {}, false, ErrorCode::ProtocolError};
  preface_taken_ = static_cast<std::uint8_t>(preface_taken_ + part);
  if (preface_taken_ == kPreface.size()) phase_ = Phase::Head;
  return {Step::Kind::Passed, part};
}

FrameReader::Step FrameReader::begin(std::span<const std::byte> input) {
  if (input.size() < kFrameHead) return {};
  head_ = read_head(input);
  if (const ErrorCode error = judge(); error != ErrorCode::NoError) return violation(error);
  settings_seen_ = true;
  const bool opens = head_.type == FrameType::Headers || head_.type == FrameType::Continuation;
  if (opens) section_of_ = head_.has(flags::kEndHeaders) ? 0 : head_.stream;
  padding_ = padding_left_ = 0;
  left_ = head_.length;
  phase_ = phase_of_frame();
  return {Step::Kind::Begin, kFrameHead, {}, phase_ == Phase::Head};
}

// What must be true of a head, whatever the state of streams.
ErrorCode FrameReader::judge() const {
  if (head_.length > kMostPayload) return ErrorCode::FrameSizeError;
  if (!settings_seen_ && (head_.type != FrameType::Settings || head_.acknowledges()))
    return ErrorCode::ProtocolError;  // RFC 9113 section 3.4
  // RFC 9113 section 6.10: nothing comes between the frames of a field section.
  const bool continues = head_.type == FrameType::Continuation;
  if (section_of_ != 0 ? !continues || head_.stream != section_of_ : continues) return ErrorCode::ProtocolError;
  if (head_.type == FrameType::PushPromise) return ErrorCode::ProtocolError;  // RFC 9113 section 8.4
  const Shape* const shape = shape_of(head_.type);
  if (shape == nullptr) return ErrorCode::NoError;
  if (shape->where != Belongs::Either && (shape->where == Belongs::OnStream) != (head_.stream != 0))
    return ErrorCode::ProtocolError;
  const bool fits = head_.length >= shape->least && head_.length <= shape->most;
  if (!fits || head_.length % shape->multiple != 0) return ErrorCode::FrameSizeError;
  if (head_.type != FrameType::Settings) return ErrorCode::NoError;
  if (head_.acknowledges() && head_.length > 0) return ErrorCode::FrameSizeError;
  return head_.length > kMostSettings * kSettingSize ? ErrorCode::EnhanceYourCalm : ErrorCode::NoError;
}

FrameReader::Phase FrameReader::phase_of_frame() const {
  switch (head_.type) {
    case FrameType::Data:
    case FrameType::Headers:
      return prefix_size() > 0 ? Phase::Prefix : Phase::Content;
    case FrameType::Continuation:
      return Phase::Content;
    case FrameType::PriorityUpdate:
      return head_.length <= kMostPriorityUpdate ? Phase::Whole : Phase::Skip;
    default:
      if (shape_of(head_.type) != nullptr) return Phase::Whole;
      return head_.length > 0 ? Phase::Skip : Phase::Head;
  }
}

std::size_t FrameReader::prefix_size() const {
  const bool depends = head_.type == FrameType::Headers && head_.has(flags::kPriority);
  return (head_.has(flags::kPadded) ? 1 : 0) + (depends ? kDependency : 0);
}

// RFC 9113 sections 6.1 and 6.2: the length of the padding and, in HEADERS, a dependency.
FrameReader::Step FrameReader::take_prefix(std::span<const std::byte> input) {
  const std::size_t size = prefix_size();
  if (size > left_) return violation(ErrorCode::FrameSizeError);
  if (input.size() < size) return {};
  left_ -= size;
  if (head_.has(flags::kPadded)) {
    padding_left_ = std::to_integer<std::size_t>(input[0]);
    if (padding_left_ > left_) return violation(ErrorCode::ProtocolError);
    padding_ = padding_left_ + 1;
    left_ -= padding_left_;
  }
  phase_ = Phase::Content;
  return {Step::Kind::Passed, size};
}

FrameReader::Step FrameReader::take_content(std::span<const std::byte> input) {
  const std::size_t part = std::min(left_, input.size());
  left_ -= part;
  const bool whole = left_ == 0;
  if (whole) {
    left_ = padding_left_;
    phase_ = left_ > 0 ? Phase::Padding : Phase::Head;
  }
  const bool is_data = head_.type == FrameType::Data;
  const bool last = whole && (is_data || head_.has(flags::kEndHeaders));
  return {is_data ? Step::Kind::Data : Step::Kind::Fields, part, input.first(part), last};
}

FrameReader::Step FrameReader::pass(std::span<const std::byte> input) {
  const std::size_t part = std::min(left_, input.size());
  left_ -= part;
  if (left_ == 0) phase_ = Phase::Head;
  return {Step::Kind::Passed, part};
}

FrameReader::Step FrameReader::take_whole(std::span<const std::byte> input) {
  // What GOAWAY says behind its numbers is for people.
  const std::size_t size = head_.type == FrameType::GoAway ? kGoAway : left_;
  if (input.size() < size) return {};
  left_ -= size;
  phase_ = left_ > 0 ? Phase::Skip : Phase::Head;
  return {Step::Kind::Payload, size, input.first(size), left_ == 0};
}

}  // namespace holdfast::http2
