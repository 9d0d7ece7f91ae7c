#include <array>

#include "common/ascii.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

bool has_control_byte(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

/// "text/html" or "text/*"; kept in lower case.
std::string check_media_range(std::string& type) {
  const std::size_t slash = type.find('/');
  for (char& c : type) c = ascii_lower(c);
  const std::string_view all(type);
  const bool good =
      slash != std::string::npos && is_token(all.substr(0, slash)) && is_token(all.substr(slash + 1));
  return good ? "" : "must be media types (text/html) or ranges of them (text/*)";
}

}  // namespace

std::string check_response_header(std::string& name) {
  constexpr std::array<std::string_view, 5> kOwn{"Connection", "Content-Length", "Transfer-Encoding", "Date",
                                                 "Keep-Alive"};
  if (!is_token(name)) return "is no header name";
  for (const std::string_view own : kOwn)
    if (ascii_iequals(name, own)) return "is set by the server itself";
  return "";
}

std::string check_header_value(std::string& value) {
  return has_control_byte(value) ? "must not contain control characters" : "";
}

const Rows<HeaderEdits>& header_edits_rows() {
  static const Rows<HeaderEdits> rows = make_rows<HeaderEdits>(
      field("set", &HeaderEdits::set,
            pairs("map of header names to values", check_response_header, check_header_value), "",
            Takes::NewWorkers, "Header fields to set, in place of those of the same name. For all statuses.")
          .example("{X-Frame-Options: DENY}"),
      field("remove", &HeaderEdits::remove, list_of(text("header name", check_response_header)), "",
            Takes::NewWorkers, "Header fields to leave out; `Server` is one of them.")
          .example("[Server]"));
  return rows;
}

Kind<Coding> coding_kind() {
  return choice<Coding>({{{"zstd", Coding::Zstd}, {"br", Coding::Brotli}, {"gzip", Coding::Gzip}}});
}

const Rows<Compression>& compression_rows() {
  static const Rows<Compression> rows = make_rows<Compression>(
      field(
          "enabled", &Compression::enabled, boolean(), "true", Takes::NewWorkers,
          "Whether responses are compressed for clients that ask for it. Files of up to 8 MiB are packed once, "
          "beside the serving, and kept; till then those above 1 MiB go as they are. "
          "Switch it off for content that mixes "
          "secrets with what strangers may choose.")
          .per_route(),
      field("encodings", &Compression::encodings, list_of(coding_kind(), 1), "[zstd, br, gzip]",
            Takes::NewWorkers,
            "Codings in the server's order of preference, which decides among those that the client likes "
            "equally. "
            "One that this build lacks is passed over.")
          .per_route(),
      field("level", &Compression::level, count<std::uint32_t>(1, 9), "6", Takes::NewWorkers,
            "Level of gzip; the other codings have levels of their own. Lower it to save processor time.")
          .per_route(),
      field("min_size", &Compression::min_size, size(0, std::uint64_t{1} << 40), "1KiB", Takes::NewWorkers,
            "Smaller responses are sent as they are: packing them gains nothing.")
          .per_route(),
      field("types", &Compression::types, list_of(text("media type", check_media_range)),
            "[text/*, application/json, application/javascript, image/svg+xml]", Takes::NewWorkers,
            "Media types that are compressed. Leave out what is packed already, as most images are.")
          .per_route());
  return rows;
}

}  // namespace holdfast::config
