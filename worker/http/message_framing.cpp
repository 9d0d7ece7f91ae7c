#include "worker/http/message_framing.h"

#include "common/ascii.h"

namespace holdfast::http {
namespace {

using stats::BadRequest;
using Refusal = std::optional<BadRequest>;

struct Seen {
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  bool close = false;
  bool keep_alive = false;
};

// RFC 9112 section 6.3: one Content-Length of digits; a second one, even an equal one, is refused.
Refusal take_length(std::string_view value, Seen& seen, Framing& framing) {
  const std::optional<std::uint64_t> length = parse_decimal(value);
  if (!length || seen.lengths++ > 0) return BadRequest::ContentLength;
  framing.body = BodyRule::Length;
  framing.length = *length;
  return std::nullopt;
}

// RFC 9112 section 6.1: nothing but one final `chunked`, and never from an HTTP/1.0 client.
Refusal take_coding(std::string_view value, api::Version version, Seen& seen) {
  if (seen.codings++ > 0 || version == api::Version::Http10 || !ascii_iequals(value, "chunked"))
    return BadRequest::TransferEncoding;
  return std::nullopt;
}

void take_connection(std::string_view value, Seen& seen) {
  for_each_list_element(value, [&seen](std::string_view option) {
    if (ascii_iequals(option, "close")) seen.close = true;
    if (ascii_iequals(option, "keep-alive")) seen.keep_alive = true;
  });
}

// RFC 9110 section 10.1.1: a list with one known member; HTTP/1.0 clients' are ignored.
Refusal take_expectation(std::string_view value, api::Version version, Framing& framing) {
  if (version == api::Version::Http10) return std::nullopt;
  bool known = true;
  for_each_list_element(value, [&](std::string_view expectation) {
    known = known && ascii_iequals(expectation, "100-continue");
    framing.expects_continue = true;
  });
  if (!known) return BadRequest::Expectation;
  return std::nullopt;
}

Refusal take_field(const api::Field& field, api::Version version, Seen& seen, Framing& framing) {
  // The lengths of the names that matter, so that most fields cost one comparison.
  switch (field.name.size()) {
    case 4:
      if (ascii_iequals(field.name, "host")) {
        framing.host = field.value;
        if (++seen.hosts > 1) return BadRequest::Host;
      }
      return std::nullopt;
    case 6:
      if (ascii_iequals(field.name, "expect")) return take_expectation(field.value, version, framing);
      return std::nullopt;
    case 10:
      if (ascii_iequals(field.name, "connection")) take_connection(field.value, seen);
      return std::nullopt;
    case 14:
      if (ascii_iequals(field.name, "content-length")) return take_length(field.value, seen, framing);
      return std::nullopt;
    case 17:
      if (ascii_iequals(field.name, "transfer-encoding")) return take_coding(field.value, version, seen);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

// An HTTP/1.0 client may mean its content to end with the connection, which only a response's can (RFC 9112
// section 6.3); it must say the length (RFC 9110 section 15.5.12). HTTP/1.1 without one means: no content.
bool must_tell_length(api::Method method, api::Version version) {
  return version == api::Version::Http10 &&
         (method == api::Method::Post || method == api::Method::Put || method == api::Method::Patch);
}

}  // namespace

Refusal frame_request(api::Method method, api::Version version, std::span<const api::Field> fields,
                      Framing& framing) {
  Seen seen;
  for (const api::Field& field : fields)
    if (const Refusal refusal = take_field(field, version, seen, framing)) return refusal;
  // RFC 9112 section 3.2: an HTTP/1.1 request without Host is refused.
  if (seen.hosts == 0 && version == api::Version::Http11) return BadRequest::Host;
  if (seen.codings > 0) {
    if (seen.lengths > 0) return BadRequest::TransferEncoding;
    framing.body = BodyRule::Chunked;
  }
  if (framing.body == BodyRule::None && must_tell_length(method, version)) return BadRequest::LengthRequired;
  framing.keep_alive = !seen.close && (version == api::Version::Http11 || seen.keep_alive);
  return std::nullopt;
}

std::uint16_t status_of(BadRequest why) {
  switch (why) {
    case BadRequest::RequestLine:
    case BadRequest::Method:
    case BadRequest::Target:
    case BadRequest::FieldLine:
    case BadRequest::Host:
    case BadRequest::ContentLength:
    case BadRequest::TransferEncoding:
    case BadRequest::ChunkSyntax:
    case BadRequest::TrailerSyntax:
      return 400;
    case BadRequest::Version:
      return 505;
    case BadRequest::Expectation:
      return 417;
    case BadRequest::RequestLineTooLong:
      return 414;
    case BadRequest::HeadTooLarge:
    case BadRequest::TooManyFields:
      return 431;
    case BadRequest::BodyTooLarge:
      return 413;
    case BadRequest::HeadTimeout:
    case BadRequest::BodyTimeout:
    case BadRequest::BodyRate:
      return 408;
    case BadRequest::LengthRequired:
      return 411;
    case BadRequest::Misdirected:
      return 421;
    case BadRequest::kCount:
      break;
  }
  return 400;
}

}  // namespace holdfast::http
