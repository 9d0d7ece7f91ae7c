#include "master/obituary.h"

#include <cstring>
#include <string>
#include <string_view>

namespace holdfast::master {
namespace {

template <std::size_t Size>
std::string_view text_of(const char (&field)[Size], std::size_t length = Size) {
  return {field, strnlen(field, std::min(length, Size))};
}

std::uint64_t load(const stats::Word& word) {
  return word.load(std::memory_order_relaxed);
}

bool was_expected(stats::ExitReason reason) {
  switch (reason) {
    case stats::ExitReason::Drained:
    case stats::ExitReason::Quit:
      return true;
    case stats::ExitReason::StartFailed:
    case stats::ExitReason::Exit:
    case stats::ExitReason::Signal:
    case stats::ExitReason::Killed:
    case stats::ExitReason::Hung:
    case stats::ExitReason::kCount:
      return false;
  }
  return false;
}

}  // namespace

std::string work_text(const stats::Activity& activity) {
  const std::uint64_t length = load(activity.request_length);
  if (length == 0) return "";
  std::string text = ", while it was ";
  text.append(text_of(activity.request, length)).append(" for the route ").append(text_of(activity.route));
  return text;
}

LogField worker_field(std::uint32_t slot) {
  if (slot == stats::kAdminSlot) return {"worker", "admin"};
  return {"worker", slot};
}

void log_hang(const WorkerProcess& process, Duration standstill, const stats::Activity& activity) {
  const LogField worker = worker_field(process.slot);
  const LogField pid{"pid", process.pid};
  const LogField time{"for_ms", std::chrono::duration_cast<Milliseconds>(standstill).count()};
  const LogField phase{"doing", stats::phase_text(static_cast<stats::Phase>(load(activity.phase)))};
  const LogField connections{"connections", load(activity.connections)};
  const std::uint64_t length = load(activity.request_length);
  if (length == 0) return log().error("worker stands still", {worker, pid, time, phase, connections});
  log().error("worker stands still", {worker,
                                      pid,
                                      time,
                                      phase,
                                      connections,
                                      {"request", text_of(activity.request, length)},
                                      {"route", text_of(activity.route)}});
}

void log_end(const WorkerProcess& process, const ExitStatus& status, stats::ExitReason reason,
             const stats::Activity& activity) {
  const LogField worker = worker_field(process.slot);
  const LogField how{status.signaled ? "signal" : "exit", status.number};
  const LogField why{"reason", stats::label_text(stats::Label::ExitReason, static_cast<std::uint32_t>(reason))};
  const LogField pid{"pid", process.pid};
  const LogField generation{"generation", process.generation};
  if (was_expected(reason)) return log().info("worker ended", {worker, pid, generation, how, why});
  const LogField connections{"connections", load(activity.connections)};
  const std::uint64_t length = load(activity.request_length);
  if (length == 0) return log().error("worker ended", {worker, pid, generation, how, why, connections});
  const LogField request{"request", text_of(activity.request, length)};
  const LogField route{"route", text_of(activity.route)};
  const std::string_view module = text_of(activity.module);
  if (module.empty())
    return log().error("worker ended", {worker, pid, generation, how, why, connections, request, route});
  log().error("worker ended",
              {worker, pid, generation, how, why, connections, request, route, {"module", module}});
}

}  // namespace holdfast::master
