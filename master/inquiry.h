// A short-lived child that works something out for the master: what might crash, or wait for somebody. Its
// answer comes by a pipe; its end is reaped with those of strangers.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/fd.h"
#include "common/result.h"
#include "master/privileges.h"

namespace holdfast::master {

class Inquiry {
 public:
  /// Forks. `work` runs in the child, as `identity` when there is one, with no descriptor of the master's but
  /// the standard streams; what it returns is the answer.
  static Result<Inquiry> start(const std::optional<Identity>& identity,
                               const std::function<std::string()>& work);
  Inquiry(Inquiry&&) = default;
  Inquiry& operator=(Inquiry&&) = delete;
  /// Kills it, if it has not ended.
  ~Inquiry();

  /// Readable when something is to be taken.
  int output() const { return output_.get(); }
  /// Takes what has come; false: more will come.
  bool ended();
  /// Once it has ended: empty when it did not come to its answer.
  std::optional<std::string> answer() const;

 private:
  Inquiry(Fd pidfd, Fd output) : pidfd_(std::move(pidfd)), output_(std::move(output)) {}

  Fd pidfd_;
  Fd output_;
  std::string text_;
};

}  // namespace holdfast::master
