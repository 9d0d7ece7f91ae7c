// The only place that sees every protocol, filter and handler: builds from a configuration all that a worker
// serves with. Owned by the worker; torn down after its loop has ended.
#pragma once

#include <memory>
#include <vector>

#include "common/result.h"
#include "worker/admin/feed.h"
#include "worker/broker/brokers.h"
#include "worker/filters/codec_packer.h"
#include "worker/filters/encoder.h"
#include "worker/guards/registry.h"
#include "worker/handlers/registry.h"
#include "worker/http/dispatcher.h"
#include "worker/http1/session.h"
#include "worker/http2/session.h"
#include "worker/loop/thread_pool.h"
#include "worker/loop_timers.h"
#include "worker/modules/modules.h"
#include "worker/net/acceptor.h"
#include "worker/net/tls_transport.h"
#include "worker/protocol_choice.h"
#include "worker/upstream/client.h"
#include "worker/websocket/service.h"
#include "worker/worker.h"

namespace holdfast::worker {

/// Handlers of every route, in the order of the configuration. Fails with a line for each that cannot be made.
/// `feed`: of the admin process alone.
Result<http::HandlerTable> make_handlers(const config::Config& config, handlers::Shared& shared,
                                         modules::Modules& modules, const stats::Segment& segment,
                                         admin::Feed* feed = nullptr);

class Wiring final : public net::TransportFactory {
 public:
  /// Takes job.access_log. `loop`, `stats` and what `job` refers to outlive the wiring.
  static Result<std::unique_ptr<Wiring>> build(Job& job, loop::EventLoop& loop, stats::WorkerStats& stats);

  Result<void> start_accepting();
  void stop_accepting();
  /// Connections from now on see the certificates of `listeners`, which are those of the configuration but for
  /// the texts of their PEM files. On failure the listener concerned, and those behind it, stay as they were.
  Result<void> renew_certificates(const std::vector<config::Listener>& listeners);
  /// `routes`: those that are fused for this generation.
  void take_fuses(const std::vector<stats::FusedRoute>& routes);
  http::TurnClock& clock() { return clock_; }
  net::ConnectionTable& connections() { return connections_; }
  websocket::Service& websockets() { return websockets_; }
  http::AccessLogWriter* access_log() { return access_log_.get(); }
  std::unique_ptr<net::Transport> wrap(Fd socket) override;

 private:
  /// Lets the file cache see what has changed.
  struct FileChanges final : loop::Watcher {
    explicit FileChanges(handlers::FileCache& cache) : files(cache) {}
    void on_ready(std::uint32_t events) override;
    handlers::FileCache& files;
    loop::Watch watch;
  };

  Wiring(Job& job, loop::EventLoop& loop, stats::WorkerStats& stats);
  Result<void> watch_files();
  Result<void> open_access_log(Fd fd);
  net::ListenerContext listener_context(std::uint32_t listener, std::string_view name);
  Result<void> add_acceptors(const Job& job);
  Result<net::TransportFactory*> transports_for(std::uint32_t listener);
  Result<const AddressSet*> keep_addresses(const std::vector<std::string>& texts);

  loop::EventLoop& loop_;
  stats::WorkerStats& stats_;
  const tickets::TicketKeys& tickets_;
  broker::Brokers brokers_;
  std::unique_ptr<const config::Config> admin_config_;  // Role::Admin serves a configuration of its own
  const config::Config& config_;
  http::TurnClock clock_;
  filters::CodecPacker packer_;
  loop::ThreadPool pool_;  // joins its threads, which may be packing
  LogRate rate_refusals_{1, Milliseconds(10'000)};
  handlers::Shared shared_;
  LoopTimers timers_;
  std::unique_ptr<admin::Feed> feed_;  // of Role::Admin
  loop::ThreadPool lookups_;           // of names: a slow name server holds up nothing else
  // What modules do there may take long: passwords, listings and packing do not queue behind it.
  loop::ThreadPool module_pool_;
  upstream::Client http_;
  modules::Modules modules_;
  FileChanges file_changes_;  // the cache's descriptor is open while it is watched
  filters::EncoderPool encoders_;
  std::unique_ptr<http::AccessLogWriter> access_log_;
  websocket::Service websockets_;
  std::unique_ptr<http::Dispatcher> dispatcher_;
  std::unique_ptr<http1::SessionFactory> http1_;
  std::unique_ptr<http2::SessionFactory> http2_;
  std::unique_ptr<ProtocolChoice> both_;
  struct SecureListener {
    std::uint32_t listener;  // index into the configuration's
    std::unique_ptr<net::TlsTransports> transports;
  };
  std::vector<SecureListener> tls_;  // of the acceptors; connections refer to them
  net::ConnectionTable connections_;
  std::vector<std::unique_ptr<const AddressSet>> addresses_;  // of the acceptors
  std::vector<std::unique_ptr<net::Acceptor>> acceptors_;
};

}  // namespace holdfast::worker
