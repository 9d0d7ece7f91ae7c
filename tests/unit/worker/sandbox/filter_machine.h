// Runs seccomp filters as the kernel would.
#pragma once

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <vector>

namespace holdfast::sandbox {

#if defined(__x86_64__)
inline constexpr std::uint32_t kHere = AUDIT_ARCH_X86_64;
#else
inline constexpr std::uint32_t kHere = AUDIT_ARCH_AARCH64;
#endif

/// What the kernel would do with the few instructions that filters are made of.
inline std::uint32_t run(const std::vector<sock_filter>& program, const seccomp_data& call) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& one = program[at];
    const auto jump = [&](bool taken) { at += taken ? one.jt : one.jf; };
    switch (one.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&call) + one.k, sizeof accumulator);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= one.k;
        break;
      case BPF_JMP | BPF_JA:
        at += one.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jump(accumulator == one.k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        jump(accumulator >= one.k);
        break;
      case BPF_RET | BPF_K:
        return one.k;
      default:
        ADD_FAILURE() << "no instruction of filters: " << one.code;
        return 0;
    }
  }
  ADD_FAILURE() << "ran over the end";
  return 0;
}

inline std::uint32_t ask(const std::vector<sock_filter>& program, int number,
                         std::vector<std::uint64_t> arguments = {}, std::uint32_t architecture = kHere) {
  seccomp_data call{};
  call.nr = number;
  call.arch = architecture;
  std::copy(arguments.begin(), arguments.end(), std::begin(call.args));
  return run(program, call);
}

}  // namespace holdfast::sandbox
