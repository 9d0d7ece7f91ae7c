// Puts a response head and chunk framing into an output queue (RFC 9112 sections 4, 6, 7).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/api/request.h"
#include "worker/http/turn_clock.h"
#include "worker/net/output_queue.h"

namespace holdfast::http1 {

/// How the end of the body is told.
/// Upgrade: another protocol begins behind the head.
enum class BodyEnd : std::uint8_t { NoBody, Length, Chunked, Close, Upgrade };

struct HeadToWrite {
  std::uint16_t status = 200;
  std::span<const api::Field> fields;
  std::string_view text{};  // the same, written out already; empty: not
  BodyEnd end = BodyEnd::NoBody;
  std::uint64_t length = 0;  // BodyEnd::Length
  api::Version version = api::Version::Http11;
  bool keep_alive = true;
  bool hide_server = false;
};

/// Returns the number of bytes written. Fields that the core owns are left out.
std::size_t write_head(net::OutputQueue& output, const HeadToWrite& head, const http::TurnClock& clock);

/// What ends a chunked body: the last chunk, and the fields that follow it.
void write_last_chunk(net::OutputQueue& output, std::span<const api::Field> trailers);

/// The longest framing around a chunk of at most 2^32-1 bytes: size line in front, CRLF behind.
inline constexpr std::size_t kChunkPrefix = 10;
inline constexpr std::size_t kChunkSuffix = 2;
/// Writes "SIZE CRLF" right-aligned into `prefix` (kChunkPrefix bytes, SIZE zero-padded to 8 digits).
void write_chunk_prefix(std::span<std::byte, kChunkPrefix> prefix, std::uint32_t size);

}  // namespace holdfast::http1
