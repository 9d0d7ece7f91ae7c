// The master looks at its workers from time to time: does each of them still move?
#include <charconv>
#include <fstream>
#include <string>

#include "common/log.h"
#include "master/master.h"
#include "master/obituary.h"

namespace holdfast::master {
namespace {

bool is_watched(ProcessState state) {
  switch (state) {
    case ProcessState::Ready:
    case ProcessState::Draining:
    case ProcessState::Finishing:
    case ProcessState::Hung:  // does it move again?
      return true;
    case ProcessState::Starting:
    case ProcessState::Quitting:
    case ProcessState::Aborting:
    case ProcessState::Killing:
      return false;
  }
  return false;
}

Beat beat_of(const stats::Activity& activity) {
  const auto phase = static_cast<stats::Phase>(activity.phase.load(std::memory_order_relaxed));
  return {activity.beat.load(std::memory_order_relaxed), phase == stats::Phase::Waiting};
}

/// The process that traces `pid`, a debugger; 0: none, or /proc does not tell.
int tracer_of(pid_t pid) {
  constexpr std::string_view kKey = "TracerPid:\t";
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(kKey)) continue;
    int tracer = 0;
    std::from_chars(line.data() + kKey.size(), line.data() + line.size(), tracer);
    return tracer;
  }
  return 0;
}

}  // namespace

void Master::watch_for_hangs(TimePoint now) {
  if (!supervisor_ || now < hangs_.next_round()) return;
  hangs_.set_limit(serving_->config->process.hang_timeout);
  hangs_.begin_round(now);
  for (const auto& [id, process] : processes_) {
    const SlotProcess* const known = supervisor_->find(id);
    if (known == nullptr || !is_watched(known->state)) continue;
    judge(process, hangs_.look(id, beat_of(segment_->seat(process.seat).activity), now), now);
  }
  hangs_.end_round();
}

void Master::judge(const WorkerProcess& process, HangWatch::Verdict verdict, TimePoint now) {
  switch (verdict) {
    case HangWatch::Verdict::Fine:
      break;
    case HangWatch::Verdict::Poke:
      tell(process.id, ControlKind::Poke);
      break;
    case HangWatch::Verdict::Moves:
      log().warning("worker moves again", {worker_field(process.slot), {"pid", process.pid}});
      feed(event::ProcessMoves{process.id});
      break;
    case HangWatch::Verdict::Stuck:
      if (const int tracer = tracer_of(process.pid); tracer != 0) {
        hangs_.excuse(process.id, now);
        log().warning("worker stands still, held by a debugger: left alone",
                      {worker_field(process.slot), {"pid", process.pid}, {"debugger", tracer}});
        break;
      }
      log_hang(process, hangs_.standstill(process.id, now), segment_->seat(process.seat).activity);
      segment_->set_seat_use(process.seat, stats::SeatUse::Draining);
      feed(event::ProcessHung{process.id});
      break;
  }
}

}  // namespace holdfast::master
