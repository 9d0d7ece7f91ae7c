// The unix socket beside the pid file through which `holdfast reload`, `stop` and `status` talk to the running
// master: a line with a word in, lines out, the outcome first ("ok ..." or "failed ..."). Only root and the
// master's own user may speak. Never blocks; clients are few and those that say nothing are sent away.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/clock.h"
#include "common/fd.h"
#include "common/result.h"
#include "master/poll_set.h"

namespace holdfast::master {

/// Asks for config::comparable_text() of what serves, as a file.
inline constexpr std::string_view kConfigurationWord = "configuration";

/// "/run/x.pid" -> "/run/x.control"; empty for an empty pid file.
std::string control_path_of(const std::string& pid_file);

class ControlSocket {
 public:
  using ClientId = std::uint64_t;

  /// Replaces the socket file of a server that is gone.
  static Result<ControlSocket> open(const std::string& path);
  /// A predecessor's, which is left to this process.
  static ControlSocket adopt(const std::string& path, Fd listener) { return {path, std::move(listener)}; }
  ControlSocket(ControlSocket&& other) noexcept;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ~ControlSocket();

  void add_to(PollSet& set) const;
  TimePoint next_deadline() const;
  void on_listener(TimePoint now);
  /// The word that the client asks, once it is complete.
  std::optional<std::string> on_client(ClientId id);
  /// Sends away clients that have asked nothing in time; listens again after a pause.
  void on_time(TimePoint now);

  /// For a successor; -1: such a client is not known. Borrowed.
  int listener() const { return listener_.get(); }
  int socket_of(ClientId id) const;
  /// A client of the predecessor that has asked and waits.
  ClientId adopt_client(Fd socket);

  /// Answers and hangs up.
  void answer(ClientId id, std::string_view text);
  /// Answers, but hangs up only with the end of the process, which so tells the client of that end.
  void answer_and_hold(ClientId id, std::string_view text);
  /// Answers "ok" with a descriptor, and holds likewise.
  void hand_over(ClientId id, int descriptor);

 private:
  struct Client {
    Fd socket;
    std::string asked;
    TimePoint deadline = kNever;  // kNever: it has asked
  };
  ControlSocket(std::string path, Fd listener) : path_(std::move(path)), listener_(std::move(listener)) {}

  std::string path_;
  Fd listener_;
  TimePoint listen_again_at_ = kNever;  // kNever: it listens; else it has no descriptor for a client until then
  std::map<ClientId, Client> clients_;
  ClientId last_id_ = 0;
};

}  // namespace holdfast::master
