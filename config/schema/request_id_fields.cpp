#include "config/schema/sections.h"

namespace holdfast::config {

const Rows<RequestId>& request_id_rows() {
  static const Rows<RequestId> rows = make_rows<RequestId>(
      field("mode", &RequestId::mode,
            choice<RequestIdMode>({{{"off", RequestIdMode::Off},
                                    {"generate", RequestIdMode::Generate},
                                    {"accept", RequestIdMode::Accept}}}),
            "off", Takes::NewWorkers,
            "`generate` gives each request an identifier; `accept` keeps the one that a client sends (1 to 128 "
            "letters, "
            "digits, . _ -), which is right behind a proxy of your own."),
      field("header", &RequestId::header, text("header name", check_response_header), "X-Request-Id",
            Takes::NewWorkers, "Header field that carries it, in requests and in responses."));
  return rows;
}

}  // namespace holdfast::config
