#include "master/certificate_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "config/pem_files.h"
#include "config/source_text.h"
#include "worker/worker.h"

namespace holdfast::master {
namespace {

// The inquiry's answer: a line a certificate, in the order of the configuration, or one line with a problem.
//   good SECONDS [REMARK]     bad SECONDS REMARK     problem TEXT
constexpr std::string_view kGood = "good";
constexpr std::string_view kBad = "bad";
constexpr std::string_view kProblem = "problem";

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::string examination(const config::Config& config) {
  const auto facts = worker::examine_certificates(config, std::chrono::system_clock::now());
  if (!facts) return std::string(kProblem) + ' ' + one_line(facts.error().message()) + '\n';
  std::string answer;
  for (const worker::CertificateFacts& one : *facts)
    answer += std::string(one.good ? kGood : kBad) + ' ' +
              std::to_string(std::chrono::system_clock::to_time_t(one.until)) + ' ' + one.remark + '\n';
  return answer;
}

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

std::vector<const config::Certificate*> certificates_of(const config::Config& config) {
  std::vector<const config::Certificate*> all;
  for (const config::Listener& listener : config.listeners)
    if (listener.tls.enabled)
      for (const config::Certificate& one : listener.tls.certificates) all.push_back(&one);
  return all;
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

void CertificateWatch::follow(std::shared_ptr<const config::Config> config,
                              const std::optional<Identity>& identity, TimePoint now) {
  stop();
  config_ = std::move(config);
  identity_ = identity;
  for (const config::LoadedFile* file : config::pem_files(config_->listeners))
    if (!file->path.empty()) files_[file->path].text = file->text;
  if (files_.empty()) return;
  candidate_ = config_;
  unexamined_ = true;
  look_at_ = now;
}

void CertificateWatch::adopt(std::shared_ptr<const config::Config> config) {
  if (candidate_ == config_) candidate_ = config;
  config_ = std::move(config);
}

void CertificateWatch::stop() {
  files_.clear();
  inquiry_.reset();
  news_.reset();
  doubt_.clear();
  unexamined_ = false;
  look_at_ = give_up_at_ = again_at_ = kNever;
}

TimePoint CertificateWatch::next_deadline() const {
  return std::min({look_at_, give_up_at_, again_at_});
}

void CertificateWatch::on_time(TimePoint now) {
  if (give_up_at_ <= now) {
    inquiry_.reset();
    give_up_at_ = kNever;
    doubt_ = "the examination of the certificates took too long";
  }
  if (again_at_ <= now) {
    again_at_ = kNever;
    unexamined_ = true;
  }
  if (look_at_ > now) return;
  look_at_ = now + kInterval;
  if (look())
    unexamined_ = true;
  else if (!doubt_.empty() && !unexamined_)
    complain(std::exchange(doubt_, {}));
  if (unexamined_ && !inquiry_) examine(now);
}

std::optional<CertificateWatch::Stamp> CertificateWatch::stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Stamp{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
               nanoseconds(status.st_ctim), nanoseconds(status.st_mtim)};
}

/// Whether anything has changed since the last look.
bool CertificateWatch::look() {
  bool changed = false;
  for (auto& [path, file] : files_) changed |= reread(path, file);
  return changed;
}

bool CertificateWatch::reread(const std::string& path, File& file) {
  const std::optional<Stamp> stamp = stamp_of(path);
  if (stamp && stamp == file.stamp) return false;
  file.stamp = stamp;
  Result<std::string> text = config::read_source(path);
  std::string problem = text ? std::string() : path + " " + text.error().message();
  const bool changed = problem != file.problem || (text && *text != file.text);
  file.problem = std::move(problem);
  if (text) file.text = std::move(*text);
  return changed;
}

std::shared_ptr<const config::Config> CertificateWatch::as_on_disk() const {
  const std::vector<const config::LoadedFile*> used = config::pem_files(config_->listeners);
  const auto same = [this](const config::LoadedFile* file) {
    return file->path.empty() || files_.at(file->path).text == file->text;
  };
  if (std::ranges::all_of(used, same)) return config_;
  auto changed = std::make_shared<config::Config>(*config_);
  for (config::LoadedFile* file : config::pem_files(changed->listeners))
    if (!file->path.empty()) file->text = files_.at(file->path).text;
  return changed;
}

void CertificateWatch::examine(TimePoint now) {
  unexamined_ = false;
  doubt_.clear();
  again_at_ = now + kAgain;
  for (const auto& [path, file] : files_) {
    if (file.problem.empty()) continue;
    doubt_ = file.problem;
    return;
  }
  candidate_ = as_on_disk();
  Result<Inquiry> inquiry =
      Inquiry::start(identity_, [config = candidate_.get()] { return examination(*config); });
  if (!inquiry) {
    doubt_ = inquiry.error().message();
    return;
  }
  inquiry_.emplace(std::move(*inquiry));
  give_up_at_ = now + kPatience;
}

void CertificateWatch::on_inquiry() {
  if (!inquiry_ || !inquiry_->ended()) return;
  const std::optional<std::string> answer = inquiry_->answer();
  inquiry_.reset();
  give_up_at_ = kNever;
  if (!answer)
    doubt_ = "the process that examines certificates crashed";
  else
    on_answer(*answer);
}

void CertificateWatch::on_answer(const std::string& answer) {
  CertificateNews news;
  std::string_view rest = answer;
  const std::vector<const config::Certificate*> certificates = certificates_of(*candidate_);
  const std::vector<const config::Certificate*> in_use = certificates_of(*config_);
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    const std::string& path = certificates[i]->certificate.path;
    std::string_view line = take_until(rest, '\n');
    const std::string_view verdict = take_until(line, ' ');
    if (verdict == kProblem) {
      doubt_ = line;
      return;
    }
    const std::string_view seconds = take_until(line, ' ');
    const std::string remark = line.empty() ? std::string() : path + " " + std::string(line);
    // One that is in use and bad has no other to take its place, and does not hold up the rest.
    if (verdict == kBad && certificates[i]->certificate.text != in_use[i]->certificate.text) {
      doubt_ = remark;
      return;
    }
    std::time_t until = 0;
    std::from_chars(seconds.data(), seconds.data() + seconds.size(), until);
    news.expiries.push_back({path, std::chrono::system_clock::from_time_t(until)});
    if (!remark.empty()) news.remarks.push_back(remark);
  }
  if (candidate_ != config_) news.config = config_ = candidate_;
  news_ = std::move(news);
}

void CertificateWatch::complain(std::string why) {
  news_.emplace();
  news_->refusal = std::move(why);
}

std::optional<CertificateNews> CertificateWatch::take_news() {
  return std::exchange(news_, std::nullopt);
}

}  // namespace holdfast::master
