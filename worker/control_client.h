// The worker's end of the control channel: turns the master's messages into calls. End-of-file means the master
// is gone.
#pragma once

#include "common/control_message.h"
#include "worker/loop/event_loop.h"

namespace holdfast::worker {

class ControlListener {
 public:
  virtual void on_drain(Milliseconds deadline) = 0;
  virtual void on_finish() = 0;
  /// Behind on_drain().
  virtual void on_send_away() = 0;
  virtual void on_quit() = 0;
  virtual void on_reopen_logs(Fd error_log, Fd access_log) = 0;
  /// `texts`: a memory file of config::pack_pem_texts().
  virtual void on_certificates(Fd texts) = 0;
  /// Other routes are fused than before.
  virtual void on_fuses() = 0;
  virtual void on_master_gone() = 0;

 protected:
  ~ControlListener() = default;
};

class ControlClient final : private loop::Watcher {
 public:
  ControlClient(Fd channel, ControlListener& listener) : channel_(std::move(channel)), listener_(listener) {}

  Result<void> start(loop::EventLoop& loop);
  void tell(ControlKind kind, std::string_view text = {}, std::uint64_t value = 0);

 private:
  void on_ready(std::uint32_t events) override;
  void handle(ControlMessage& message);

  Fd channel_;
  ControlListener& listener_;
  loop::Watch watch_;
};

}  // namespace holdfast::worker
