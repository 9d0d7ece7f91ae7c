#include "worker/crash_report.h"

#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#if defined(__SANITIZE_ADDRESS__)
#define HOLDFAST_SANITIZER_TAKES_FAULTS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOLDFAST_SANITIZER_TAKES_FAULTS 1
#endif
#endif

namespace holdfast::worker {
namespace {

#ifdef HOLDFAST_SANITIZER_TAKES_FAULTS
constexpr std::array kSignals{SIGABRT, SIGSYS};
#else
constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
#endif

constexpr int kMostFrames = 40;
// Should the report itself get stuck, in a damaged stack or at somebody's lock.
constexpr unsigned kSecondsForReport = 2;

struct Object {
  std::uintptr_t begin, end, bias;
  char name[64];
};

// Everything that the handler needs stands ready: it may not allocate, nor take a lock.
struct Reporter {
  stats::CrashRecord* record = nullptr;
  std::array<Object, 256> objects;
  std::atomic<std::size_t> object_count{0};
  std::atomic_flag is_dying = ATOMIC_FLAG_INIT;
};
Reporter reporter;  // signal handlers have no other way to what they need

int add_object(dl_phdr_info* info, std::size_t /*size*/, void* count_of) {
  auto& count = *static_cast<std::size_t*>(count_of);
  if (count == reporter.objects.size()) return 1;
  Object& object = reporter.objects[count];
  object = {UINTPTR_MAX, 0, info->dlpi_addr, {}};
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = info->dlpi_phdr[i];
    if (part.p_type != PT_LOAD) continue;
    object.begin = std::min<std::uintptr_t>(object.begin, info->dlpi_addr + part.p_vaddr);
    object.end = std::max<std::uintptr_t>(object.end, info->dlpi_addr + part.p_vaddr + part.p_memsz);
  }
  std::string_view name = info->dlpi_name == nullptr ? "" : info->dlpi_name;
  name.remove_prefix(name.rfind('/') + 1);
  if (name.empty()) name = "holdfast";
  name.copy(object.name, sizeof object.name - 1);
  if (object.begin < object.end) ++count;
  return 0;
}

/// Appends to the record's backtrace; what does not fit is left out.
class Text {
 public:
  explicit Text(stats::CrashRecord& record) : record_(record) {}

  void add_frame(std::uintptr_t address) {
    if (used_ > 0) add(" ");
    const Object* const object = object_of(address);
    if (object != nullptr) add({object->name, strnlen(object->name, sizeof object->name)});
    add(object != nullptr ? "+0x" : "0x");
    add_hex(object != nullptr ? address - object->bias : address);
    record_.backtrace_length.store(used_, std::memory_order_relaxed);
  }

 private:
  static const Object* object_of(std::uintptr_t address) {
    const std::size_t count = reporter.object_count.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < count; ++i)
      if (reporter.objects[i].begin <= address && address < reporter.objects[i].end)
        return &reporter.objects[i];
    return nullptr;
  }

  void add(std::string_view text) {
    const std::size_t room = sizeof record_.backtrace - used_;
    used_ += text.copy(record_.backtrace + used_, room);
  }

  void add_hex(std::uintptr_t number) {
    char digits[2 * sizeof number];
    std::size_t at = sizeof digits;
    do {
      digits[--at] = "0123456789abcdef"[number % 16];
      number /= 16;
    } while (number != 0);
    add({digits + at, sizeof digits - at});
  }

  stats::CrashRecord& record_;
  std::size_t used_ = 0;
};

std::uintptr_t instruction_of(const void* context) {
  const mcontext_t& registers = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(registers.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return registers.pc;
#else
  (void)registers;
  return 0;
#endif
}

struct Walk {
  Text text;
  std::uintptr_t from;  // frames inside of this one are the handler's own
  bool begun = false;
  int frames = 0;
};

_Unwind_Reason_Code on_frame(_Unwind_Context* context, void* walk_of) {
  auto& walk = *static_cast<Walk*>(walk_of);
  int is_exact = 0;
  const std::uintptr_t address = _Unwind_GetIPInfo(context, &is_exact);
  if (address == 0) return _URC_END_OF_STACK;
  if (address == walk.from) {
    walk.begun = true;  // told already
    return _URC_NO_REASON;
  }
  if (!walk.begun) return _URC_NO_REASON;
  // A return address stands behind its call; one byte before it is still the call's line.
  walk.text.add_frame(is_exact != 0 ? address : address - 1);
  return ++walk.frames < kMostFrames ? _URC_NO_REASON : _URC_END_OF_STACK;
}

void limit_time() {
  signal(SIGALRM, SIG_DFL);
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &alarm_only, nullptr);
  alarm(kSecondsForReport);
}

// All signals are blocked in here: a fault of the handler's own ends the process at once.
void on_fatal_signal(int number, siginfo_t* info, void* context) {
  if (reporter.is_dying.test_and_set())
    for (;;) pause();  // another thread is dying already, and ends us all
  limit_time();
  stats::CrashRecord& record = *reporter.record;
  const auto thread = static_cast<pid_t>(syscall(SYS_gettid));
  record.code.store(static_cast<std::uint64_t>(info->si_code), std::memory_order_relaxed);
  record.address.store(reinterpret_cast<std::uintptr_t>(info->si_addr), std::memory_order_relaxed);
  if (number == SIGSYS)
    record.system_call.store(static_cast<std::uint64_t>(info->si_syscall), std::memory_order_relaxed);
  record.thread.store(static_cast<std::uint64_t>(thread), std::memory_order_relaxed);
  if (stats::work_of_thread != nullptr) record.work.show(*stats::work_of_thread);
  record.signal.store(static_cast<std::uint64_t>(number), std::memory_order_relaxed);
  Walk walk{Text(record), instruction_of(context)};
  walk.text.add_frame(walk.from);
  _Unwind_Backtrace(on_frame, &walk);
  // Returning takes it out of the mask: it strikes where the fault was.
  signal(number, SIG_DFL);
  syscall(SYS_tgkill, getpid(), thread, number);
}

void put_what(std::string_view text) {
  char(&what)[sizeof(stats::CrashRecord::what)] = reporter.record->what;
  what[text.copy(what, sizeof what - 1)] = '\0';
}

[[noreturn]] void on_terminate() {
  if (std::current_exception()) {
    try {
      throw;
    } catch (const std::exception& problem) {
      put_what(problem.what());
    } catch (...) {
      put_what("an exception of another kind");
    }
  }
  std::abort();
}

void use_own_stack() {
#ifndef HOLDFAST_SANITIZER_TAKES_FAULTS
  constexpr std::size_t kSize = 64 * 1024;
  alignas(16) static std::byte memory[kSize];
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = sizeof memory;
  sigaltstack(&stack, nullptr);
#endif
}

_Unwind_Reason_Code take_no_frame(_Unwind_Context* /*context*/, void* /*nothing*/) {
  return _URC_END_OF_STACK;
}

}  // namespace

void install_crash_reports(stats::CrashRecord& record) {
  reporter.record = &record;
  know_loaded_objects();
  use_own_stack();
  // What the unwinder loads and allocates at first, it has from now on.
  _Unwind_Backtrace(take_no_frame, nullptr);
  std::set_terminate(on_terminate);
  struct sigaction action {};
  action.sa_sigaction = on_fatal_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  for (const int number : kSignals) sigaction(number, &action, nullptr);
}

void know_loaded_objects() {
  std::size_t count = 0;
  dl_iterate_phdr(add_object, &count);
  reporter.object_count.store(count, std::memory_order_release);
}

}  // namespace holdfast::worker
