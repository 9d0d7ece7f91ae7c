// The known name that a misspelt one was probably meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::config {

/// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other, case ignored.
std::size_t edit_distance(std::string_view a, std::string_view b);
/// The closest of `names`, or one that `name` abbreviates; empty when none is close: a third of the letters may
/// be wrong.
std::string nearest_name(std::string_view name, const std::vector<std::string_view>& names);

}  // namespace holdfast::config
