// permessage-deflate at work (RFC 7692 section 7.2): inflates what a client sends and deflates what the server
// sends, message by message, in pieces of the caller's size. Neither keeps data beyond its window.
//
// What zlib takes for one connection, in KiB, by window bits (its state, windows and tables; memory level 5):
//            9   10   11   12   13   14   15
//   inflate  8    8    9   11   15   23   39
//   deflate 24   26   30   38   54   86  150
// Both are made at the first message that needs them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "worker/websocket/frame.h"

struct z_stream_s;  // of zlib

namespace holdfast::websocket {

struct DeflateStep {
  enum class Next : std::uint8_t {
    Input,  // all input is used up; give more, or the end of the message
    Room,   // the room is full; call again with what was not consumed
    End,    // the message is complete
    Failed  // see `failure`; the object is of no further use
  };
  std::size_t consumed = 0;  // bytes of the input
  std::size_t produced = 0;  // bytes at the front of the room; also with Failed
  Next next = Next::Input;
  CloseCode failure = CloseCode::Normal;
};

class Inflater {
 public:
  struct Settings {
    std::uint8_t window_bits = 15;            // the client's, 8 to 15
    bool context_takeover = true;             // a message may refer to the ones before
    std::uint64_t most_message = UINT64_MAX;  // bytes that a message may inflate to
  };

  explicit Inflater(Settings settings);
  ~Inflater();
  Inflater(Inflater&&) noexcept;
  Inflater& operator=(Inflater&&) = delete;

  /// Takes the next piece of a message's payload; `last`: nothing of the message follows it. `room` is not
  /// empty. While the answer is Room, `last` stays as it was. Fails with InvalidPayload for data that is broken
  /// or cut short, with MessageTooBig at the first byte above the limit (which is not produced), with
  /// InternalError without memory.
  DeflateStep inflate(std::span<const std::byte> input, std::span<std::byte> room, bool last);
  /// Gives the memory back when the next message needs nothing of this one: between messages, without context
  /// takeover.
  void release();
  /// Holds memory of zlib.
  bool holds_memory() const { return stream_ != nullptr; }

 private:
  struct Ender {
    void operator()(z_stream_s* stream) const;
  };
  struct Turn {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    bool room_left = false;  // all that the input means has been produced
    bool good = true;
    CloseCode failure = CloseCode::Normal;
  };

  bool open();
  Turn run(std::span<const std::byte> input, std::span<std::byte> room);
  bool at_message_end() const;
  void finish_message();

  Settings settings_;
  std::unique_ptr<z_stream_s, Ender> stream_;
  std::uint64_t produced_ = 0;  // by the current message
  std::size_t tail_at_ = 0;     // bytes of the removed tail that zlib has been given back
  bool in_tail_ = false;
  bool began_ = false;        // a byte of the current message was taken
  bool final_block_ = false;  // ... and the last one ended a block marked as final
};

class Deflater {
 public:
  struct Settings {
    std::uint8_t window_bits = 15;  // the server's, 9 to 15
    bool context_takeover = true;   // a message may refer to the ones before
    int level = 6;                  // 1 (fast) to 9 (small)
  };
  static constexpr std::size_t kLeastRoom = 16;  // bytes

  explicit Deflater(Settings settings);
  ~Deflater();
  Deflater(Deflater&&) noexcept;
  Deflater& operator=(Deflater&&) = delete;

  /// Takes the next piece of a message's data; `last`: nothing of the message follows it. `room` has at least
  /// kLeastRoom bytes. While the answer is Room, `last` stays as it was. What is produced has its tail removed
  /// already; a message is never deflated to nothing. Fails with InternalError without memory.
  DeflateStep deflate(std::span<const std::byte> input, std::span<std::byte> room, bool last);
  /// As that of Inflater.
  void release();
  bool holds_memory() const { return stream_ != nullptr; }

 private:
  struct Ender {
    void operator()(z_stream_s* stream) const;
  };

  bool open();
  std::size_t finish_message(std::span<std::byte> written);
  std::size_t hold_back(std::span<const std::byte> written);

  Settings settings_;
  std::unique_ptr<z_stream_s, Ender> stream_;
  std::array<std::byte, 4> held_{};  // the last bytes written: they may turn out to be the tail
  std::size_t held_size_ = 0;
  bool began_ = false;  // a call for the current message was made
};

}  // namespace holdfast::websocket
