#include "worker/wiring.h"

#include <utility>

#include "worker/admin/admin_handlers.h"
#include "worker/filters/registry.h"
#include "worker/net/tcp_transport.h"

namespace holdfast::worker {
namespace {

constexpr std::uint64_t kAdminConnections = 256;

net::ConnectionTable::Limits table_limits(const config::Config& config, Role role) {
  if (role == Role::Admin) return {kAdminConnections, 0};
  return {config.limits.connections, config.limits.connections_per_ip};
}

std::optional<net::ConnectionTable::Workers> among_workers(const Job& job) {
  if (job.role == Role::Admin) return std::nullopt;
  return net::ConnectionTable::Workers{job.limits, job.seat, job.config.process.workers};
}

std::unique_ptr<const config::Config> admin_configuration(const Job& job) {
  if (job.role != Role::Admin) return nullptr;
  return std::make_unique<const config::Config>(admin::admin_configuration(job.config));
}

Result<std::unique_ptr<api::Handler>> make_one(const config::Route& route, handlers::Shared& shared,
                                               const stats::Segment& segment) {
  Result<std::unique_ptr<api::Handler>> made = handlers::make_handler(route, shared);
  if (!made || *made) return made;
  std::unique_ptr<api::Handler> handler = admin::make_admin_handler(route.action, segment);
  if (!handler) return Error{ErrorKind::Internal, 0, "route " + route.path + ": no handler knows this action"};
  return handler;
}

}  // namespace

Result<http::HandlerTable> make_handlers(const config::Config& config, handlers::Shared& shared,
                                         const stats::Segment& segment) {
  http::HandlerTable table(config.sites.size());
  for (std::size_t site = 0; site < config.sites.size(); ++site) {
    for (const config::Route& route : config.sites[site].routes) {
      Result<std::unique_ptr<api::Handler>> handler = make_one(route, shared, segment);
      if (!handler) return handler.error();
      table[site].push_back(std::move(*handler));
    }
  }
  return table;
}

Wiring::Wiring(Job& job, loop::EventLoop& loop, stats::WorkerStats& stats)
    : loop_(loop),
      stats_(stats),
      admin_config_(admin_configuration(job)),
      config_(admin_config_ ? *admin_config_ : job.config),
      pool_(loop),
      packer_(stats),
      shared_(&packer_),
      guards_{&job.limits, &stats},
      connections_(loop, stats, table_limits(job.config, job.role), among_workers(job)) {}

Result<std::unique_ptr<Wiring>> Wiring::build(Job& job, loop::EventLoop& loop, stats::WorkerStats& stats) {
  std::unique_ptr<Wiring> wiring(new Wiring(job, loop, stats));
  if (job.role == Role::Traffic && job.access_log) {
    if (Result<void> opened = wiring->open_access_log(std::move(job.access_log)); !opened)
      return opened.error();
  }
  Result<http::HandlerTable> handlers = make_handlers(wiring->config_, wiring->shared_, job.segment);
  if (!handlers) return handlers.error();
  wiring->dispatcher_ = std::make_unique<http::Dispatcher>(wiring->config_, std::move(*handlers), stats,
                                                           wiring->clock_, wiring->access_log_.get(), job.slot);
  wiring->dispatcher_->set_filters(filters::make_filters(wiring->config_, wiring->encoders_, stats));
  Result<http::GuardTable> guards = guards::make_guards(wiring->config_, wiring->guards_);
  if (!guards) return guards.error();
  wiring->dispatcher_->set_guards(std::move(*guards));
  wiring->http1_ =
      std::make_unique<http1::SessionFactory>(wiring->config_, *wiring->dispatcher_, wiring->clock_);
  wiring->add_acceptors(job);
  return wiring;
}

Result<void> Wiring::open_access_log(Fd fd) {
  Result<http::AccessFormatHandle> format = http::compile_access_format(config_.log.access.format);
  if (!format) return format.error();
  access_log_ = std::make_unique<http::AccessLogWriter>(std::move(*format), std::move(fd));
  return {};
}

std::unique_ptr<net::Transport> Wiring::wrap(Fd socket) {
  return std::make_unique<net::TcpTransport>(std::move(socket));
}

net::ListenerContext Wiring::listener_context(std::uint32_t listener, std::string_view name) {
  const std::uint16_t label = stats_.segment().listener_index(name);
  net::ListenerContext context;
  context.listener = listener;
  context.factory = http1_.get();
  context.handshake_timeout = config_.timeouts.tls_handshake;
  context.accepted = stats_.cell(stats::Metric::ConnectionsAccepted, label);
  for (std::uint16_t state = 0; state < std::size(context.by_state); ++state)
    context.by_state[state] = stats_.cell(stats::Metric::Connections, label, state);
  return context;
}

void Wiring::add_acceptors(const Job& job) {
  for (const ListeningSocket& socket : job.sockets) {
    const bool admin = job.role == Role::Admin;
    net::ListenerContext context =
        admin ? listener_context(0, "admin")
              : listener_context(socket.listener, config_.listeners[socket.listener].name);
    if (admin) context.allowed = &job.config.admin.allow;
    acceptors_.push_back(
        std::make_unique<net::Acceptor>(loop_, connections_, stats_, socket.fd, context, *this));
  }
}

Result<void> Wiring::start_accepting() {
  for (const auto& acceptor : acceptors_)
    if (Result<void> started = acceptor->start(); !started) return started;
  return {};
}

void Wiring::stop_accepting() {
  for (const auto& acceptor : acceptors_) acceptor->release();
}

}  // namespace holdfast::worker
