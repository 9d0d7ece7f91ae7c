// Responses of other servers: the same outcome however the bytes arrive and however little of the body may be
// given at a time, what is held is bounded, nothing is accepted that the grammar forbids.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ascii.h"
#include "worker/http/head_lines.h"
#include "worker/upstream/response_parser.h"

namespace {

using holdfast::upstream::ResponseParser;
using Event = ResponseParser::Event;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  int heads = 0;
  std::uint16_t status = 0;
  std::string fields;
  std::string body;
  std::size_t consumed = 0;
  Event last = Event::More;
  std::string problem;
  bool keeps_alive = false;
  Event at_end = Event::More;

  bool operator==(const Outcome&) const = default;
};

void take_head(const ResponseParser& parser, Outcome& outcome) {
  ++outcome.heads;
  outcome.status = parser.status();
  require(outcome.status >= 200 && outcome.status <= 599);
  require(parser.fields().size() <= ResponseParser::kMostFields);
  for (const holdfast::api::Field& field : parser.fields()) {
    require(holdfast::is_token(field.name) && holdfast::http::is_field_value(field.value));
    outcome.fields.append(field.name).append(":").append(field.value).append("\n");
  }
}

Outcome parse(std::span<const std::byte> input, bool to_head, std::size_t step, std::size_t most) {
  ResponseParser parser(to_head);
  Outcome outcome;
  std::size_t given = 0;
  while (true) {
    // A block of its own size, so that a read beyond it is found.
    const std::vector<std::byte> piece(input.begin() + static_cast<std::ptrdiff_t>(outcome.consumed),
                                       input.begin() + static_cast<std::ptrdiff_t>(given));
    const ResponseParser::Step taken = parser.parse(piece, most);
    require(taken.consumed <= piece.size() && taken.body.size() <= std::min(most, taken.consumed));
    require(taken.event != Event::Body || !taken.body.empty());
    outcome.consumed += taken.consumed;
    outcome.last = taken.event;
    if (taken.event == Event::Head) take_head(parser, outcome);
    outcome.body.append(reinterpret_cast<const char*>(taken.body.data()), taken.body.size());
    if (taken.event == Event::End || taken.event == Event::Refused) break;
    if (taken.event != Event::More) continue;
    require(outcome.consumed == given);
    if (given == input.size()) break;
    given += std::min(step, input.size() - given);
  }
  require(outcome.heads <= 1 && (outcome.heads == 1 || outcome.last != Event::End));
  outcome.keeps_alive = parser.keeps_alive();
  outcome.at_end = parser.end_of_input();
  outcome.problem = parser.problem();
  if (outcome.last == Event::Refused) outcome.consumed = 0;  // where it was noticed says nothing
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool to_head = (data[0] & 1) != 0;
  const std::span<const std::byte> input(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  const Outcome whole = parse(input, to_head, SIZE_MAX, SIZE_MAX);
  require(!to_head || whole.body.empty());
  require(parse(input, to_head, 1 + data[0] / 2 % 16, 1 + data[0] / 32) == whole);
  return 0;
}
