#include "worker/sandbox/seccomp_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>

namespace holdfast::sandbox {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kForeignFrom = 0x40000000;  // numbers of x32, which share the architecture's name
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kForeignFrom = UINT32_MAX;
#else
#error "the architecture's name for seccomp, and its numbers, are not known here"
#endif

using Code = std::vector<sock_filter>;

// Jumps have a byte for their distance.
constexpr std::size_t kFarthest = 255;

sock_filter statement(unsigned code, std::uint32_t k) {
  return BPF_STMT(static_cast<std::uint16_t>(code), k);
}

sock_filter jump(unsigned code, std::uint32_t k, std::size_t if_true, std::size_t if_false) {
  return BPF_JUMP(static_cast<std::uint16_t>(code), k, static_cast<std::uint8_t>(if_true),
                  static_cast<std::uint8_t>(if_false));
}

sock_filter load(std::size_t offset) {
  return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

sock_filter answer(Verdict verdict, std::uint16_t code) {
  switch (verdict) {
    case Verdict::Allow:
      return statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    case Verdict::Refuse:
      return statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code);
    case Verdict::Trap:
      break;
  }
  return statement(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
}

void append(Code& code, const Code& more) {
  code.insert(code.end(), more.begin(), more.end());
}

/// Goes on behind itself when the half of the argument fits, else jumps over `skipped` more instructions.
void add_half(Code& code, std::size_t offset, std::uint32_t mask, std::uint32_t value, std::size_t skipped) {
  code.push_back(load(offset));
  if (mask != UINT32_MAX) code.push_back(statement(BPF_ALU | BPF_AND | BPF_K, mask));
  code.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped));
}

Code code_of(const ArgumentCase& one) {
  static_assert(std::endian::native == std::endian::little);
  const std::size_t low = offsetof(seccomp_data, args) + one.argument * sizeof(std::uint64_t);
  const auto low_mask = static_cast<std::uint32_t>(one.mask);
  const auto high_mask = static_cast<std::uint32_t>(one.mask >> 32);
  const Code end{answer(one.verdict, one.code)};
  Code high;
  if (high_mask != 0)
    add_half(high, low + sizeof(std::uint32_t), high_mask, static_cast<std::uint32_t>(one.value >> 32),
             end.size());
  Code code;
  if (low_mask != 0)
    add_half(code, low, low_mask, static_cast<std::uint32_t>(one.value), high.size() + end.size());
  append(code, high);
  append(code, end);
  return code;
}

Code code_of(const CallRule& rule) {
  Code code;
  for (const ArgumentCase& one : rule.cases) append(code, code_of(one));
  code.push_back(answer(rule.verdict, rule.code));
  return code;
}

/// Numbers from `from` up to the next leaf.
struct Leaf {
  std::uint32_t from;
  bool plain;  // all of them allowed, or all of them trapped
  Verdict verdict;
  Code code;
};

void add_plain(std::vector<Leaf>& leaves, std::uint32_t from, Verdict verdict) {
  if (!leaves.empty() && leaves.back().plain && leaves.back().verdict == verdict) return;
  leaves.push_back({from, true, verdict, {answer(verdict, 0)}});
}

std::vector<Leaf> leaves_of(const std::vector<CallRule>& rules) {
  std::vector<Leaf> leaves;
  std::uint32_t next = 0;
  for (const CallRule& rule : rules) {
    const auto number = static_cast<std::uint32_t>(rule.number);
    if (number > next) add_plain(leaves, next, Verdict::Trap);
    if (rule.cases.empty() && rule.verdict != Verdict::Refuse)
      add_plain(leaves, number, rule.verdict);
    else
      leaves.push_back({number, false, rule.verdict, code_of(rule)});
    next = number + 1;
  }
  add_plain(leaves, next, Verdict::Trap);
  return leaves;
}

/// A search tree: the number is in the accumulator, and some leaf answers.
Code tree_of(std::span<const Leaf> leaves) {
  if (leaves.size() == 1) return leaves.front().code;
  const std::span<const Leaf> right = leaves.subspan(leaves.size() / 2);
  const Code lower = tree_of(leaves.first(leaves.size() / 2));
  Code code;
  if (lower.size() <= kFarthest) {
    code.push_back(jump(BPF_JMP | BPF_JGE | BPF_K, right.front().from, lower.size(), 0));
  } else {
    code.push_back(jump(BPF_JMP | BPF_JGE | BPF_K, right.front().from, 0, 1));
    code.push_back(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(lower.size())));
  }
  append(code, lower);
  append(code, tree_of(right));
  return code;
}

}  // namespace

std::vector<sock_filter> seccomp_filter(std::vector<CallRule> rules) {
  std::ranges::sort(rules, {}, &CallRule::number);
  const sock_filter kill = statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  Code code{load(offsetof(seccomp_data, arch)), jump(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0), kill,
            load(offsetof(seccomp_data, nr)),   jump(BPF_JMP | BPF_JGE | BPF_K, kForeignFrom, 0, 1),  kill};
  append(code, tree_of(leaves_of(rules)));
  return code;
}

}  // namespace holdfast::sandbox
