// The program that the kernel runs before each system call, made from rules. Pure: nothing is entered here.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace holdfast::sandbox {

enum class Verdict : std::uint8_t {
  Allow,
  Refuse,  // the call fails with an error code, for libraries that have another way
  Trap,    // SIGSYS: the process tells which call it was, and dies
};

/// Decides a call whose argument, under the mask, is this value.
struct ArgumentCase {
  unsigned argument = 0;  // 0 to 5
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  Verdict verdict = Verdict::Allow;
  std::uint16_t code = 0;  // errno of Verdict::Refuse
};

/// What becomes of one system call. The first of the cases that fits decides, `verdict` if none does.
struct CallRule {
  int number = 0;
  Verdict verdict = Verdict::Allow;
  std::uint16_t code = 0;
  std::vector<ArgumentCase> cases = {};
};

/// One rule a number, in any order; calls without a rule are trapped. Calls of another architecture than the
/// server's (of 32-bit programs, x32) kill. Calls that are allowed whatever their arguments are found without a
/// look at these: newer kernels remember them and need not run the program.
std::vector<sock_filter> seccomp_filter(std::vector<CallRule> rules);

}  // namespace holdfast::sandbox
