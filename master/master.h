// The master process: waits for signals, ended children, workers' words and clients of the control socket in
// one loop, turns what it hears into events, and performs the actions that the supervisor answers.
// Single-threaded, knows no HTTP, opens what needs rights; owner of listeners, logs, pid file and of all worker
// processes.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/control_message.h"
#include "master/certificate_watch.h"
#include "master/control_socket.h"
#include "master/descriptor_store.h"
#include "master/exit_status.h"
#include "master/fuse.h"
#include "master/generation.h"
#include "master/handover.h"
#include "master/hang_watch.h"
#include "master/inquiry.h"
#include "master/listener_set.h"
#include "master/log_watch.h"
#include "master/master_stats.h"
#include "master/oom_watch.h"
#include "master/own_binary.h"
#include "master/pid_file.h"
#include "master/poll_set.h"
#include "master/signal_source.h"
#include "master/staple_fetch.h"
#include "master/succession.h"
#include "master/supervisor.h"
#include "master/systemd_notify.h"
#include "master/trial_worker.h"
#include "master/watchdog.h"
#include "master/worker_process.h"

namespace holdfast::master {

class Master {
 public:
  /// `read_config` loads the configuration, anew at each reload. `binary` is what this process runs.
  Master(ReadConfig read_config, OwnBinary binary);

  /// Runs the server to its end; the exit code of the process. `first` is loaded and free of problems.
  /// `on_ready` is called with the address of the first listener once the server serves.
  int run(config::Loaded first, std::function<void(const Endpoint&)> on_ready);
  /// The same, going on with what another binary has left to this process.
  int run(Arrival arrival);

 private:
  // -- master.cpp: start, the loop, its wake-ups
  int set_up();
  void make_board_for(const config::Config& config);
  void choose_balance();
  void take_given_sockets();
  void tell_of_unused_sockets();
  Result<void> make_memory();
  bool try_to_listen(TimePoint now);
  void begin();
  void turn();
  TimePoint next_deadline() const;
  void on_wakeup(const Wakeup& wakeup, TimePoint now);
  void on_signal(const SignalNotice& notice);
  void on_stop(StopMode mode);
  void change_workers(int difference);
  void on_process_channel(ProcessId id);
  void on_process_end(ProcessId id);
  void reap_children();
  void on_request(ControlSocket::ClientId client, const std::string& word);
  void hand_configuration_over(ControlSocket::ClientId client);
  void feed(Event event) { events_.push_back(std::move(event)); }
  void settle_events();
  void take_ticket_settings(TimePoint now);
  void rotate_tickets(TimePoint now);
  int finish();

  // -- master_upgrade.cpp: the departure
  void begin_trial(TimePoint now);
  void judge_trial();
  void give_up_trial(TimePoint now);
  Handover handover() const;
  void leave();
  void stay_with_this_binary();
  void leave_for_new_binary();
  void return_to_former_binary();
  std::vector<ControlSocket::ClientId> askers() const;

  // -- master_arrival.cpp: the other end of it
  int take_over(Arrival arrival);
  Result<void> adopt(const Handover& handover);
  Result<void> adopt_memory(const Handover& handover);
  Result<void> adopt_serving(const Handover& handover);
  void adopt_processes(const Handover& handover);
  void go_on_after_return(const std::string& reason);
  void free_seat_of(pid_t pid);

  // -- master_logs.cpp
  void reopen_logs();
  void follow_moved_logs(TimePoint now);
  void take_over_lines(const WorkerLog& worker_log, std::uint32_t seat);

  // -- master_trial.cpp
  void begin_worker_trial(TimePoint now);
  void watch_trial_worker(PollSet& set) const;
  void on_trial_worker_channel(TimePoint now);
  void on_trial_worker_end(TimePoint now);
  void ask_trial_worker(TimePoint now);
  void on_probes(TimePoint now);
  void end_worker_trial(const std::string& problems, TimePoint now);
  void push_trial_worker(TimePoint now);
  void drop_trial_worker();

  // -- master_watchdog.cpp
  void tick_watchdog(TimePoint now);
  bool workers_move(TimePoint now) const;

  // -- master_hangs.cpp
  void watch_for_hangs(TimePoint now);
  void judge(const WorkerProcess& process, HangWatch::Verdict verdict, TimePoint now);

