// permessage-deflate: offers are answered within the rules, what is inflated does not depend on the cuts and
// keeps to its limit, and what is deflated comes back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "worker/websocket/deflate.h"
#include "worker/websocket/deflate_offer.h"

namespace {

using namespace holdfast::websocket;
using Next = DeflateStep::Next;

constexpr std::uint64_t kMostMessage = 10'000;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::string data;
  Next next = Next::Input;
  CloseCode failure = CloseCode::Normal;

  bool operator==(const Outcome&) const = default;
};

// One message, `cut` bytes of it and `most` bytes of room at a time.
template <class Call>
Outcome run(Call call, std::string_view message, std::size_t cut, std::size_t most) {
  Outcome outcome;
  std::size_t at = 0;
  do {
    // Blocks of their own size, so that an access beyond them is found.
    const std::string piece(message.substr(at, cut));
    const bool last = at + piece.size() == message.size();
    std::vector<std::byte> room(most);
    const DeflateStep step = call(std::as_bytes(std::span(piece)), std::span(room), last);
    require(step.consumed <= piece.size() && step.produced <= room.size());
    require(step.next != Next::Input || (step.consumed == piece.size() && !last));
    require(step.next != Next::Room || step.consumed > 0 || step.produced > 0);
    outcome.data.append(reinterpret_cast<const char*>(room.data()), step.produced);
    outcome.next = step.next;
    outcome.failure = step.failure;
    at += step.consumed;
  } while (outcome.next == Next::Input || outcome.next == Next::Room);
  require(outcome.next != Next::End || at == message.size());
  return outcome;
}

Outcome inflate(Inflater& inflater, std::string_view wire, std::size_t cut, std::size_t most) {
  return run([&](auto input, auto room, bool last) { return inflater.inflate(input, room, last); }, wire, cut,
             most);
}

void check_inflating(std::string_view wire, std::uint8_t bits, std::size_t cut, std::size_t most) {
  Inflater one({bits, true, kMostMessage});
  Inflater other({bits, true, kMostMessage});
  for (int message = 0; message < 2; ++message) {
    const Outcome whole = inflate(one, wire, SIZE_MAX, kMostMessage);
    const Outcome parts = inflate(other, wire, cut, most);
    require(whole.data.size() <= kMostMessage && parts.data.size() <= kMostMessage);
    require(whole.next == parts.next && whole.failure == parts.failure);
    if (whole.next == Next::Failed) return;
    require(whole == parts);
  }
}

void check_round_trip(std::string_view data, std::uint8_t bits, std::size_t cut, std::size_t most) {
  const bool takeover = cut % 2 == 0;
  Deflater deflater({std::max<std::uint8_t>(bits, 9), takeover, 1 + static_cast<int>(most % 9)});
  Inflater inflater({bits, takeover, data.size()});
  for (int message = 0; message < 3; ++message) {
    const Outcome wire =
        run([&](auto input, auto room, bool last) { return deflater.deflate(input, room, last); }, data, cut,
            Deflater::kLeastRoom + most);
    require(wire.next == Next::End && !wire.data.empty());
    require(inflate(inflater, wire.data, cut, most) ==
            Outcome{std::string(data), Next::End, CloseCode::Normal});
    if (message == 1) deflater.release();
    if (message == 1) inflater.release();
  }
}

void check_offer(std::string_view text, const DeflatePolicy& policy) {
  const holdfast::api::Field field{"Sec-WebSocket-Extensions", text};
  const DeflateNegotiation negotiation = negotiate_deflate({&field, 1}, policy);
  if (!negotiation.agreement) return;
  const DeflateAgreement& agreement = *negotiation.agreement;
  require(!negotiation.malformed && text.find("permessage-deflate") != std::string_view::npos);
  require(agreement.server_window_bits >= 9 && agreement.server_window_bits <= policy.server_window_bits);
  require(agreement.client_window_bits >= 8 && agreement.client_window_bits <= 15);
  // An answer is an offer that would be granted as it stands.
  const std::string answer = agreement.answer();
  const holdfast::api::Field again{"Sec-WebSocket-Extensions", answer};
  require(negotiate_deflate({&again, 1}, policy).agreement.value().answer() == answer);
}

}  // namespace

// Three bytes choose what to do with the rest: a task, and the sizes of pieces and room.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 3, size - 3);
  const auto bits = static_cast<std::uint8_t>(8 + data[0] / 4 % 8);
  const std::size_t cut = 1 + data[1];
  const std::size_t most = 1 + data[2];
  switch (data[0] % 4) {
    case 0:
    case 1:
      check_inflating(rest, bits, cut, most);
      break;
    case 2:
      check_round_trip(rest, bits, cut, most);
      break;
    default:
      check_offer(rest, {std::max<std::uint8_t>(bits, 9), static_cast<std::uint8_t>(9 + data[1] % 7),
                         (data[2] & 1) != 0, (data[2] & 2) != 0});
  }
  return 0;
}
