// Text in memory that another process reads through a descriptor; nothing of it is on a disk.
#pragma once

#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"

namespace holdfast {

/// A file of that text, which nobody can change any more.
Result<Fd> make_memory_file(std::string_view text);
/// The whole text, from the beginning; the file's own position does not matter.
Result<std::string> read_memory_file(int file);

}  // namespace holdfast
