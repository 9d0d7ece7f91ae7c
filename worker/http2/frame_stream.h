// What frames know of a stream (RFC 9113 section 5.1): its state, its windows, its place among those that wait
// to send. The base of http2::Stream, which knows of exchanges; changed by Frames alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "worker/http2/frame.h"
#include "worker/http2/priority.h"
#include "worker/http2/request_rules.h"

namespace holdfast::http2 {

class FrameStream {
 public:
  FrameStream() = default;
  FrameStream(const FrameStream&) = delete;
  FrameStream& operator=(const FrameStream&) = delete;

  std::int32_t id() const { return id_; }
  /// Bytes of DATA that the peer takes on this stream, whatever the connection's window says.
  std::int64_t window() const { return window_; }

 private:
  friend class Frames;
  friend class SendingTurns;

  void begin(std::int32_t id, std::int64_t window);
  /// Ours may send DATA now. An end without content could pass a closed window (RFC 9113 section 6.9.1), but
  /// what a source has is known only when it is asked, and then there must be room.
  bool may_send() const { return has_body_ && !deferred_ && !local_ended_ && !reset_due_ && window_ > 0; }

  std::int32_t id_ = 0;
  std::int64_t window_ = 0;    // for what we send; negative after some SETTINGS (section 6.9.2)
  std::int32_t received_ = 0;  // bytes that the peer has no credit back for
  std::int32_t taken_ = 0;     // of them: what the handler has taken
  std::size_t held_ = 0;       // bytes, with padding, that nobody has taken or thrown away
  std::uint64_t content_ = 0;  // bytes of the request's content
  bool remote_ended_ = false;  // END_STREAM has come
  bool local_ended_ = false;   // ours is written
  bool end_untold_ = false;    // so it is, and nobody has been told
  bool reset_due_ = false;
  bool has_body_ = false;
  bool deferred_ = false;  // until there is something to send
  bool queued_ = false;
  RequestRules rules_;
  Priority priority_;
  FrameStream* before_ = nullptr;  // among those that wait to send
  FrameStream* behind_ = nullptr;
};

inline void FrameStream::begin(std::int32_t id, std::int64_t window) {
  id_ = id;
  window_ = window;
  received_ = taken_ = 0;
  content_ = held_ = 0;
  remote_ended_ = local_ended_ = end_untold_ = reset_due_ = has_body_ = deferred_ = queued_ = false;
  rules_ = {};
  priority_ = {};
  before_ = behind_ = nullptr;
}

/// The streams that are open, by number, which only grow.
class StreamTable {
 public:
  FrameStream* find(std::int32_t id) const {
    const auto at = place_of(id);
    return at != streams_.end() && at->id == id ? at->stream : nullptr;
  }
  /// Its number is above all others.
  void add(FrameStream& stream) { streams_.push_back({stream.id(), &stream}); }
  void remove(std::int32_t id) {
    const auto at = place_of(id);
    if (at != streams_.end() && at->id == id) streams_.erase(at);
  }
  bool empty() const { return streams_.empty(); }
  /// `visit` may not close any.
  template <typename Visit>
  void each(Visit&& visit) {
    for (const Entry& entry : streams_) visit(*entry.stream);
  }

 private:
  struct Entry {
    std::int32_t id;
    FrameStream* stream;
  };
  std::vector<Entry>::const_iterator place_of(std::int32_t id) const {
    return std::ranges::lower_bound(streams_, id, {}, &Entry::id);
  }

  std::vector<Entry> streams_;
};

/// Whose DATA is sent next (RFC 9218 section 10): the most urgent first; among equals those that are
/// incremental take turns, the others are sent one after the other, in the order in which they became ready.
class SendingTurns {
 public:
  /// Null: none waits.
  FrameStream* first() const;
  /// Puts it in or takes it out, as its state asks for.
  void reconsider(FrameStream& stream);
  void remove(FrameStream& stream);
  /// It has sent a frame.
  void served(FrameStream& stream);
  void set_priority(FrameStream& stream, const Priority& priority);

 private:
  struct Line {
    FrameStream* first = nullptr;
    FrameStream* last = nullptr;
  };
  void add(FrameStream& stream);

  std::array<Line, Priority::kLeast + 1> lines_{};
  std::uint8_t waiting_ = 0;  // a bit for each line that is not empty
};

}  // namespace holdfast::http2
