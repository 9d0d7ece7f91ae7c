// Verifies a password against a hash of a password file. Slow by design for most forms; for a thread of the
// pool.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::guards {

/// Every form that config/password_file.h takes. False as well when memory has run out or the form is not known
/// here.
bool verify_password(const std::string& password, const std::string& hash);

/// True when both are equal, in a time that depends on the lengths alone.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace holdfast::guards
