#include "master/obituary.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "common/system_calls.h"

namespace holdfast::master {
namespace {

template <std::size_t Size>
std::string_view text_of(const char (&field)[Size], std::size_t length = Size) {
  return {field, strnlen(field, std::min(length, Size))};
}

std::uint64_t load(const stats::Word& word) {
  return word.load(std::memory_order_relaxed);
}

std::string_view fault_name(std::uint64_t signal, std::uint64_t code) {
  switch (signal) {
    case SIGSEGV:
      return code == SEGV_MAPERR ? "SEGV_MAPERR" : code == SEGV_ACCERR ? "SEGV_ACCERR" : "SIGSEGV";
    case SIGBUS:
      return code == BUS_ADRALN ? "BUS_ADRALN" : code == BUS_ADRERR ? "BUS_ADRERR" : "SIGBUS";
    case SIGFPE:
      return code == FPE_INTDIV ? "FPE_INTDIV" : "SIGFPE";
    case SIGILL:
      return "SIGILL";
    case SIGABRT:
      return "SIGABRT";
    case SIGSYS:
      return "SIGSYS";
    default:
      return "";
  }
}

constexpr std::uint64_t kBySeccomp = 1;  // si_code of SIGSYS; the C library has no name for it

/// "blocked system call: ptrace (101)".
std::string blocked_call(std::uint64_t number) {
  const std::string_view name = system_call_name(static_cast<int>(number));
  std::string text = "blocked system call: ";
  text.append(name.empty() ? "without a name" : name);
  return text + " (" + std::to_string(number) + ")";
}

void add(std::vector<LogField>& fields, std::string_view key, const std::string& text) {
  if (!text.empty()) fields.emplace_back(key, text);
}

}  // namespace

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
    case stats::ExitReason::Oom:
    case stats::ExitReason::kCount:
      return false;
  }
  return false;
}

std::string fault_of(const stats::CrashRecord& crash, pid_t pid) {
  const std::uint64_t signal = load(crash.signal);
  const std::uint64_t code = load(crash.code);
  if (signal == 0) return "";
  const bool is_blocked = signal == SIGSYS && code == kBySeccomp;
  const bool is_fault = static_cast<std::int64_t>(code) > 0 && signal != SIGABRT && !is_blocked;
  std::string text(is_blocked ? blocked_call(load(crash.system_call)) : fault_name(signal, code));
  if (is_fault) {
    char address[32];
    std::snprintf(address, sizeof address, " at 0x%llx", static_cast<unsigned long long>(load(crash.address)));
    text += address;
  }
  const std::uint64_t thread = load(crash.thread);
  if (thread != static_cast<std::uint64_t>(pid)) text += " in thread " + std::to_string(thread);
  return text;
}

std::string work_text(const stats::Activity& activity) {
  const std::uint64_t length = load(activity.work.request_length);
  if (length == 0) return "";
  std::string text = ", while it was ";
  text.append(text_of(activity.work.request, length))
      .append(" for the route ")
      .append(text_of(activity.work.route));
  return text;
}

LogField worker_field(std::uint64_t slot) {
  if (slot == stats::kAdminSlot) return {"worker", "admin"};
  return {"worker", slot};
}

stats::Death death_of(const WorkerProcess& process, const ExitStatus& status, stats::ExitReason reason,
                      const stats::Segment& segment, WallTime now) {
  const stats::Seat& seat = segment.seat(process.seat);
  stats::Death death;
  death.at = static_cast<std::uint64_t>(std::chrono::nanoseconds(now.time_since_epoch()).count());
  death.pid = static_cast<std::uint64_t>(process.pid);
  death.slot = process.slot;
  death.generation = process.generation;
  death.reason = static_cast<std::uint64_t>(reason);
  death.signaled = status.signaled ? 1 : 0;
  death.number = static_cast<std::uint64_t>(status.number);
  death.connections = load(seat.activity.connections);
  const bool of_thread = load(seat.crash.signal) != 0 && load(seat.crash.work.request_length) > 0;
  const stats::WorkNote& work = of_thread ? seat.crash.work : seat.activity.work;
  if (const std::uint64_t length = load(work.request_length); length > 0) {
    death.request = text_of(work.request, length);
    death.site = segment.site_name(static_cast<std::uint16_t>(load(work.site)));
    death.route = text_of(work.route);
    death.module = text_of(work.module);
    death.request_id = text_of(work.request_id);
  }
  death.what =
      reason == stats::ExitReason::Oom ? "out of memory: the kernel's OOM killer" : text_of(seat.crash.what);
  if (load(seat.crash.signal) == 0) return death;
  death.fault = fault_of(seat.crash, process.pid);
  death.backtrace = text_of(seat.crash.backtrace, load(seat.crash.backtrace_length));
  return death;
}

void log_hang(const WorkerProcess& process, Duration standstill, const stats::Activity& activity) {
  const LogField worker = worker_field(process.slot);
  const LogField pid{"pid", process.pid};
  const LogField time{"for_ms", std::chrono::duration_cast<Milliseconds>(standstill).count()};
  const LogField phase{"doing", stats::phase_text(static_cast<stats::Phase>(load(activity.phase)))};
  const LogField connections{"connections", load(activity.connections)};
  const std::uint64_t length = load(activity.work.request_length);
  if (length == 0) return log().error("worker stands still", {worker, pid, time, phase, connections});
  log().error("worker stands still", {worker,
                                      pid,
                                      time,
                                      phase,
                                      connections,
                                      {"request", text_of(activity.work.request, length)},
                                      {"route", text_of(activity.work.route)}});
}

void log_end(const stats::Death& death) {
  const auto reason = static_cast<stats::ExitReason>(death.reason);
  std::vector<LogField> fields{
      worker_field(death.slot),
      {"pid", death.pid},
      {"generation", death.generation},
      {death.signaled != 0 ? "signal" : "exit", death.number},
      {"reason", stats::label_text(stats::Label::ExitReason, static_cast<std::uint32_t>(death.reason))}};
  if (was_expected(reason)) return log().write(LogLevel::Info, "worker ended", fields);
  fields.emplace_back("connections", death.connections);
  add(fields, "request", death.request);
  if (!death.request.empty()) add(fields, "site", death.site);
  add(fields, "route", death.route);
  add(fields, "module", death.module);
  add(fields, "request_id", death.request_id);
  add(fields, "fault", death.fault);
  add(fields, "what", death.what);
  add(fields, "backtrace", death.backtrace);
  log().write(LogLevel::Error, "worker ended", fields);
}

}  // namespace holdfast::master
