// Session tickets of TLS: how long, and under whose keys.
#include "common/tickets/ticket_keys.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

/// A path, or off.
Kind<LoadedFile> keys_kind() {
  const Kind<LoadedFile> file = loaded_file("path, or off");
  return {file.noun, file.schema,
          [file](Reader& reader, const Node& node, LoadedFile& out) {
            out = LoadedFile{};
            if (is_word(node, "off")) return true;
            if (!file.read(reader, node, out)) return false;
            const std::size_t size = out.text.size(), one = sizeof(tickets::TicketKey);
            if (size > 0 && size % one == 0 && size / one <= tickets::kMostKeys) return true;
            reader.problem(node.mark, shown(out.path) + " has " + std::to_string(size) +
                                          " bytes, but keys have " + std::to_string(one) +
                                          " each, and there may be " + std::to_string(tickets::kMostKeys) +
                                          " (`openssl rand 80` makes one)");
            return false;
          },
          [](const LoadedFile& value, const Config&) {
            return value.path.empty() ? word_node("off") : text_node(value.path);
          }};
}

const Rows<SessionTickets>& rows() {
  static const Rows<SessionTickets> rows = make_rows<SessionTickets, /*enabled*/ 1>(
      // RFC 8446 section 4.6.1: at most a week.
      field(
          "rotate", &SessionTickets::rotate, duration(1min, 7 * 24h), "12h", Takes::NewWorkers,
          "How long a key makes tickets; for as long again its tickets are taken. Without effect with `keys`."),
      field(
          "keys", &SessionTickets::keys, keys_kind(), "off", Takes::NewWorkers,
          "File of the keys, for several machines that serve the same names: 80 random bytes a key, the first "
          "makes tickets, up to seven older ones are taken. Whoever has it can read recorded sessions of TLS "
          "1.2: replace it often, then reload. `off`: keys are made here and kept in memory alone.")
          .example("/etc/holdfast/tickets.key"));
  return rows;
}

}  // namespace

Kind<SessionTickets> session_tickets_kind() {
  return section_or_off(rows());
}

}  // namespace holdfast::config
