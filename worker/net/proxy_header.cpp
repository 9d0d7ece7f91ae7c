#include "worker/net/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/ascii.h"

namespace holdfast::net {
namespace {

using Outcome = ProxyHeader::Outcome;

constexpr std::string_view kLineStart = "PROXY ";
constexpr std::size_t kLongestLine = 107;  // section 2.1, with its CRLF
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixedPart = 16;  // section 2.2: signature, version and command, family, length

ProxyHeader refused(std::string_view why) {
  return {Outcome::Refused, 0, std::nullopt, why};
}

/// As far as both go.
bool begins_like(std::string_view text, std::string_view start) {
  const std::size_t common = std::min(text.size(), start.size());
  return text.substr(0, common) == start.substr(0, common);
}

// -- version 1

/// What stands before the next space; "exactly one space" lies between fields, so that a second one makes the
/// next field empty and thereby wrong.
std::string_view next_field(std::string_view& rest) {
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const std::string_view field = rest.substr(0, space);
  rest.remove_prefix(std::min(space + 1, rest.size()));
  return field;
}

bool parse_address(std::string_view field, int family, void* out) {
  char text[INET6_ADDRSTRLEN];
  // A NUL would end the text for inet_pton, whatever follows.
  if (field.size() >= sizeof text || field.find('\0') != std::string_view::npos) return false;
  *std::copy(field.begin(), field.end(), text) = '\0';
  return ::inet_pton(family, text, out) == 1;
}

/// Section 2.1: [0..65535], "heading zeroes are not permitted".
std::optional<std::uint16_t> parse_port(std::string_view field) {
  if (field.size() > 1 && field.front() == '0') return std::nullopt;
  const std::optional<std::uint64_t> port = parse_decimal(field);
  if (!port || *port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

/// "TCP4 source destination source-port destination-port". The destination must be right too: section 2.1 lets
/// nothing pass that "does not exactly match".
std::optional<PeerAddress> parse_fields(std::string_view fields) {
  const std::string_view protocol = next_field(fields);
  if (protocol != "TCP4" && protocol != "TCP6") return std::nullopt;
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  std::array<std::uint8_t, 16> source{};
  std::array<std::uint8_t, 16> destination{};
  if (!parse_address(next_field(fields), family, source.data())) return std::nullopt;
  if (!parse_address(next_field(fields), family, destination.data())) return std::nullopt;
  const std::optional<std::uint16_t> port = parse_port(next_field(fields));
  if (!port || !parse_port(fields)) return std::nullopt;
  return family == AF_INET ? PeerAddress::inet(source.data(), *port) : PeerAddress::inet6(source.data(), *port);
}

ProxyHeader parse_line(std::string_view text) {
  // Section 2.1: nothing is decoded before the CRLF has come, and it comes within 107 bytes.
  const std::size_t end = text.substr(0, kLongestLine).find("\r\n");
  if (end == std::string_view::npos)
    return text.size() < kLongestLine ? ProxyHeader{} : refused("the line is too long");
  const std::string_view fields = text.substr(kLineStart.size(), end - kLineStart.size());
  // "The receiver must ignore anything presented before the CRLF", and use the connection's own addresses.
  if (fields == "UNKNOWN" || fields.starts_with("UNKNOWN "))
    return {Outcome::Consumed, end + 2, std::nullopt, {}};
  const std::optional<PeerAddress> source = parse_fields(fields);
  if (!source) return refused("the line is malformed");
  return {Outcome::Consumed, end + 2, source, {}};
}

// -- version 2

enum Family : std::uint8_t { kUnspec, kInet, kInet6, kUnix, kFamilies };
constexpr std::array<std::size_t, kFamilies> kAddressBytes{0, 12, 36, 216};
constexpr std::uint8_t kStream = 1;
constexpr std::uint8_t kDatagram = 2;

std::uint8_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

std::uint16_t number_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(text, at) << 8 | byte_at(text, at + 1));
}

// -- its TLVs (section 2.2): type, length in two bytes, value

constexpr std::size_t kTlvHead = 3;
constexpr std::uint8_t kChecksum = 0x03;
constexpr std::size_t kChecksumBytes = 4;

/// The checksum of section 2.2.4 (CRC32c, RFC 4960 appendix B), a nibble at a time: headers are short and come
/// once a connection.
constexpr std::array<std::uint32_t, 16> make_crc_table() {
  std::array<std::uint32_t, 16> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 4; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78U : 0U);
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 16> kCrcTable = make_crc_table();

/// As if the bytes from `blank` on, where the checksum itself stands, were zero.
std::uint32_t crc32c(std::string_view text, std::size_t blank) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_blank = at >= blank && at < blank + kChecksumBytes;
    crc ^= is_blank ? 0U : byte_at(text, at);
    crc = (crc >> 4) ^ kCrcTable[crc & 0xF];
    crc = (crc >> 4) ^ kCrcTable[crc & 0xF];
  }
  return ~crc;
}

