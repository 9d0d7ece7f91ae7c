#include "master/staple_fetch.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "worker/worker.h"

namespace holdfast::master {
namespace {

// The inquiry's answer, a line a certificate: "SECONDS HEX" (valid until, response) or "- PROBLEM".
constexpr std::chrono::seconds kPatienceEach{15};

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::string asked_for(const std::vector<config::Certificate>& certificates) {
  std::string answer;
  for (const config::Certificate& certificate : certificates) {
    const auto fetched = worker::fetch_staple(certificate);
    if (fetched)
      answer += std::to_string(std::chrono::system_clock::to_time_t(fetched->until)) + ' ' +
                hex_of(fetched->response);
    else
      answer += "- " + fetched.error().message();
    answer += '\n';
  }
  return answer;
}

}  // namespace

void StapleFetch::follow(const config::Config& config, const std::optional<Identity>& identity, TimePoint now) {
  identity_ = identity;
  std::map<std::string, Wanted> before = std::exchange(wanted_, {});
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls.enabled) continue;
    for (const config::Certificate& certificate : listener.tls.certificates) {
      if (certificate.stapling != config::Stapling::Fetch) continue;
      const std::string& text = certificate.certificate.text;
      const auto known = before.find(text);
      wanted_.emplace(text, known != before.end() ? known->second : Wanted{certificate, {}, now});
    }
  }
}

void StapleFetch::stop() {
  wanted_.clear();
  inquiry_.reset();
  give_up_at_ = kNever;
}

TimePoint StapleFetch::next_deadline() const {
  if (inquiry_) return give_up_at_;
  TimePoint next = kNever;
  for (const auto& [text, one] : wanted_) next = std::min(next, one.due);
  return next;
}

void StapleFetch::on_time(TimePoint now) {
  if (give_up_at_ <= now) {
    inquiry_.reset();
    give_up_at_ = kNever;
    problems_.emplace_back("OCSP responses: their authorities did not answer in time");
  }
  if (inquiry_) return;
  asked_.clear();
  std::vector<config::Certificate> certificates;
  for (auto& [text, one] : wanted_) {
    if (one.due > now) continue;
    one.due = now + kAfterFailure;  // unless it comes
    asked_.push_back(text);
    certificates.push_back(one.certificate);
  }
  if (asked_.empty()) return;
  Result<Inquiry> inquiry =
      Inquiry::start(identity_, [certificates = std::move(certificates)] { return asked_for(certificates); });
  if (!inquiry) return problems_.push_back(inquiry.error().message());
  inquiry_.emplace(std::move(*inquiry));
  give_up_at_ = now + kPatienceEach * asked_.size();
}

bool StapleFetch::on_inquiry(TimePoint now, WallTime wall) {
  if (!inquiry_ || !inquiry_->ended()) return false;
  const std::string answer =
      inquiry_->answer().value_or("- OCSP responses: the process that asks for them crashed\n");
  inquiry_.reset();
  give_up_at_ = kNever;
  bool news = false;
  std::size_t at = 0;
  for (const std::string& text : std::exchange(asked_, {})) {
    const std::size_t end = std::min(answer.find('\n', at), answer.size());
    const std::string_view line = std::string_view(answer).substr(at, end - at);
    at = std::min(end + 1, answer.size());
    const auto wanted = wanted_.find(text);
    if (wanted == wanted_.end() || line.empty()) continue;
    news |= take_line(wanted->second, line, now, wall);
  }
  return news;
}

bool StapleFetch::take_line(Wanted& wanted, std::string_view line, TimePoint now, WallTime wall) {
  if (line.starts_with("- ")) {
    problems_.push_back(wanted.certificate.certificate.path + ": " + std::string(line.substr(2)));
    return false;
  }
  std::time_t until = 0;
  std::from_chars(line.data(), line.data() + line.size(), until);
  wanted.response = bytes_of(line.substr(std::min(line.find(' ') + 1, line.size())));
  // Half of its time is left for as many attempts as it takes.
  const auto half = (std::chrono::system_clock::from_time_t(until) - wall) / 2;
  wanted.due = now + std::clamp<Duration>(half, kSoonest, kLatest);
  return true;
}

std::shared_ptr<const config::Config> StapleFetch::filled(
    const std::shared_ptr<const config::Config>& config) const {
  std::shared_ptr<config::Config> changed;
  for (std::size_t l = 0; l < config->listeners.size(); ++l) {
    const std::vector<config::Certificate>& certificates = config->listeners[l].tls.certificates;
    for (std::size_t c = 0; c < certificates.size(); ++c) {
      if (certificates[c].stapling != config::Stapling::Fetch) continue;
      const auto known = wanted_.find(certificates[c].certificate.text);
      const std::string response = known != wanted_.end() ? known->second.response : std::string();
      if (certificates[c].staple.text == response) continue;
      if (!changed) changed = std::make_shared<config::Config>(*config);
      changed->listeners[l].tls.certificates[c].staple.text = response;
    }
  }
  return changed ? changed : config;
}

std::vector<std::string> StapleFetch::take_problems() {
  return std::exchange(problems_, {});
}

}  // namespace holdfast::master
