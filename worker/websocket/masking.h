// The masking of client frames (RFC 6455 section 5.3). Masking and unmasking are the same.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace holdfast::websocket {

using MaskingKey = std::array<std::byte, 4>;

/// Unmasks `bytes` in place. `phase` is how many bytes of the same payload came before them; any value, its two
/// lowest bits count.
void unmask(std::span<std::byte> bytes, MaskingKey key, std::size_t phase);

}  // namespace holdfast::websocket
