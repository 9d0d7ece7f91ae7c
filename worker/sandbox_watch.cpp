#include "worker/sandbox_watch.h"

#include <utility>

namespace holdfast::worker {
namespace {

// New content is served within about a second of its coming.
constexpr Milliseconds kInterval{1000};

}  // namespace

void SandboxWatch::start(std::vector<std::string> paths) {
  if (paths.empty()) return;
  drift_ = sandbox::Drift(std::move(paths));
  loop_.timers().arm(*this, loop_.now() + kInterval);
}

void SandboxWatch::on_timer(TimePoint now) {
  if (const auto path = drift_.look()) control_.tell(ControlKind::Renew, *path);
  loop_.timers().arm(*this, now + kInterval);
}

}  // namespace holdfast::worker
