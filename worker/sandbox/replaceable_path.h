// A folder that is put in place by a rename, or by turning a symbolic link, is another folder than the one that
// stood there when a process was locked in. What is allowed is therefore the folder above: what comes to stand
// there later lies beneath it as well.
#pragma once

#include <string>
#include <vector>

namespace holdfast::sandbox {

/// The folders to be allowed for `path` (absolute) and what may take its place: the real path itself; the
/// folder above it, and above the target of each symbolic link on the way. Folders above are left out where all
/// kinds of things lie beneath them: /, /etc, /var, the homes. Looks at the disk; what is not there has no
/// folders.
std::vector<std::string> folders_of(const std::string& path, const std::string& home);

/// Whether a folder is one of these.
bool is_too_wide(const std::string& folder, const std::string& home);

}  // namespace holdfast::sandbox
