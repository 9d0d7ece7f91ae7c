// Certificates and keys of the serving configuration as they are on disk: looked at each second, and when they
// have changed examined in a process of its own, because they are other people's bytes. The master is told what
// to make of it; it sends what is good to the running workers.
//
// Certificate and key are two files, and whoever renews them writes one after the other: what does not fit
// together is refused only if it is still so a look later.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "config/config.h"
#include "master/inquiry.h"

namespace holdfast::master {

/// What has been found out, once.
struct CertificateNews {
  struct Expiry {
    std::string file;
    WallTime until;
  };
  std::shared_ptr<const config::Config> config;  // not null: serves from now on, with the texts from the disk
  std::vector<Expiry> expiries;                  // of all certificates in use
  std::vector<std::string> remarks;              // about some of them
  std::string refusal;                           // not empty: why what is on disk is not used
};

class CertificateWatch {
 public:
  static constexpr Milliseconds kInterval{1000};
  static constexpr Milliseconds kPatience{10'000};  // with an inquiry
  static constexpr std::chrono::hours kAgain{24};   // remarks are repeated

  /// Follows the files of `config` from now on and examines them once; forgets any other. `identity`: of
  /// inquiries.
  void follow(std::shared_ptr<const config::Config> config, const std::optional<Identity>& identity,
              TimePoint now);
  /// The same files, though another configuration: there is nothing to examine.
  void adopt(std::shared_ptr<const config::Config> config);
  /// Looks no more.
  void stop();

  TimePoint next_deadline() const;
  /// Of the inquiry at work; -1: none.
  int inquiry_output() const { return inquiry_ ? inquiry_->output() : -1; }
  /// Call when the deadline has passed.
  void on_time(TimePoint now);
  /// Call when the inquiry's descriptor is ready.
  void on_inquiry();
  /// What has been found out since the last call, if anything.
  std::optional<CertificateNews> take_news();

 private:
  /// Of the content of a file; differs after each change.
  struct Stamp {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t changed_ns = 0, modified_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct File {
    std::optional<Stamp> stamp;  // empty: not looked at yet, or not there
    std::string text;
    std::string problem;  // not empty: it cannot be read
  };

  static std::optional<Stamp> stamp_of(const std::string& path);
  bool look();
  bool reread(const std::string& path, File& file);
  void examine(TimePoint now);
  std::shared_ptr<const config::Config> as_on_disk() const;
  void on_answer(const std::string& answer);
  void complain(std::string why);

  std::shared_ptr<const config::Config> config_;  // serves
  std::optional<Identity> identity_;
  std::map<std::string, File> files_;
  std::shared_ptr<const config::Config> candidate_;  // is examined, or was last
  std::optional<Inquiry> inquiry_;
  std::string doubt_;        // why the files as they are would be refused; waits for the next look
  bool unexamined_ = false;  // they have changed since the examination began
  TimePoint look_at_ = kNever;
  TimePoint give_up_at_ = kNever;
  TimePoint again_at_ = kNever;
  std::optional<CertificateNews> news_;
};

}  // namespace holdfast::master
