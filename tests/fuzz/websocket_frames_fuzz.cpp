// WebSocket frames of a client: the same events and failure however the bytes arrive and wherever the parser is
// paused, text that was let through is UTF-8, and limits hold.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/utf8.h"
#include "tests/support/frame_recorder.h"
#include "worker/websocket/frame_parser.h"

namespace {

using holdfast::support::FrameRecorder;
using holdfast::websocket::FrameParser;

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::string> lines_of(std::string_view wire, FrameParser::Settings settings, unsigned step,
                                  unsigned pauses) {
  FrameParser parser(settings);
  unsigned events = 0;
  FrameRecorder recorder([&] { return pauses == 0 || ++events % pauses != 0; });
  recorder.feed(parser, wire, [&] { return step == 0 ? wire.size() : std::size_t{step}; });
  return recorder.lines();
}

bool is_utf8(std::string_view text) {
  while (const std::size_t size = holdfast::utf8_front(text)) text.remove_prefix(size);
  return text.empty();
}

// What the events of one connection must be, whatever the bytes were.
void check_order(const std::vector<std::string>& lines, std::uint64_t most) {
  bool in_message = false;
  bool text = false;
  bool over = false;
  std::string data;
  for (const std::string& line : lines) {
    require(!over && line != "an empty piece");
    if (line.starts_with("text") || line.starts_with("binary")) {
      require(!in_message);
      in_message = true;
      text = line == "text";
      data.clear();
    } else if (line.starts_with("data:")) {
      require(in_message);
      data += line.substr(5);
      require(data.size() <= most + most / 8 + 64);
    } else if (line == "end") {
      require(in_message && (!text || is_utf8(data)));
      in_message = false;
    } else if (line.starts_with("ping:") || line.starts_with("pong:")) {
      require(line.size() <= 5 + 125);
    } else if (line.starts_with("close")) {
      require(is_utf8(line));
      over = true;
    } else {
      require(line.starts_with("fail 10"));
      over = true;
    }
  }
}

}  // namespace

// Two bytes choose how to deliver the rest: step, pauses, compression and limit.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 2, size - 2);
  const FrameParser::Settings settings{(data[1] & 1) != 0 ? 100u : 100'000u, (data[1] & 2) != 0};
  const std::vector<std::string> whole = lines_of(wire, settings, 0, 0);
  check_order(whole, settings.most_message);
  require(lines_of(wire, settings, 1, 0) == whole);
  require(lines_of(wire, settings, 0, 1) == whole);
  require(lines_of(wire, settings, 1 + data[0] % 32, 1 + data[0] / 32) == whole);
  return 0;
}
