// FrameRecorder: writes down what a WebSocket frame parser tells, so that two ways to deliver the same bytes
// can be compared. Pieces of data that follow one another count as one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/websocket/frame_parser.h"

namespace holdfast::support {

class FrameRecorder final : public websocket::FrameEvents {
 public:
  /// `go_on` is asked after every event but a close; false stops the parser there.
  explicit FrameRecorder(std::function<bool()> go_on = [] { return true; }) : go_on_(std::move(go_on)) {}

  bool on_message_begin(websocket::MessageKind kind, bool compressed) override {
    return add(std::string(kind == websocket::MessageKind::Text ? "text" : "binary") +
               (compressed ? " compressed" : ""));
  }
  bool on_message_data(std::span<const std::byte> piece) override {
    if (piece.empty()) return add("an empty piece");
    if (lines_.empty() || !lines_.back().starts_with("data:")) lines_.emplace_back("data:");
    lines_.back() += text(piece);
    return go_on_();
  }
  bool on_message_end() override { return add("end"); }
  bool on_ping(std::span<const std::byte> payload) override { return add("ping:" + text(payload)); }
  bool on_pong(std::span<const std::byte> payload) override { return add("pong:" + text(payload)); }
  void on_close(std::optional<std::uint16_t> code, std::string_view reason) override {
    lines_.push_back("close" + (code ? " " + std::to_string(*code) : "") + ":" + std::string(reason));
  }

  /// Parses `wire` to its end, the next call getting `cut()` bytes more, each in a block of its own. Adds a
  /// line for a failure; the piece in which a text broke is left out, for where it begins depends on the cuts.
  void feed(websocket::FrameParser& parser, std::string_view wire, const std::function<std::size_t()>& cut) {
    for (bool paused = false; paused || !wire.empty();) {
      const std::string_view piece = wire.substr(0, paused ? 0 : std::max<std::size_t>(cut(), 1));
      std::vector<std::byte> block(piece.size());
      for (std::size_t i = 0; i < piece.size(); ++i) block[i] = static_cast<std::byte>(piece[i]);
      const websocket::FrameParser::Step step = parser.parse(block, *this);
      if (step.failure) {
        if (step.failure->code == websocket::CloseCode::InvalidPayload && !lines_.empty() &&
            lines_.back().starts_with("data:"))
          lines_.pop_back();
        add("fail " + std::to_string(static_cast<int>(step.failure->code)) + ": " +
            std::string(step.failure->reason));
        return;
      }
      if (parser.closed()) return;
      wire.remove_prefix(step.consumed);
      paused = step.paused;
    }
  }

  const std::vector<std::string>& lines() const { return lines_; }

 private:
  static std::string text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  bool add(std::string line) {
    lines_.push_back(std::move(line));
    return go_on_();
  }

  std::function<bool()> go_on_;
  std::vector<std::string> lines_;
};

}  // namespace holdfast::support
