#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

bool asks_for_no_compression(Reader&, const Entry& written) {
  if (written.value.kind == Node::Kind::Null) return true;
  if (written.value.kind != Node::Kind::Map) return false;
  for (const Entry& key : written.value.entries)
    if (key.key != "enabled" || !is_word(key.value, "false")) return false;
  return true;
}

}  // namespace

Field<Config, 0> compression_field() {
  RowInfo enabled = planned_key("enabled", "Whether responses are compressed. `false` may be written.");
  enabled.schema = mapping({entry("enum", sequence({word_node("false")}))});
  Field<Config, 0> row = with_keys(
      planned<Config>("compression", "Compression of responses.", asks_for_no_compression),
      {std::move(enabled), planned_key("encodings", "Encodings, in the server's order of preference."),
       planned_key("level", "Level of gzip."), planned_key("min_size", "Smaller responses are not compressed."),
       planned_key("types", "Content types that are compressed.")});
  row.info.schema = schema_of(row.info.children);
  return row;
}

Field<Config, 0> websocket_field() {
  return with_keys(planned<Config>("websocket", "Settings of all WebSocket routes."),
                   {planned_key("max_message", "Largest message (1009)."),
                    planned_key("ping_interval", "Time between pings."),
                    planned_key("pong_timeout", "A pong must come by then."),
                    planned_key("close_timeout", "The closing handshake must be finished by then."),
                    planned_key("compression", "Whether permessage-deflate is offered."),
                    planned_key("origins", "Origins that may connect; empty: any."),
                    planned_key("subprotocols", "Subprotocols that are offered.")});
}

}  // namespace holdfast::config
