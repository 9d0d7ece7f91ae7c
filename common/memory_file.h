// Text in memory that another process reads through a descriptor; nothing of it is on a disk.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"

namespace holdfast {

/// Memory for processes to share, zeroed, of a size that nobody can change any more. `name` shows in /proc,
/// `purpose`
/// ("the statistics") in the error, which also says what limit may be behind it.
Result<Fd> make_shared_memory(const char* name, std::size_t size, std::string_view purpose);
/// A file of that text, which nobody can change any more.
Result<Fd> make_memory_file(std::string_view text);
/// The whole text, from the beginning; the file's own position does not matter.
Result<std::string> read_memory_file(int file);

}  // namespace holdfast
