#include "worker/admin/feed.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "common/api/event_stream.h"
#include "worker/admin/dashboard_files.h"
#include "worker/admin/rates.h"

namespace holdfast::admin {
namespace {

using namespace std::chrono_literals;

constexpr Duration kInterval = 1s;
constexpr Milliseconds kRetry = 1s;
constexpr Milliseconds kRetryOfMoved = 100ms;

/// Time that the event loops of each slot have worked, ever; the admin process by its own seats, since it is
/// not among the workers' series.
std::map<std::uint32_t, std::uint64_t> busy_by_slot(const stats::Snapshot& snapshot) {
  std::map<std::uint32_t, std::uint64_t> busy;
  for (const stats::SeriesSum& sum : snapshot.series)
    if (sum.key.metric == stats::Metric::EventLoopBusy) busy[sum.slot] += sum.value;
  return busy;
}

}  // namespace

class Feed::Page final : public api::EventClient {
 public:
  Page(api::Exchange& exchange, Feed& feed)
      : EventClient(exchange, {.most_waiting = kMostWaiting}), feed_(feed) {
    feed_.pages_.push_back(this);
  }
  ~Page() override { std::erase(feed_.pages_, this); }

  /// One that cannot keep up comes again, and is shown all of it then.
  void tell(const api::Event& event) {
    if (!push(event)) end();
  }

 private:
  Feed& feed_;
};

Feed::Feed(const stats::Segment& segment, const config::Config& config, http::TimerService& timers)
    : segment_(segment),
      bounds_(segment.bucket_bounds()),
      config_(config),
      timers_(timers),
      writer_(segment.history(), static_cast<std::uint64_t>(::getpid())),
      due_(Clock::now()) {
  timer_ = timers_.start(due_, *this);
}

Feed::~Feed() = default;

void Feed::serve(api::Exchange& exchange) {
  if (pages_.size() >= kMostPages) {
    const api::Field later{"Retry-After", "10"};
    return exchange.fail(503, {&later, 1});
  }
  Page& page = api::open_event_stream<Page>(exchange, *this);
  if (!ended_) return begin(page);
  page.tell({.retry = kRetryOfMoved});
  page.end();
}

void Feed::begin(Page& page) {
  const Status status = gather_status(segment_, std::chrono::system_clock::now());
  const std::vector<stats::Totals> rows = stats::read_totals(segment_.history());
  page.tell({.event = "facts", .data = facts_json(status, config_, kDashboardVersion), .retry = kRetry});
  page.tell({.event = "history", .data = history_json(rows, bounds_)});
  page.tell({.event = "now", .data = now_json(status, rows, bounds_, loads_)});
}

void Feed::end() {
  ended_ = true;
  timer_.reset();
  const std::vector<Page*> pages = pages_;
  for (Page* const page : pages) {
    if (std::ranges::find(pages_, page) == pages_.end()) continue;
    page->tell({.retry = kRetryOfMoved});
    page->end();
  }
}

void Feed::on_timer() {
  const TimePoint now = Clock::now();
  // After a pause of the whole machine the seconds that were missed are not caught up with.
  due_ = std::max(due_ + kInterval, now + kInterval / 2);
  timer_ = timers_.start(due_, *this);
  look(now);
  if (!pages_.empty()) tell_pages();
}

void Feed::look(TimePoint now) {
  const stats::Snapshot snapshot = stats::take_snapshot(segment_);
  writer_.append(totals_of(snapshot, now, std::chrono::system_clock::now()));
  note_loads(snapshot, now);
}

void Feed::note_loads(const stats::Snapshot& snapshot, TimePoint now) {
  std::map<std::uint32_t, std::uint64_t> busy = busy_by_slot(snapshot);
  const auto length = static_cast<std::uint64_t>(std::chrono::nanoseconds(now - looked_).count());
  loads_.clear();
  for (const auto& [slot, worked] : busy) {
    const auto before = busy_.find(slot);
    if (before == busy_.end() || length == 0) continue;
    const std::uint64_t more = worked > before->second ? worked - before->second : 0;
    // Two generations of a slot work side by side for a moment, and a turn counts when it ends.
    loads_[slot] = std::min<std::uint64_t>(more * 1000 / length, 1000);
  }
  busy_ = std::move(busy);
  looked_ = now;
}

void Feed::tell_pages() {
  const Status status = gather_status(segment_, std::chrono::system_clock::now());
  std::string facts = facts_json(status, config_, kDashboardVersion);
  const bool changed = facts != facts_;
  facts_ = std::move(facts);
  const std::string now = now_json(status, stats::read_totals(segment_.history()), bounds_, loads_);
  const std::vector<Page*> pages = pages_;
  for (Page* const page : pages) {
    // A push may be the end of an exchange, and of another page with it.
    if (std::ranges::find(pages_, page) == pages_.end()) continue;
    if (changed) page->tell({.event = "facts", .data = facts_});
    page->tell({.event = "now", .data = now});
  }
}

}  // namespace holdfast::admin
