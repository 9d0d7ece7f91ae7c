// A whole session, bytes in: whatever a client sends and however slowly it takes, the worker stays whole, what
// comes back is a row of well-formed responses, every request is accounted once, and the connection comes to
// its end.
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/ascii.h"
#include "common/log.h"
#include "tests/fuzz/session_handlers.h"

namespace {

using namespace holdfast;
using namespace holdfast::http1;
using namespace holdfast::fuzz;

/// Takes one response off the front and counts it unless it is interim; false when it is not whole.
bool take_response(std::string_view& output, bool& closes, std::uint64_t& answers) {
  const std::size_t end = output.find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  const std::string_view head = output.substr(0, end + 2);
  require(head.starts_with("HTTP/1.1 ") && head.size() > 13);
  const std::string_view status = head.substr(9, 3);
  output.remove_prefix(end + 4);
  if (status == "100") return true;
  ++answers;
  closes = head.find("\r\nConnection: close\r\n") != std::string_view::npos;
  if (status == "304" || status == "204") return true;
  if (head.find("\r\nTransfer-Encoding: chunked\r\n") != std::string_view::npos) {
    http::ChunkedDecoder decoder;
    for (;;) {
      const http::ChunkedDecoder::Step step = decoder.decode(std::as_bytes(std::span(output)), SIZE_MAX);
      require(!step.refused);
      output.remove_prefix(step.consumed);
      if (step.done) return true;
      if (step.consumed == 0) return false;
    }
  }
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const std::size_t at = head.find(kLength);
  if (at == std::string_view::npos) {
    require(closes);
    output = {};
    return true;
  }
  std::size_t length = 0;
  std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), length);
  if (output.size() < length) return false;
  output.remove_prefix(length);
  return true;
}

/// Every byte belongs to a well-formed response, only the last of which may be cut off, and nothing follows the
/// one that says close. Gives the number of final responses that were begun. Bodies are stepped over, not
/// searched: a client has its own words sent back to it, and they may look like a response.
std::uint64_t check_output(const support::ScriptedPeer& peer) {
  std::string_view output = peer.received();
  bool closes = false;
  std::uint64_t answers = 0;
  while (!output.empty()) {
    require(!closes);
    if (!take_response(output, closes, answers)) {
      require(peer.was_reset());
      break;
    }
  }
  return answers;
}

SessionHarness& harness() {
  static SessionHarness* const made = [] {
    log().configure(2, LogLevel::Error, LogFormat::Text);
    static Fd quiet(::memfd_create("log", MFD_CLOEXEC));
    log().configure(quiet.get(), LogLevel::Error, LogFormat::Text);
    return new SessionHarness(handle);
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  SessionHarness& session = harness();
  session.connect();
  // How the client sends and how it takes.
  const std::size_t step = data[0] == 0 ? SIZE_MAX : data[0];
  const std::size_t room = data[1] == 255 ? SIZE_MAX : std::size_t{data[1]} * 500;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::uint64_t before = session.all_requests();

  session.peer->take_at_most(room);
  for (std::size_t at = 0; at < input.size() && !session.peer->closed();
       at += std::min(step, input.size() - at)) {
    session.peer->send(input.substr(at, step));
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
  require(session.table().size() == 0 || session.table().size() == 1);
  require(waiting.empty());
  // After HEAD a length has no body behind it, and which request was HEAD is not known here.
  if (input.find("HEAD") == std::string_view::npos) {
    const std::uint64_t answers = check_output(*session.peer);
    require(session.all_requests() - before >= answers);
  }
  for (const stats::ConnectionState state : {stats::ConnectionState::Reading, stats::ConnectionState::Writing})
    require(session.in_state(state) == 0);
  return 0;
}
