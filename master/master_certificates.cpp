// What becomes of news about certificates: running workers, statistics, log.
#include <utility>

#include "common/log.h"
#include "common/memory_file.h"
#include "config/pem_files.h"
#include "master/master.h"
#include "master/obituary.h"

namespace holdfast::master {

// While a reload is under way the configuration may be about to change: what the watch finds waits.
void Master::watch_certificates(TimePoint now) {
  if (!supervisor_ || pending_) return;
  if (certificates_.next_deadline() <= now) certificates_.on_time(now);
  std::optional<CertificateNews> news = certificates_.take_news();
  if (!news) return;
  if (!news->refusal.empty()) {
    log().error("certificates not renewed", {{"problem", news->refusal}, {"outcome", "those in use stay"}});
    return stats_->count_certificate_change(false);
  }
  for (const std::string& remark : news->remarks) log().warning("certificate", {{"problem", remark}});
  if (news->config) renew_certificates(std::move(news->config));
  std::vector<std::pair<std::string, WallTime>> expiries;
  for (CertificateNews::Expiry& one : news->expiries) expiries.emplace_back(std::move(one.file), one.until);
  stats_->note_expiries(expiries);
}

void Master::renew_certificates(std::shared_ptr<const config::Config> config) {
  // Of workers that start from now on.
  serving_->config = std::move(config);
  const Result<Fd> texts = make_memory_file(config::pack_pem_texts(serving_->config->listeners));
  for (const auto& [id, process] : processes_) {
    if (process.generation != supervisor_->generation() || process.slot == stats::kAdminSlot) continue;
    if (texts && send_control(process.control.get(), ControlKind::Certificates, 0, {}, texts->get())) continue;
    log().error("worker not told of new certificates", {worker_field(process.slot), {"pid", process.pid}});
  }
  stats_->count_certificate_change(true);
  log().info("certificates renewed", {{"generation", supervisor_->generation()}});
}

}  // namespace holdfast::master
