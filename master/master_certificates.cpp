// What becomes of news about certificates: running workers, statistics, log.
#include <utility>

#include "common/log.h"
#include "common/memory_file.h"
#include "config/pem_files.h"
#include "master/master.h"
#include "master/obituary.h"

namespace holdfast::master {

void Master::follow_certificates(TimePoint now) {
  certificates_.follow(serving_->config, serving_->identity, now);
  staples_.follow(*serving_->config, serving_->identity, now);
}

// While a reload is under way the configuration may be about to change: what is found out waits.
void Master::watch_certificates(TimePoint now) {
  if (!supervisor_ || pending_) return;
  if (certificates_.next_deadline() <= now) certificates_.on_time(now);
  if (staples_.next_deadline() <= now) staples_.on_time(now);
  for (const std::string& problem : staples_.take_problems())
    log().warning("certificate", {{"problem", problem}});
  if (std::optional<CertificateNews> news = certificates_.take_news()) take_certificate_news(std::move(*news));
}

void Master::take_certificate_news(CertificateNews news) {
  if (!news.refusal.empty()) {
    stats_->count_certificate_change(false);
    return log().error("certificates not renewed",
                       {{"problem", news.refusal}, {"outcome", "those in use stay"}});
  }
  for (const std::string& remark : news.remarks) log().warning("certificate", {{"problem", remark}});
  if (news.config) {
    staples_.follow(*news.config, serving_->identity, Clock::now());
    use_certificates(news.config);
    stats_->count_certificate_change(true);
    log().info("certificates renewed", {{"generation", supervisor_->generation()}});
  }
  std::vector<std::pair<std::string, WallTime>> expiries;
  for (CertificateNews::Expiry& one : news.expiries) expiries.emplace_back(std::move(one.file), one.until);
  stats_->note_expiries(expiries);
}

/// By the running workers, and by those that start from now on.
void Master::use_certificates(const std::shared_ptr<const config::Config>& config) {
  serving_->config = staples_.filled(config);
  certificates_.adopt(serving_->config);
  const Result<Fd> texts = make_memory_file(config::pack_pem_texts(serving_->config->listeners));
  if (!texts)
    return log().error("workers not told of new certificates",
                       {{"problem", texts.error().message()}, {"outcome", "a reload takes them over"}});
  for (const auto& [id, process] : processes_) {
    if (process.generation != supervisor_->generation() || process.slot == stats::kAdminSlot) continue;
    if (send_control(process.control.get(), ControlKind::Certificates, 0, {}, texts->get())) continue;
    log().error("worker not told of new certificates", {worker_field(process.slot), {"pid", process.pid}});
  }
}

}  // namespace holdfast::master
