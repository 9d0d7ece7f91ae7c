// Where log lines go out: a file, a pipe or stream socket, or syslog. Never waits, and never tears a line: what
// several processes write to the same place stands there line by line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/syslog.h"

namespace holdfast {

class LineOutput {
 public:
  /// `target` as in the configuration; only a syslog's is looked at.
  LineOutput(Fd fd, std::string_view target);

  struct Outcome {
    std::size_t written = 0;
    int problem = 0;  // errno; 0: all is written
  };
  /// Writes lines, each with its end, as far as that can be at once. What is written ends with a line, unless
  /// line_begun() says that the next call has to begin with the rest of it.
  Outcome write(std::string_view lines);
  bool line_begun() const { return begun_; }

  /// Goes on elsewhere, in the same kind of place.
  void replace(Fd fd);
  /// How far the descriptor has come in its file; empty when it is no file. Writing moves it, and where several
  /// processes write to a file by descriptors of their own, only this one's writing.
  std::optional<std::uint64_t> place() const;

 private:
  enum class Kind : std::uint8_t { File, Pipe, Socket, Syslog };
  void take(Fd fd);
  Outcome write_file(std::string_view lines);
  Outcome write_stream(std::string_view lines);
  Outcome write_syslog(std::string_view lines) const;

  std::optional<Syslog> syslog_;
  Kind kind_ = Kind::File;
  Fd fd_;
  bool begun_ = false;
};

/// How far `fd` has come in its file; empty when it is no file.
std::optional<std::uint64_t> place_of(int fd);

/// Lines that end in `text`.
std::uint64_t lines_in(std::string_view text);

}  // namespace holdfast
