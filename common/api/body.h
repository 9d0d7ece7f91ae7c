// Bodies in both directions. A response body is pulled, a request body is granted: back-pressure is in the
// shape of the interface, no handler can forget it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

namespace holdfast::api {

/// Keeps the memory or the descriptor behind a body alive until its last byte has left. release() is called
/// once.
class BodyOwner {
 public:
  virtual void release() noexcept = 0;
  /// Whether the file behind `fd`, part of whose content may have left already, still holds that content. Asked
  /// before the last part of a file that could not leave at once: when it says no, the connection is cut
  /// instead.
  virtual bool is_intact(int /*fd*/) noexcept { return true; }

 protected:
  ~BodyOwner() = default;
};
struct ReleaseBody {
  void operator()(BodyOwner* owner) const noexcept { owner->release(); }
};
using BodyHold = std::unique_ptr<BodyOwner, ReleaseBody>;

enum class Pull : std::uint8_t {
  More,   // bytes were given (n > 0); ask again when there is room
  End,    // bytes were given (n may be 0) and they are the last
  Later,  // nothing now; the source calls exchange.body_ready() when there is
  Failed  // the body cannot be completed: the connection (or stream) is reset, never ended as if whole
};
struct Pulled {
  std::size_t bytes = 0;
  Pull next = Pull::End;
};

/// A response body made while it is sent. Owned by the handler's state attached to the exchange.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// Fills at most room.size() bytes; must not block. Called only while there is room to send.
  virtual Pulled read(std::span<std::byte> room) = 0;
};

/// Receiver of a request body. Owned by the handler's state attached to the exchange.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// At most as many bytes as there is credit for; the view ends with the call. Give credit back with
  /// exchange.grant().
  virtual void on_body(std::span<const std::byte> bytes) = 0;
  /// The body is complete.
  virtual void on_body_end() = 0;
};

/// What a response carries. Made by the named functions; passed by value to Exchange::respond.
class Body {
 public:
  struct None {};
  struct Bytes {
    std::string_view bytes;
    BodyHold hold;  // empty: the bytes are copied before respond() returns
  };
  struct File {
    int fd = -1;  // read by position; its own offset is never moved
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    BodyHold hold;  // owner of the descriptor
  };
  struct Stream {
    BodySource* source = nullptr;
    std::optional<std::uint64_t> length;  // absent: chunked, or until close for HTTP/1.0
  };

  static Body none() { return Body(None{}); }
  /// Bytes that are copied (small, short-lived).
  static Body copy(std::string_view bytes) { return Body(Bytes{bytes, nullptr}); }
  /// Bytes that stay where they are until `hold` is released.
  static Body held(std::string_view bytes, BodyHold hold) { return Body(Bytes{bytes, std::move(hold)}); }
  static Body file(int fd, std::uint64_t offset, std::uint64_t length, BodyHold hold) {
    return Body(File{fd, offset, length, std::move(hold)});
  }
  static Body stream(BodySource& source, std::optional<std::uint64_t> length = std::nullopt) {
    return Body(Stream{&source, length});
  }

  /// Known length in bytes, or nullopt.
  std::optional<std::uint64_t> length() const {
    if (const auto* bytes = std::get_if<Bytes>(&content)) return bytes->bytes.size();
    if (const auto* file = std::get_if<File>(&content)) return file->length;
    if (const auto* stream = std::get_if<Stream>(&content)) return stream->length;
    return 0;
  }

  using Content = std::variant<None, Bytes, File, Stream>;
  Content content;

 private:
  explicit Body(Content part) : content(std::move(part)) {}
};

}  // namespace holdfast::api
