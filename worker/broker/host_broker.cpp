#include "worker/broker/host_broker.h"

#include "common/log.h"

namespace holdfast::broker {

void HostBroker::listen(broker::Listener& listener) {
  listener_ = &listener;
  local_->replay(*this);
  local_->listen(*this);
  listener_->on_reunion();
}

std::optional<std::uint64_t> HostBroker::incarnation() const {
  const std::optional<broadcast::Origin> origin = local_->origin();
  if (!origin) return std::nullopt;
  return origin->incarnation;
}

void HostBroker::on_record(const broadcast::Record& record) {
  listener_->on_message({{0, record.origin.incarnation}, record.time, record.payload});
}

void HostBroker::on_origin_gone(const broadcast::Origin& origin) {
  listener_->on_origin_gone({0, origin.incarnation});
}

void HostBroker::on_lost(std::uint64_t records) {
  log().warning("messages of another worker were lost",
                {{"records", records}, {"problem", "they came faster than this worker could read them"}});
  listener_->on_reunion();
}

}  // namespace holdfast::broker
