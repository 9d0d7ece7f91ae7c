// The ways in which the same bytes can arrive: whole, line by line, with each line end torn in two, byte by
// byte, cut at random places. Whatever the way, the meaning is the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::support {

enum class Delivery : std::uint8_t { Whole, Lines, CrThenLf, Bytes, RandomCuts };

/// The pieces of `bytes` in order; views into it. `seed` matters to RandomCuts only.
std::vector<std::string_view> cut(std::string_view bytes, Delivery delivery, unsigned seed = 1);

}  // namespace holdfast::support
