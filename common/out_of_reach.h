// Whether a sandbox, and not the rights of the account, keeps this process from a file.
#pragma once

namespace holdfast {

/// `path` as openat() takes it; opened without waiting, and closed again. False also for what is not there.
bool is_out_of_reach(int folder, const char* path);

}  // namespace holdfast
