#include "common/system_calls.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

namespace holdfast {
namespace {

TEST(SystemCalls, have_names_both_ways) {
  EXPECT_EQ(system_call_name(SYS_ptrace), "ptrace");
  EXPECT_EQ(system_call_number("ptrace"), SYS_ptrace);
  EXPECT_EQ(system_call_name(100'000), "");
  EXPECT_EQ(system_call_number("ptraces"), -1);
  for (const std::string_view name : system_call_names())
    EXPECT_EQ(system_call_name(system_call_number(name)), name);
}

}  // namespace
}  // namespace holdfast
