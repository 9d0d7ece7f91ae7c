// The other end of the control socket: how the commands of the command line reach a running server.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"
#include "master/exit_status.h"

namespace holdfast::master {

class ControlLink {
 public:
  /// To the server that the configuration's pid file stands for, whether the configuration is good or not: the
  /// server is the one to judge it. An error of kind Unavailable: none runs there.
  static Result<ControlLink> to_server_of(const std::string& config_file);

  /// False when the server has gone.
  bool ask(std::string_view word) const;
  /// The file that the server hands over as its answer to `word`. The error is in words for the terminal.
  Result<Fd> ask_for_file(std::string_view word) const;
  /// What has arrived until now is appended; false when the server has hung up.
  bool read_some(std::string& answer) const;

  /// Readable when an answer has arrived, or the server has hung up.
  int descriptor() const { return socket_.get(); }
  /// The server's process; 0: not known.
  pid_t server() const;

 private:
  explicit ControlLink(Fd socket) : socket_(std::move(socket)) {}

  Fd socket_;
};

/// What a server says of an outcome: "ok ...", "failed ...", "failed 78 ...".
struct ControlAnswer {
  ExitCode code = kExitOk;
  std::string text;
};
ControlAnswer read_control_answer(std::string_view answer);

/// Says on stderr why a server could not be reached; the exit code of the command.
ExitCode complain_of_link(const Error& error);

/// The pid file named in the text of a configuration that may be too broken to load: empty when it is off,
/// nothing when none is named.
std::optional<std::string> pid_file_in_text(std::string_view text);

}  // namespace holdfast::master
