// A whole HTTP/2 session, frames in: whatever a client sends and however slowly it takes, the worker stays
// whole, what comes back are whole frames, every stream is accounted once, and the connection comes to its end.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/log.h"
#include "tests/fuzz/session_handlers.h"
#include "worker/http2/session.h"

namespace {

using namespace holdfast;
using namespace holdfast::fuzz;

struct Harness {
  http1::SessionHarness session{handle};
  http2::SessionFactory factory{session.config(), session.dispatcher(), session.clock(), session.stats()};
};

Harness& harness() {
  static Harness* const made = [] {
    static Fd quiet(::memfd_create("log", MFD_CLOEXEC));
    log().configure(quiet.get(), LogLevel::Error, LogFormat::Text);
    auto* const fresh = new Harness;
    fresh->session.speak(fresh->factory);
    return fresh;
  }();
  return *made;
}

/// RFC 9113 section 4.1; nothing behind GOAWAY but what closes streams is asked for here.
void check_output(const support::ScriptedPeer& peer) {
  const std::string& output = peer.received();
  std::size_t at = 0;
  while (at + 9 <= output.size()) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(output[at + i]); };
    const std::size_t length = std::size_t{byte(0)} << 16 | std::size_t{byte(1)} << 8 | byte(2);
    require(length <= 16'384);
    require(byte(3) <= 9);
    const bool on_stream = byte(3) == 0 || byte(3) == 1 || byte(3) == 3;
    if (on_stream) require((byte(8) & 1) == 1);
    if (at == 0) require(byte(3) == 4);
    at += 9 + length;
  }
  require(at == output.size() || peer.was_reset());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  http1::SessionHarness& session = harness().session;
  session.connect();
  const std::size_t step = data[0] == 0 ? SIZE_MAX : data[0];
  const std::size_t room = data[1] == 255 ? SIZE_MAX : std::size_t{data[1]} * 500;
  // Most inputs would end at a bad preface.
  std::string input = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  input.append("\0\0\0\4\0\0\0\0\0", 9);
  input.append(reinterpret_cast<const char*>(data) + 2, size - 2);

  session.peer->take_at_most(room);
  for (std::size_t at = 0; at < input.size() && !session.peer->closed();
       at += std::min(step, input.size() - at)) {
    session.peer->send(std::string_view(input).substr(at, step));
    session.turn(1);
    answer_waiting();
    session.peer->take_at_most(room);
  }
  session.peer->take_everything();
  session.turn(2);
  session.peer->end_sending();
  for (int turns = 0; !session.peer->closed(); ++turns) {
    require(turns < 3000);
    answer_waiting();
    session.turn(1);
  }
  require(session.table().size() <= 1);
  require(waiting.empty());
  check_output(*session.peer);
  for (const stats::ConnectionState state : {stats::ConnectionState::Reading, stats::ConnectionState::Writing})
    require(session.in_state(state) == 0);
  return 0;
}