/// Walks what lies behind the addresses; what is wrong with it, empty when nothing is. Only the checksum means
/// something here; it covers the whole `header`.
std::string_view judge_tlvs(std::string_view header, std::size_t at) {
  while (at < header.size()) {
    if (header.size() - at < kTlvHead) return "a cut TLV";
    const std::uint8_t type = byte_at(header, at);
    const std::size_t length = number_at(header, at + 1);
    at += kTlvHead;
    if (header.size() - at < length) return "a cut TLV";
    if (type == kChecksum) {
      if (length != kChecksumBytes) return "a malformed checksum";
      const std::uint32_t said = std::uint32_t{number_at(header, at)} << 16 | number_at(header, at + 2);
      // "If the checksum does not match", the header is damaged and the connection must be dropped.
      if (crc32c(header, at) != said) return "a wrong checksum";
    }
    at += length;
  }
  return {};
}

/// What is wrong with the family byte or the length; empty when nothing is.
std::string_view judge_family(std::uint8_t family, std::uint8_t transport, std::size_t length) {
  // Section 2.2: "other values ... must be rejected as invalid by receivers".
  if (family >= kFamilies) return "unknown address family";
  if (transport > kDatagram) return "unknown transport";
  if (length < kAddressBytes[family]) return "too short for its addresses";
  return {};
}

/// Section 2.2: addresses come first, then ports, the source always ahead of the destination. What is neither
/// TCP over IPv4 nor over IPv6 "automatically falls back to the UNSPEC mode": the socket's own address counts.
std::optional<PeerAddress> source_of(std::string_view block, std::uint8_t family, std::uint8_t transport) {
  if (transport != kStream) return std::nullopt;
  if (family == kInet) return PeerAddress::inet(block.data(), number_at(block, 8));
  if (family == kInet6) return PeerAddress::inet6(block.data(), number_at(block, 32));
  return std::nullopt;
}

ProxyHeader parse_binary(std::string_view text) {
  if (text.size() < kFixedPart) return {};
  const std::size_t length = number_at(text, 14);
  const std::size_t whole = kFixedPart + length;
  const std::uint8_t command = byte_at(text, 12) & 0xF;
  const std::uint8_t family = byte_at(text, 13) >> 4;
  const std::uint8_t transport = byte_at(text, 13) & 0xF;
  if (byte_at(text, 12) >> 4 != 2) return refused("unknown version");
  if (command > 1) return refused("unknown command");
  if (whole > kLongestProxyHeader) return refused("the header is too long");
  // LOCAL is the sender's own connection: its block is skipped "including the family which is ignored".
  const bool local = command == 0;
  if (!local)
    if (const std::string_view why = judge_family(family, transport, length); !why.empty()) return refused(why);
  if (text.size() < whole) return {};
  if (!local)
    if (const std::string_view why = judge_tlvs(text.substr(0, whole), kFixedPart + kAddressBytes[family]);
        !why.empty())
      return refused(why);
  const std::string_view block = text.substr(kFixedPart, length);
  return {Outcome::Consumed, whole, local ? std::nullopt : source_of(block, family, transport), {}};
}

}  // namespace

ProxyHeader parse_proxy_header(std::span<const std::byte> input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  if (text.empty()) return {};
  if (begins_like(text, kSignature)) return parse_binary(text);
  if (begins_like(text, kLineStart)) return parse_line(text);
  // Section 2: the receiver "must not try to guess whether the protocol header is present or not".
  return refused("there is none");
}

ProxyHeader take_proxy_header(int socket, std::span<std::byte> room) {
  const std::span<std::byte> most = room.first(kLongestProxyHeader);
  const ssize_t seen = ::recv(socket, most.data(), most.size(), MSG_PEEK);
  if (seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
  if (seen <= 0) return {Outcome::Gone, 0, std::nullopt, {}};
  const ProxyHeader header = parse_proxy_header(most.first(static_cast<std::size_t>(seen)));
  if (header.outcome == Outcome::Consumed &&
      ::recv(socket, most.data(), header.consumed, 0) != static_cast<ssize_t>(header.consumed))
    return {Outcome::Gone, 0, std::nullopt, {}};
  return header;
}

}  // namespace holdfast::net
