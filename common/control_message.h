// What master and worker tell each other over a slot's SOCK_SEQPACKET pair: fixed-size messages, one enum.
// End-of-file on the worker's side means that the master is gone; on the master's side the pidfd speaks
// instead.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/fd.h"
#include "common/result.h"

namespace holdfast {

enum class ControlKind : std::uint8_t {
  // worker -> master
  Ready = 1,    // serving; text empty
  Failed = 2,   // could not start; text says why, value is the ErrorKind; the worker exits after it
  Drained = 3,  // nothing left to finish; the worker exits after it
  Closed = 4,   // told to drain, it accepts nothing any more
  Renew = 5,    // what it was let to open has been replaced, by what its successor can open; text says where
  // master -> worker
  Drain = 16,   // accept nothing new, finish what is open; value = deadline in milliseconds from now
  Finish = 17,  // as Drain, but the grace window for idle connections is over
  Quit = 18,    // leave at once
  // behind Drain: the whole server leaves, so nobody gains by a conversation that goes on
  SendAway = 23,
  // carries one or two files: error log, access log
  ReopenLogs = 19,
  // wakes the worker, so that it shows that it can move
  Poke = 21,
  // which routes are fused has changed: to be read in the segment
  Fuses = 22,
  // carries one file: the texts of all PEM files (config/pem_files), to be used from now on
  Certificates = 20
};

struct ControlMessage {
  ControlKind kind{};
  std::uint64_t value = 0;
  std::string text;  // at most kTextLimit bytes are sent
  Fd first_file;     // each may be absent, whatever the other is
  Fd second_file;

  static constexpr std::size_t kTextLimit = 480;
};

/// A connected pair, non-blocking and close-on-exec. first: the master's end.
Result<std::pair<Fd, Fd>> make_control_channel();

/// Sends without blocking; the files stay the caller's, -1: none. Fails with EAGAIN when the peer does not
/// read; the caller treats that as a dead peer.
Result<void> send_control(int channel, ControlKind kind, std::uint64_t value = 0, std::string_view text = {},
                          int first_file = -1, int second_file = -1);

enum class Received : std::uint8_t { Message, Nothing, EndOfFile, Broken };
/// Takes one message if there is one; never blocks.
Received receive_control(int channel, ControlMessage& message);

}  // namespace holdfast
