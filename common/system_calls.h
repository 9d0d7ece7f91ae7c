// System calls by name, as messages tell them and configurations ask for them.
#pragma once

#include <string_view>
#include <vector>

namespace holdfast {

/// "ptrace"; empty for a number that has no name here.
std::string_view system_call_name(int number);
/// -1 for a name that is not known on this kind of machine.
int system_call_number(std::string_view name);
/// All that have a name on this kind of machine.
std::vector<std::string_view> system_call_names();

}  // namespace holdfast