  // -- master_fuse.cpp
  void blame(const stats::Death& death, TimePoint now);
  void blow(const RouteName& route, const stats::Death& death);
  void tell_of_fuses();
  void keep_fuses_for(std::uint64_t generation);
  std::size_t unfuse();

  // -- master_certificates.cpp: those of the serving configuration, as they change on disk
  void follow_certificates(TimePoint now);
  void watch_certificates(TimePoint now);
  void take_certificate_news(CertificateNews news);
  void use_certificates(const std::shared_ptr<const config::Config>& config);

  // -- master_actions.cpp: what the supervisor wants done
  void perform(const action::Start& a);
  void not_started(const action::Start& a, const std::string& problem);
  void perform(const action::Drain& a);
  void perform(const action::Finish& a);
  void perform(const action::SendAway& a);
  void perform(const action::Quit& a);
  void perform(const action::Abort& a);
  void perform(const action::Kill& a);
  void perform(const action::Overdue& a);
  void perform(const action::HeldBack& a);
  void perform(const action::PrepareReload& a);
  void perform(const action::PrepareWorkers& a);
  void perform(const action::PrepareUpgrade& a);
  void perform(const action::Replaced& a);
  void perform(const action::ReloadSucceeded& a);
  void perform(const action::ReloadFailed& a);
  void perform(const action::ServerReady& a);
  void perform(const action::StartFailed& a);
  void perform(const action::Exit& a);
  void load_and_prepare();
  void prepare(const std::shared_ptr<const config::Config>& config, config::Sources sources);
  void refuse_change(const action::ReloadFailed& a);
  void tell(ProcessId id, ControlKind kind, Milliseconds value = {});
  void log_new_listeners();
  void answer_askers(std::string_view text);
  std::atomic<std::uint64_t>* load_word_of(std::uint32_t slot) const;
  const Generation& generation_of(std::uint64_t number) const;
  std::string status_line() const;

  config::Loaded first_;  // until the first generation is prepared
  ReadConfig read_config_;
  std::function<void(const Endpoint&)> on_ready_;
  OwnBinary binary_;

  SystemdNotify systemd_;
  std::optional<SignalSource> signals_;
  std::optional<stats::Segment> segment_;
  std::optional<limits::SharedLimits> limits_;
  std::optional<tickets::TicketKeys> tickets_;
  std::optional<broadcast::Segment> broadcast_;
  TimePoint rotate_tickets_at_ = kNever;
  bool tickets_from_file_ = false;
  std::optional<MasterStats> stats_;
  std::optional<PidFile> pid_file_;
  std::optional<ControlSocket> control_;
  std::optional<LoadBoard> board_;  // once it was wanted
  ListenerSet listeners_;
  DescriptorStore store_;
  LogWatch log_watch_;
  CertificateWatch certificates_;
  StapleFetch staples_;
  TimePoint listen_again_at_ = kNever;  // start only: a port is still held by a predecessor's workers
  TimePoint listen_until_ = kNever;
  TimePoint watchdog_at_ = kNever;
  Watchdog watchdog_{Duration::zero()};

  std::optional<Supervisor> supervisor_;  // empty until the server listens
  HangWatch hangs_{Duration::zero()};
  OomWatch oom_;
  Fuse fuse_;
  std::vector<stats::FusedRoute> fused_;
  std::deque<Event> events_;
  std::unique_ptr<Generation> serving_;
  std::unique_ptr<Generation> pending_;  // of the reload under way
  enum class Change : std::uint8_t { Workers, Reload, Upgrade };
  Change change_ = Change::Workers;  // what it is made for
  std::map<ProcessId, WorkerProcess> processes_;
  std::vector<ControlSocket::ClientId> reload_askers_;   // of the reload under way
  std::vector<ControlSocket::ClientId> waiting_askers_;  // of the one after it
  std::vector<ControlSocket::ClientId> stop_askers_;
  int exit_code_ = kExitOk;
  bool ended_ = false;

  std::optional<TrialWorker> trial_worker_;
  std::optional<Inquiry> trial_;  // of the binary on disk
  TimePoint trial_until_ = kNever;
  std::optional<Arrival> predecessor_;  // this binary is on trial, the former one can come back
  enum class Leaving : std::uint8_t { No, ForNewBinary, ForFormerBinary };
  Leaving leaving_ = Leaving::No;
  std::string leaving_reason_;
  std::string former_version_;
};

}  // namespace holdfast::master
