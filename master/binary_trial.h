// Whether a program could take over from this one: asked of the program itself, in a process of its own, before
// anything depends on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace holdfast::master {

/// The option that asks for it; the answer is takes_over_line() and exit code 0, or problems and another code.
inline constexpr std::string_view kTakesOverOption = "--can-take-over";
/// What this program says of itself.
std::string takes_over_line();

/// Runs the program with these arguments (the name as the first) and kTakesOverOption, and waits for its end:
/// to be called in a process that may wait. The answer is for judge_trial().
std::string try_binary(const std::string& path, const std::vector<std::string>& arguments);

/// What came of it; one problem a line, none: it can take over.
struct TrialOutcome {
  std::string version;
  std::string problems;
  ErrorKind kind = ErrorKind::Unavailable;  // of the problems
};
/// `answer`: of try_binary(); empty: it did not come to an answer. `path`: for the words.
TrialOutcome judge_trial(const std::string& path, const std::optional<std::string>& answer);

}  // namespace holdfast::master
