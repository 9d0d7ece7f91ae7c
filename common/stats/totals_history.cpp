#include "common/stats/totals_history.h"

#include <algorithm>

#include "common/stats/consistent_read.h"

namespace holdfast::stats {
namespace {

/// Calls `each` with every member, in the order in which a row holds them.
template <class AnyTotals, class Each>
void for_each_number(AnyTotals& totals, Each each) {
  for (auto* number :
       {&totals.steady, &totals.wall, &totals.requests, &totals.client_errors, &totals.server_errors,
        &totals.request_bytes, &totals.response_bytes, &totals.connections})
    each(*number);
  for (auto& bucket : totals.durations) each(bucket);
}

}  // namespace

std::vector<Totals> read_totals(const TotalsHistory& history) {
  std::vector<Totals> rows;
  rows.reserve(kTotalsKept);
  read_consistently(history.sequence, [&] {
    rows.clear();
    const std::uint64_t count = history.count.load(std::memory_order_relaxed);
    for (std::uint64_t i = count - std::min<std::uint64_t>(count, kTotalsKept); i < count; ++i) {
      const Word* word = history.rows[i % kTotalsKept];
      for_each_number(rows.emplace_back(),
                      [&](std::uint64_t& number) { number = (word++)->load(std::memory_order_relaxed); });
    }
  });
  return rows;
}

TotalsWriter::TotalsWriter(TotalsHistory& history, std::uint64_t pid) : history_(history), pid_(pid) {
  history_.writer.store(pid_, std::memory_order_relaxed);
}

bool TotalsWriter::may_write(std::uint64_t now) const {
  if (history_.writer.load(std::memory_order_relaxed) == pid_) return true;
  const std::uint64_t count = history_.count.load(std::memory_order_relaxed);
  if (count == 0) return false;
  const std::uint64_t last = history_.rows[(count - 1) % kTotalsKept][0].load(std::memory_order_relaxed);
  return now > last + kSilence;
}

bool TotalsWriter::append(const Totals& totals) {
  if (!may_write(totals.steady)) return false;
  history_.writer.store(pid_, std::memory_order_relaxed);
  // Odd already when a writer has died in the middle of a row.
  const std::uint64_t odd = history_.sequence.load(std::memory_order_relaxed) | 1;
  history_.sequence.store(odd, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  const std::uint64_t count = history_.count.load(std::memory_order_relaxed);
  Word* word = history_.rows[count % kTotalsKept];
  for_each_number(totals,
                  [&](const std::uint64_t& number) { (word++)->store(number, std::memory_order_relaxed); });
  history_.count.store(count + 1, std::memory_order_relaxed);
  history_.sequence.store(odd + 1, std::memory_order_release);
  return true;
}

}  // namespace holdfast::stats
