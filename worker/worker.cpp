// The life of a worker process: starting -> serving -> draining -> gone.
#include "worker/worker.h"

#include <signal.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "common/log.h"
#include "common/memory_file.h"
#include "config/pem_files.h"
#include "worker/admin/status_report.h"
#include "worker/control_client.h"
#include "worker/crash_report.h"
#include "worker/leak_check.h"
#include "worker/log_pace.h"
#include "worker/loop/event_loop.h"
#include "worker/memory_return.h"
#include "worker/net/tls_context.h"
#include "worker/sandbox/sandbox.h"
#include "worker/sandbox_watch.h"
#include "worker/wiring.h"

namespace holdfast::worker {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitUnavailable = 69;
// Over so long WebSockets are sent away when the server stops: their clients come back soon, to another one
// perhaps, but not all in one moment.
constexpr Milliseconds kFarewells{2000};

std::string in_one_line(std::string text) {
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at))
    text.replace(at, 1, "; ");
  return text;
}

class Worker final : private ControlListener, private loop::TurnHook, private loop::Timer {
 public:
  explicit Worker(Job job)
      : job_(std::move(job)), stats_(job_.segment, job_.seat), control_(std::move(job_.control), *this) {}
  ~Worker() {
    if (loop_) loop_->timers().cancel(*this);
  }

  int run() {
    if (Result<void> started = start(); !started) {
      const std::string problem = in_one_line(started.error().message());
      log().error("worker cannot start", {{"problem", problem}});
      control_.tell(ControlKind::Failed, problem, static_cast<std::uint64_t>(started.error().kind));
      return kExitUnavailable;
    }
    set_phase(stats::Phase::Waiting);
    control_.tell(ControlKind::Ready);
    loop_->run();
    set_phase(stats::Phase::Leaving);
    drained_ = draining_ && wiring_->connections().size() == 0;
    wiring_->connections().close_all();
    end_turn();
    if (wiring_->access_log() != nullptr) wiring_->access_log()->flush();
    count_dropped();
    control_.tell(ControlKind::Drained);
    return kExitOk;
  }
  /// It has left because nothing was to be done any more, not because its time was over.
  bool drained() const { return drained_; }

 private:
  Result<void> start() {
    install_crash_reports(job_.segment.seat(job_.seat).crash);
    Result<std::unique_ptr<loop::EventLoop>> loop = loop::EventLoop::create();
    if (!loop) return loop.error();
    loop_ = std::move(*loop);
    // Before modules are opened and threads are started: all of them are locked in.
    const Result<sandbox::Entered> entered = sandbox::enter(job_.config, process());
    if (!entered) return entered.error();
    Result<std::unique_ptr<Wiring>> wiring = Wiring::build(job_, *loop_, stats_);
    if (!wiring) return wiring.error();
    wiring_ = std::move(*wiring);
    busy_ = stats_.cell(stats::Metric::EventLoopBusy);
    lag_ = stats_.histogram(stats::Metric::EventLoopLag);
    dropped_ = stats_.cell(stats::Metric::LogLinesDropped);
    if (wiring_->access_log() != nullptr) log_pace_.emplace(*loop_, *wiring_->access_log());
    memory_return_.emplace(*loop_);
    sandbox_watch_.emplace(*loop_, control_);
    know_loaded_objects();
    loop_->set_hook(*this);
    loop_->steps().count_in(stats_.activity().beat);
    if (Result<void> watched = control_.start(*loop_); !watched) return watched;
    // After the channel is watched: what changes from now on is told.
    on_fuses();
    if (entered->files && job_.role == Role::Traffic)
      sandbox_watch_->start(sandbox::lasting_places(job_.config));
    return wiring_->start_accepting();
  }

  sandbox::Process process() const {
    return job_.role == Role::Admin ? sandbox::Process::Admin : sandbox::Process::Traffic;
  }

  Result<void> renew_certificates(int texts) {
    const Result<std::string> packed = read_memory_file(texts);
    if (!packed) return packed.error();
    std::vector<config::Listener> listeners = job_.config.listeners;
    if (!config::unpack_pem_texts(*packed, listeners))
      return Error{ErrorKind::Internal, 0, "what came is of another configuration"};
    return wiring_->renew_certificates(listeners);
  }

  // -- the loop's turns
  void on_turn_start(TimePoint now) override {
    wiring_->clock().update(now);
    stats::Activity& activity = stats_.activity();
    activity.stamp.store(static_cast<std::uint64_t>(now.time_since_epoch().count()), std::memory_order_relaxed);
    set_phase(stats::Phase::Reading);
  }

  void on_turn_end(TimePoint started) override {
    end_turn();
    const auto length = static_cast<std::uint64_t>((Clock::now() - started).count());
    busy_.add(length);
    lag_.observe(length);
    memory_return_->look(wiring_->connections().size());
    // Once it drains, the word is its successor's.
    if (job_.load != nullptr && !draining_)
      job_.load->store(wiring_->connections().size(), std::memory_order_relaxed);
    set_phase(stats::Phase::Waiting);
    if (draining_ && wiring_->connections().size() == 0) loop_->stop();
  }

  // What a turn leaves behind: closed connections, log lines that wait.
  void end_turn() {
    wiring_->connections().destroy_closed();
    if (log_pace_) log_pace_->look();
    count_dropped();
  }

