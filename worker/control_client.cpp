#include "worker/control_client.h"

namespace holdfast::worker {

Result<void> ControlClient::start(loop::EventLoop& loop) {
  return watch_.start(loop, channel_.get(), EPOLLIN, *this);
}

void ControlClient::tell(ControlKind kind, std::string_view text, std::uint64_t value) {
  // A master that cannot be told is gone; that shows as end-of-file.
  (void)send_control(channel_.get(), kind, value, text);
}

void ControlClient::on_ready(std::uint32_t /*events*/) {
  for (;;) {
    ControlMessage message;
    switch (receive_control(channel_.get(), message)) {
      case Received::Message:
        handle(message);
        break;
      case Received::Broken:
        break;
      case Received::Nothing:
        return;
      case Received::EndOfFile:
        watch_.stop();
        return listener_.on_master_gone();
    }
  }
}

void ControlClient::handle(ControlMessage& message) {
  switch (message.kind) {
    case ControlKind::Drain:
      return listener_.on_drain(Milliseconds(static_cast<std::int64_t>(message.value)));
    case ControlKind::Finish:
      return listener_.on_finish();
    case ControlKind::SendAway:
      return listener_.on_send_away();
    case ControlKind::Quit:
      return listener_.on_quit();
    case ControlKind::ReopenLogs:
      return listener_.on_reopen_logs(std::move(message.first_file), std::move(message.second_file));
    case ControlKind::Certificates:
      return listener_.on_certificates(std::move(message.first_file));
    case ControlKind::Fuses:
      return listener_.on_fuses();
    case ControlKind::Poke:
      return;  // the turn that it began was all that was wanted
    case ControlKind::Ready:
    case ControlKind::Failed:
    case ControlKind::Drained:
    case ControlKind::Closed:
    case ControlKind::Renew:
      return;  // the worker's own words
  }
}

}  // namespace holdfast::worker
