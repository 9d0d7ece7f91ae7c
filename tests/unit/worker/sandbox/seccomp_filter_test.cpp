#include "worker/sandbox/seccomp_filter.h"

#include <cerrno>
#include <map>

#include "tests/unit/worker/sandbox/filter_machine.h"

namespace holdfast::sandbox {
namespace {

TEST(SeccompFilter, lets_through_what_has_a_rule_and_traps_the_rest) {
  const auto program = seccomp_filter({{7}, {3}, {4}, {9, Verdict::Refuse, ENOSYS}});
  const std::map<int, std::uint32_t> expected{
      {3, SECCOMP_RET_ALLOW}, {4, SECCOMP_RET_ALLOW}, {7, SECCOMP_RET_ALLOW}, {9, SECCOMP_RET_ERRNO | ENOSYS}};
  for (int number = 0; number < 600; ++number) {
    const auto known = expected.find(number);
    EXPECT_EQ(ask(program, number), known == expected.end() ? SECCOMP_RET_TRAP : known->second) << number;
  }
}

TEST(SeccompFilter, of_no_rules_traps_all) {
  EXPECT_EQ(ask(seccomp_filter({}), 0), SECCOMP_RET_TRAP);
  EXPECT_EQ(ask(seccomp_filter({}), 400), SECCOMP_RET_TRAP);
}

TEST(SeccompFilter, kills_for_calls_of_another_architecture) {
  const auto program = seccomp_filter({{3}});
  EXPECT_EQ(ask(program, 3, {}, AUDIT_ARCH_I386), SECCOMP_RET_KILL_PROCESS);
#if defined(__x86_64__)
  EXPECT_EQ(ask(program, 3 + 0x40000000), SECCOMP_RET_KILL_PROCESS) << "x32";
#endif
}

TEST(SeccompFilter, judges_by_both_halves_of_an_argument) {
  const CallRule whole{5, Verdict::Trap, 0, {{2, UINT64_MAX, 0, Verdict::Allow, 0}}};
  const CallRule lower{6, Verdict::Trap, 0, {{1, UINT32_MAX, 8, Verdict::Allow, 0}}};
  const CallRule bit{7, Verdict::Trap, 0, {{0, 0x100, 0x100, Verdict::Allow, 0}}};
  const auto program = seccomp_filter({whole, lower, bit});
  EXPECT_EQ(ask(program, 5, {1, 1, 0}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(program, 5, {0, 0, 1}), SECCOMP_RET_TRAP);
  EXPECT_EQ(ask(program, 5, {0, 0, 1ULL << 40}), SECCOMP_RET_TRAP) << "a pointer whose lower half is 0";
  EXPECT_EQ(ask(program, 6, {0, 8}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(program, 6, {0, (1ULL << 32) | 8}), SECCOMP_RET_ALLOW) << "the kernel takes it for 8, too";
  EXPECT_EQ(ask(program, 7, {0x50100}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(program, 7, {0x50000}), SECCOMP_RET_TRAP);
}

TEST(SeccompFilter, takes_the_first_case_that_fits) {
  const CallRule rule{
      5, Verdict::Trap, 0, {{0, UINT32_MAX, 1, Verdict::Allow, 0}, {0, UINT32_MAX, 2, Verdict::Refuse, EPERM}}};
  const auto program = seccomp_filter({rule});
  EXPECT_EQ(ask(program, 5, {1}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(program, 5, {2}), SECCOMP_RET_ERRNO | EPERM);
  EXPECT_EQ(ask(program, 5, {3}), SECCOMP_RET_TRAP);
}

/// Jumps that are farther than a byte tells.
TEST(SeccompFilter, finds_its_way_in_a_large_tree) {
  std::vector<CallRule> rules;
  for (int number = 0; number < 800; number += 2) rules.push_back({number});
  rules.push_back(
      {801, Verdict::Trap, 0, std::vector<ArgumentCase>(100, {0, UINT64_MAX, 7, Verdict::Allow, 0})});
  const auto program = seccomp_filter(rules);
  for (int number = 0; number < 800; ++number)
    EXPECT_EQ(ask(program, number), number % 2 == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRAP) << number;
  EXPECT_EQ(ask(program, 801, {7}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(ask(program, 801, {8}), SECCOMP_RET_TRAP);
}

}  // namespace
}  // namespace holdfast::sandbox