  void count_dropped() {
    std::uint64_t dropped = log().take_dropped();
    if (http::AccessLogWriter* access_log = wiring_->access_log()) dropped += access_log->take_dropped();
    if (dropped > 0) dropped_.add(dropped);
  }

  void set_phase(stats::Phase phase) {
    stats_.activity().phase.store(static_cast<std::uint64_t>(phase), std::memory_order_relaxed);
  }

  // -- the master's wishes
  void on_drain(Milliseconds deadline) override {
    if (!draining_) {
      draining_ = true;
      log().debug("draining", {{"connections", wiring_->connections().size()}});
      wiring_->stop_accepting();
      sandbox_watch_->stop();
      control_.tell(ControlKind::Closed);
      wiring_->connections().begin_drain(net::Drain::Gently);
      // For half of the time they go on: where workers are replaced, nobody needs them to end sooner.
      wiring_->websockets().begin_drain(loop_->now(), deadline / 2, deadline / 4);
    }
    loop_->timers().arm(*this, loop_->now() + deadline);
  }
  void on_finish() override {
    on_drain(job_.config.process.shutdown_timeout);
    wiring_->connections().begin_drain(net::Drain::Soon);
    wiring_->websockets().begin_drain(loop_->now(), Milliseconds(0), Milliseconds(0));
  }
  void on_send_away() override {
    wiring_->websockets().begin_drain(loop_->now(), Milliseconds(0),
                                      std::min(job_.config.process.shutdown_timeout / 4, kFarewells));
  }
  void on_quit() override { loop_->stop(); }
  void on_reopen_logs(Fd error_log, Fd access_log) override {
    if (error_log) log().adopt(std::move(error_log));
    if (access_log && wiring_->access_log() != nullptr) wiring_->access_log()->reopen(std::move(access_log));
  }
  void on_certificates(Fd texts) override {
    if (Result<void> renewed = renew_certificates(texts.get()); !renewed)
      log().error("certificates not renewed", {{"problem", renewed.error().message()}});
  }
  void on_fuses() override {
    if (job_.role != Role::Traffic) return;
    std::vector<stats::FusedRoute> fused = stats::read_fuses(job_.segment.fuses());
    std::erase_if(fused, [this](const stats::FusedRoute& route) { return !route.holds_for(job_.generation); });
    wiring_->take_fuses(fused);
  }
  void on_master_gone() override {
    log().warning("master is gone; finishing open requests and leaving");
    on_drain(job_.config.process.shutdown_timeout);
    on_send_away();
  }
  // The drain deadline.
  void on_timer(TimePoint /*now*/) override {
    log().info("drain deadline reached", {{"connections", wiring_->connections().size()}});
    loop_->stop();
  }

  Job job_;
  stats::WorkerStats stats_;
  // What is watched goes before the loop that watches it.
  std::unique_ptr<loop::EventLoop> loop_;
  ControlClient control_;
  std::unique_ptr<Wiring> wiring_;
  std::optional<LogPace> log_pace_;
  std::optional<MemoryReturn> memory_return_;
  std::optional<SandboxWatch> sandbox_watch_;
  stats::Cell busy_;
  stats::HistogramCell lag_;
  stats::Cell dropped_;
  bool draining_ = false;
  bool drained_ = false;
};

}  // namespace

int run(Job job) {
  // A peer that is gone shows as EPIPE, also where a library writes.
  signal(SIGPIPE, SIG_IGN);
  auto worker = std::make_unique<Worker>(std::move(job));
  const int code = worker->run();
  const bool has_time = worker->drained();
  worker.reset();
  if (has_time) check_for_leaks();
  return code;
}

std::string status_json(const stats::Segment& segment) {
  return admin::status_json(segment);
}

std::string library_versions() {
  return "OpenSSL " HOLDFAST_OPENSSL_VERSION ", nghttp2 " HOLDFAST_NGHTTP2_VERSION
         ", prometheus-cpp " HOLDFAST_PROMETHEUS_VERSION ", yaml-cpp " HOLDFAST_YAML_VERSION
         ", hiredis " HOLDFAST_HIREDIS_VERSION ", " HOLDFAST_CODINGS;
}

std::string missing_of_sandbox() {
  return sandbox::missing_parts();
}

Result<void> sandbox_can_be_had(const config::Config& config) {
  return sandbox::can_be_had(config);
}

Result<void> try_configuration(const config::Config& config, stats::Segment& segment) {
  const std::uint32_t seat = segment.claim_seat(0, 1);
  install_crash_reports(segment.seat(seat).crash);
  const Result<sandbox::Entered> entered = sandbox::enter(config, sandbox::Process::Traffic);
  if (!entered) return entered.error();
  stats::WorkerStats stats(segment, seat);
  handlers::Shared shared;
  modules::NoPool no_pool;
  upstream::NoClient no_client;
  modules::Modules modules(no_pool, no_client, stats);
  const Result<http::HandlerTable> table = make_handlers(config, shared, modules, segment);
  if (!table) return table.error();
  for (const config::Listener& listener : config.listeners)
    if (listener.tls.enabled)
      if (const auto context = net::TlsContext::make(listener.tls); !context) return context.error();
  if (const Result<http::GuardTable> guards = guards::make_guards(config, {stats}); !guards)
    return guards.error();
  if (!config.log.access.enabled) return {};
  const auto format = http::compile_access_format(config.log.access.format);
  if (!format) return format.error();
  return {};
}

}  // namespace holdfast::worker
