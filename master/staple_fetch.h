// OCSP responses for certificates that are configured so: got by a process of its own, kept as long as their
// certificate is in use, got anew in good time. The master gives them to its workers with the certificates.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "config/config.h"
#include "master/inquiry.h"

namespace holdfast::master {

class StapleFetch {
 public:
  static constexpr std::chrono::minutes kSoonest{1};  // between two requests for one certificate
  static constexpr std::chrono::hours kLatest{24};
  static constexpr std::chrono::minutes kAfterFailure{10};

  /// From now on for the certificates of this configuration. `identity`: of inquiries.
  void follow(const config::Config& config, const std::optional<Identity>& identity, TimePoint now);
  void stop();

  TimePoint next_deadline() const;
  /// Of the inquiry at work; -1: none.
  int inquiry_output() const { return inquiry_ ? inquiry_->output() : -1; }
  /// Call when the deadline has passed.
  void on_time(TimePoint now);
  /// Call when the inquiry's output is ready. True: there are new responses.
  bool on_inquiry(TimePoint now, WallTime wall);

  /// `config` with the responses that are known for its certificates; itself when it has them.
  std::shared_ptr<const config::Config> filled(const std::shared_ptr<const config::Config>& config) const;
  /// Why some could not be had, since the last call.
  std::vector<std::string> take_problems();

 private:
  struct Wanted {
    config::Certificate certificate;
    std::string response;  // empty: none yet
    TimePoint due;
  };

  bool take_line(Wanted& wanted, std::string_view line, TimePoint now, WallTime wall);

  std::optional<Identity> identity_;
  std::map<std::string, Wanted> wanted_;  // by the certificate's text
  std::vector<std::string> asked_;        // the inquiry's order
  std::optional<Inquiry> inquiry_;
  TimePoint give_up_at_ = kNever;
  std::vector<std::string> problems_;
};

}  // namespace holdfast::master
