#include "config/schema/sections.h"

namespace holdfast::config {
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
