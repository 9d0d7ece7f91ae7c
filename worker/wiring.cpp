#include "worker/wiring.h"

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "worker/admin/admin_handlers.h"
#include "worker/filters/registry.h"
#include "worker/handlers/file_cache.h"
#include "worker/net/tcp_transport.h"

namespace holdfast::worker {
namespace {

bool speaks_http2(const config::Listener& listener) {
  return std::ranges::find(listener.protocols, config::WireProtocol::Http2) != listener.protocols.end();
}

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

Result<std::unique_ptr<api::Handler>> make_one(const config::Route& route, const std::string& site,
                                               handlers::Shared& shared, modules::Modules& modules,
                                               const stats::Segment& segment) {
  if (const auto* const module = std::get_if<config::ModuleAction>(&route.action))
    return modules.make_handler(route, *module);
  Result<std::unique_ptr<api::Handler>> made = handlers::make_handler(route, site, shared);
  if (!made || *made) return made;
  std::unique_ptr<api::Handler> handler = admin::make_admin_handler(route.action, segment);
  if (!handler) return Error{ErrorKind::Internal, 0, "route " + route.path + ": no handler knows this action"};
  return handler;
}

}  // namespace

Result<http::HandlerTable> make_handlers(const config::Config& config, handlers::Shared& shared,
                                         modules::Modules& modules, const stats::Segment& segment) {
  http::HandlerTable table(config.sites.size());
  std::string problems;
  for (std::size_t site = 0; site < config.sites.size(); ++site) {
    for (const config::Route& route : config.sites[site].routes) {
      Result<std::unique_ptr<api::Handler>> handler =
          make_one(route, config.sites[site].name, shared, modules, segment);
      if (handler) {
        table[site].push_back(std::move(*handler));
      } else {
        problems += (problems.empty() ? "" : "\n") + handler.error().message();
      }
    }
  }
  if (!problems.empty()) return Error{ErrorKind::Configuration, 0, std::move(problems)};
  return table;
}

Wiring::Wiring(Job& job, loop::EventLoop& loop, stats::WorkerStats& stats)
    : loop_(loop),
      stats_(stats),
      tickets_(job.tickets),
      brokers_(loop, job.broadcast, job.seat, pool_),
      admin_config_(admin_configuration(job)),
      config_(admin_config_ ? *admin_config_ : job.config),
      packer_(stats),
      pool_(loop),
      shared_({&packer_, &pool_, &stats, &brokers_}),
      timers_(loop),
      lookups_(loop, {.threads = 4, .waiting = 256}),
      module_pool_(loop),
      http_(loop, lookups_),
      modules_(module_pool_, http_, stats),
      file_changes_(shared_.files()),
      websockets_(timers_, stats),
      connections_(loop, stats, table_limits(job.config, job.role), among_workers(job)) {}

Result<std::unique_ptr<Wiring>> Wiring::build(Job& job, loop::EventLoop& loop, stats::WorkerStats& stats) {
  std::unique_ptr<Wiring> wiring(new Wiring(job, loop, stats));
  if (job.role == Role::Traffic && job.access_log) {
    if (Result<void> opened = wiring->open_access_log(std::move(job.access_log)); !opened)
      return opened.error();
  }
  Result<http::HandlerTable> handlers =
      make_handlers(wiring->config_, wiring->shared_, wiring->modules_, job.segment);
  if (!handlers) return handlers.error();
  if (Result<void> watched = wiring->watch_files(); !watched) return watched.error();
  wiring->dispatcher_ = std::make_unique<http::Dispatcher>(wiring->config_, std::move(*handlers), stats,
                                                           wiring->clock_, wiring->access_log_.get(), job.slot);
  wiring->dispatcher_->set_timers(wiring->timers_);
  wiring->dispatcher_->set_websockets(wiring->websockets_);
  wiring->dispatcher_->set_filters(filters::make_filters(wiring->config_, wiring->encoders_, stats));
  Result<http::GuardTable> guards =
      guards::make_guards(wiring->config_, {stats, &job.limits, &wiring->pool_, &wiring->rate_refusals_});
  if (!guards) return guards.error();
  wiring->dispatcher_->set_guards(std::move(*guards));
  wiring->http1_ =
      std::make_unique<http1::SessionFactory>(wiring->config_, *wiring->dispatcher_, wiring->clock_);
  wiring->http2_ =
      std::make_unique<http2::SessionFactory>(wiring->config_, *wiring->dispatcher_, wiring->clock_, stats);
  wiring->both_ = std::make_unique<ProtocolChoice>(*wiring->http1_, *wiring->http2_);
  if (Result<void> added = wiring->add_acceptors(job); !added) return added.error();
  return wiring;
}

void Wiring::FileChanges::on_ready(std::uint32_t /*events*/) {
  files.take_changes();
}

Result<void> Wiring::watch_files() {
  handlers::FileCache& files = shared_.files();
  if (!files.has_trees()) return {};
  const int fd = files.watch_files();
  if (fd < 0) {
    log().debug("changes of files are not told here: seen within a second");
    return {};
  }
  return file_changes_.watch.start(loop_, fd, EPOLLIN, file_changes_);
}

Result<void> Wiring::open_access_log(Fd fd) {
  Result<http::AccessFormatHandle> format = http::compile_access_format(config_.log.access.format);
  if (!format) return format.error();
  access_log_ = std::make_unique<http::AccessLogWriter>(std::move(*format),
                                                        LineOutput(std::move(fd), config_.log.access.to),
                                                        stats_.segment().seat(stats_.seat_index()).lines);
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
  context.proxy_timeout = config_.timeouts.request_header;
  context.accepted = stats_.cell(stats::Metric::ConnectionsAccepted, label);
  for (std::uint16_t state = 0; state < std::size(context.by_state); ++state)
    context.by_state[state] = stats_.cell(stats::Metric::Connections, label, state);
  return context;
}

Result<const AddressSet*> Wiring::keep_addresses(const std::vector<std::string>& texts) {
  Result<AddressSet> set = AddressSet::of(texts);
  if (!set) return set.error();
  addresses_.push_back(std::make_unique<const AddressSet>(std::move(*set)));
  return addresses_.back().get();
}

Result<net::TransportFactory*> Wiring::transports_for(std::uint32_t listener) {
  const config::Listener& settings = config_.listeners[listener];
  if (!settings.tls.enabled) return static_cast<net::TransportFactory*>(this);
  const config::SessionTickets& tickets = config_.session_tickets;
  Result<std::unique_ptr<net::TlsContext>> context = net::TlsContext::make(
      settings.tls, {tickets.enabled ? &tickets_ : nullptr, tickets.rotate}, speaks_http2(settings));
  if (!context) return context.error();
  tls_.push_back({listener, std::make_unique<net::TlsTransports>(std::move(*context), stats_, loop_.now())});
  return tls_.back().transports.get();
}

Result<void> Wiring::renew_certificates(const std::vector<config::Listener>& listeners) {
  for (const SecureListener& secure : tls_)
    if (Result<void> renewed = secure.transports->context().renew(listeners[secure.listener].tls); !renewed)
      return renewed;
  return {};
}

Result<void> Wiring::add_acceptors(const Job& job) {
  for (const ListeningSocket& socket : job.sockets) {
    const bool admin = job.role == Role::Admin;
    net::ListenerContext context =
        admin ? listener_context(0, "admin")
              : listener_context(socket.listener, config_.listeners[socket.listener].name);
    const config::ProxyProtocol proxies =
        admin || socket.is_trial ? config::ProxyProtocol{} : config_.listeners[socket.listener].proxy_protocol;
    context.proxy = proxies.enabled;
    Result<const AddressSet*> allowed = keep_addresses(admin ? job.config.admin.allow : proxies.from);
    if (!allowed) return allowed.error();
    if (admin) context.allowed = *allowed;
    if (!proxies.from.empty()) context.proxies = *allowed;
    // The admin's configuration has one listener of its own, in clear and of HTTP/1.1.
    const std::uint32_t listener = admin ? 0 : socket.listener;
    if (speaks_http2(config_.listeners[listener])) context.factory = both_.get();
    const Result<net::TransportFactory*> transports =
        socket.is_trial ? static_cast<net::TransportFactory*>(this) : transports_for(listener);
    if (!transports) return transports.error();
    context.secure = config_.listeners[listener].tls.enabled;
    acceptors_.push_back(
        std::make_unique<net::Acceptor>(loop_, connections_, socket.fd, context, **transports));
  }
  return {};
}

void Wiring::take_fuses(const std::vector<stats::FusedRoute>& routes) {
  std::vector<http::FusedRoutes::Place> places;
  const stats::Segment& segment = stats_.segment();
  for (const stats::FusedRoute& fused : routes) {
    const std::string_view name = segment.route_name(static_cast<std::uint16_t>(fused.route));
    for (std::uint32_t s = 0; s < config_.sites.size(); ++s) {
      const config::Site& site = config_.sites[s];
      if (segment.site_index(site.name) != fused.site) continue;
      for (std::uint32_t r = 0; r < site.routes.size(); ++r)
        if (site.routes[r].name == name) places.emplace_back(s, r);
    }
  }
  dispatcher_->set_fused(std::move(places));
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
