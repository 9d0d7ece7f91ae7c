// What keeps open dashboards up to date: looks at the statistics once a second, keeps the last minutes, tells
// every page. Owned by the admin process's wiring; outlives the exchanges of its pages. Its work goes on in the
// loop's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/api/exchange.h"
#include "common/stats/stats_reader.h"
#include "common/stats/totals_history.h"
#include "config/config.h"
#include "worker/admin/dashboard_events.h"
#include "worker/http/exchange_host.h"

namespace holdfast::admin {

class Feed final : private api::TimerListener {
 public:
  /// A page that nobody reads any more, or too slowly, holds at most this much; so many pages are served.
  static constexpr std::size_t kMostWaiting = std::size_t{256} * 1024;
  static constexpr std::size_t kMostPages = 32;

  /// `config` is the server's, not the admin listener's own. Begins to look at the statistics in the next turn.
  Feed(const stats::Segment& segment, const config::Config& config, http::TimerService& timers);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// Answers with the stream of events: what is known now, then what comes. 503 when there are too many.
  void serve(api::Exchange& exchange);
  /// The process leaves: ends every stream, so that no drain waits for one. Browsers come again, to the
  /// process that has taken over; one that still comes here is sent away at once.
  void end();

 private:
  class Page;

  void on_timer() override;
  /// Takes a row for the plots.
  void look(TimePoint now);
  void note_loads(const stats::Snapshot& snapshot, TimePoint now);
  void tell_pages();
  void begin(Page& page);

  const stats::Segment& segment_;
  const stats::BucketBounds bounds_;
  const config::Config& config_;
  http::TimerService& timers_;
  stats::TotalsWriter writer_;
  std::unique_ptr<api::TimerHold> timer_;
  TimePoint due_;
  TimePoint looked_;
  std::map<std::uint32_t, std::uint64_t> busy_;  // of each slot until then, nanoseconds
  Loads loads_;
  std::vector<Page*> pages_;  // each takes itself off
  std::string facts_;         // as pages have them
  bool ended_ = false;
};

}  // namespace holdfast::admin
