#include "common/stats/stats_segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/memory_file.h"
#include "common/stats/name_table.h"

namespace holdfast::stats {

namespace {

constexpr std::uint64_t kMagic = 0x484f4c4446415354;  // "HOLDFAST"
// Raised whenever the layout, a metric's number or a label's number changes its meaning: a binary with another
// version cannot take over. A metric or label value that is only added, as the last one, needs none.
constexpr std::uint64_t kLayoutVersion = 12;
constexpr std::size_t kPage = 4096;

struct Header {
  Word magic;
  Word version;
  Word size;
  Word seats;
  alignas(64) Word fold_sequence;
  Word seats_used;  // seats above were never claimed
  Word site_count;
  Word listener_count;
  Word certificate_count;
  Word route_count;
  alignas(64) Word slot_retired[kMaxSlots];  // 1: the slot's retired row holds something
  alignas(64) Word bucket_bounds[kBucketBounds.size()];
  alignas(64) MasterNotes notes;
  alignas(64) DeathNotes deaths;
  alignas(64) ReloadNotes reloads;
  alignas(64) FuseTable fuses;
};
struct alignas(kPage) PagedSeat {
  Seat seat;
};
struct alignas(kPage) PagedBlock {
  SeriesBlock block;
};

std::uint64_t wall_nanoseconds(WallTime time) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(time.time_since_epoch()).count());
}

void store_text(char* to, std::size_t room, std::string_view text) {
  const std::size_t length = std::min(room - 1, text.size());
  std::memcpy(to, text.data(), length);
  to[length] = '\0';
}

bool is_gauge(std::uint64_t key) {
  return row(SeriesKey::unpack(key).metric).kind == Kind::Gauge;
}

void add_to(Word& word, std::uint64_t more) {
  word.store(word.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

void clear_block(SeriesBlock& block) {
  const auto series = std::min<std::uint64_t>(block.series_count.load(std::memory_order_relaxed), kMaxSeries);
  const auto histograms =
      std::min<std::uint64_t>(block.histogram_count.load(std::memory_order_relaxed), kMaxHistograms);
  block.series_count.store(0, std::memory_order_relaxed);
  block.histogram_count.store(0, std::memory_order_relaxed);
  for (std::uint64_t i = 0; i < series; ++i) {
    block.series[i].key.store(0, std::memory_order_relaxed);
    block.series[i].value.store(0, std::memory_order_relaxed);
  }
  for (std::uint64_t i = 0; i < histograms; ++i) {
    HistogramEntry& entry = block.histograms[i];
    entry.key.store(0, std::memory_order_relaxed);
    entry.sum.store(0, std::memory_order_relaxed);
    for (Word& bucket : entry.buckets) bucket.store(0, std::memory_order_relaxed);
  }
}

void clear_activity(Activity& activity) {
  for (Word* word : {&activity.beat, &activity.stamp, &activity.phase, &activity.connections})
    word->store(0, std::memory_order_relaxed);
  activity.work.clear();
}

}  // namespace

// The byte map of the header comment.
struct Layout {
  alignas(kPage) Header header;
  alignas(kPage) StoredName sites[kMaxSites];
  alignas(kPage) StoredName listeners[kMaxListeners];
  alignas(kPage) StoredName certificates[kMaxCertificates];
  alignas(kPage) StoredName routes[kMaxRoutes];
  alignas(kPage) SeatState states[kMaxSeats];
  alignas(kPage) PagedSeat seats[kMaxSeats];
  alignas(kPage) PagedBlock retired[kMaxSlots];
  alignas(kPage) DeclaredTable declared;
  alignas(kPage) DeclaredBlock declared_retired;
  alignas(kPage) TotalsHistory history;
};
static_assert(std::is_standard_layout_v<Layout> && std::is_trivially_destructible_v<Layout>);

// What a process remembers about the segment beside it: where names and retired series stand.
struct Segment::Index {
  explicit Index(Layout& layout)
      : sites(layout.sites, &layout.header.site_count, kMaxSites),
        listeners(layout.listeners, &layout.header.listener_count, kMaxListeners),
        certificates(layout.certificates, &layout.header.certificate_count, kMaxCertificates),
        routes(layout.routes, &layout.header.route_count, kMaxRoutes) {}

  struct RetiredRow {
    std::unordered_map<std::uint64_t, std::uint32_t> series, histograms;
  };
  NameTable sites, listeners, certificates, routes;
  std::array<std::unique_ptr<RetiredRow>, kMaxSlots> retired;
};

namespace {

/// Adds the numbers of one dead seat to its slot's row. New entries are made first, at value 0, so that between
/// the two steps of the fold sequence there is only adding.
class Fold {
 public:
  using Places = std::unordered_map<std::uint64_t, std::uint32_t>;

  Fold(const SeriesBlock& from, SeriesBlock& to, Places& series, Places& histograms) : from_(from), to_(to) {
    read_places(series, histograms);
    const std::uint64_t series_count =
        std::min<std::uint64_t>(from.series_count.load(std::memory_order_acquire), kMaxSeries);
    for (std::uint64_t i = 0; i < series_count; ++i) plan_series(i, series);
    const std::uint64_t histogram_count =
        std::min<std::uint64_t>(from.histogram_count.load(std::memory_order_acquire), kMaxHistograms);
    for (std::uint64_t i = 0; i < histogram_count; ++i) plan_histogram(i, histograms);
  }

  void add() {
    for (const auto& [i, place] : series_)
      add_to(to_.series[place].value, from_.series[i].value.load(std::memory_order_relaxed));
    for (const auto& [i, place] : histograms_) {
      const HistogramEntry& from = from_.histograms[i];
      HistogramEntry& to = to_.histograms[place];
      add_to(to.sum, from.sum.load(std::memory_order_relaxed));
      for (std::size_t bucket = 0; bucket < std::size(from.buckets); ++bucket)
        add_to(to.buckets[bucket], from.buckets[bucket].load(std::memory_order_relaxed));
    }
  }

 private:
  struct Step {
    std::uint32_t from, to;
  };

  /// A process that took the segment over from another one finds the rows already filled.
  void read_places(Places& series, Places& histograms) {
    // Workers can write here, too: a broken one must not lead the master out of the row.
    const std::uint64_t series_count =
        std::min<std::uint64_t>(to_.series_count.load(std::memory_order_relaxed), kMaxSeries);
    for (std::uint64_t i = series.size(); i < series_count; ++i)
      series.emplace(to_.series[i].key.load(std::memory_order_relaxed), static_cast<std::uint32_t>(i));
    const std::uint64_t histogram_count =
        std::min<std::uint64_t>(to_.histogram_count.load(std::memory_order_relaxed), kMaxHistograms);
    for (std::uint64_t i = histograms.size(); i < histogram_count; ++i)
      histograms.emplace(to_.histograms[i].key.load(std::memory_order_relaxed), static_cast<std::uint32_t>(i));
  }

  void plan_series(std::uint64_t i, Places& places) {
    const SeriesEntry& entry = from_.series[i];
    const std::uint64_t key = entry.key.load(std::memory_order_relaxed);
    if (!SeriesKey::valid(key) || is_gauge(key)) return;
    // Nobody else shows a slot's own series until its next worker has started.
    const bool only_here = row(SeriesKey::unpack(key).metric).is_by_worker();
    if (entry.value.load(std::memory_order_relaxed) == 0 && !only_here) return;
    const std::uint32_t place = place_of(key, places, to_.series_count, to_.series, kMaxSeries);
    series_.push_back({static_cast<std::uint32_t>(i), place});
  }

  void plan_histogram(std::uint64_t i, Places& places) {
    const HistogramEntry& entry = from_.histograms[i];
    const bool used = std::ranges::any_of(entry.buckets, [](const Word& word) { return word.load() != 0; });
    const std::uint64_t key = entry.key.load(std::memory_order_relaxed);
    if (!used || !SeriesKey::valid(key)) return;
    const std::uint32_t place = place_of(key, places, to_.histogram_count, to_.histograms, kMaxHistograms);
    histograms_.push_back({static_cast<std::uint32_t>(i), place});
  }

  /// Where `key` stands in the row, appended when new; in a full row its metric's "other", for which room is
  /// kept.
  template <class Entry>
  static std::uint32_t place_of(std::uint64_t key, Places& places, Word& count, Entry* entries,
                                std::uint32_t room) {
    const auto known = places.find(key);
    if (known != places.end()) return known->second;
    const std::uint64_t other = SeriesKey{SeriesKey::unpack(key).metric, 0, 0, 0}.packed();
    const std::uint64_t end = count.load(std::memory_order_relaxed);
    if (key != other && end + kMetrics.size() >= room) return place_of(other, places, count, entries, room);
    if (end >= room) return room - 1;  // only where the count was overwritten
    entries[end].key.store(key, std::memory_order_relaxed);
    count.store(end + 1, std::memory_order_release);
    places.emplace(key, static_cast<std::uint32_t>(end));
    return static_cast<std::uint32_t>(end);
  }

  const SeriesBlock& from_;
  SeriesBlock& to_;
  std::vector<Step> series_, histograms_;
};

Result<Layout*> map_layout(int fd, int protection) {
  void* at = ::mmap(nullptr, sizeof(Layout), protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (at == MAP_FAILED) return system_error(errno, "map statistics segment");
  return static_cast<Layout*>(at);
}

}  // namespace

SeriesKey SeriesKey::unpack(std::uint64_t packed) {
  return {static_cast<Metric>((packed >> 48) - 1), static_cast<std::uint16_t>(packed >> 32),
          static_cast<std::uint16_t>(packed >> 16), static_cast<std::uint16_t>(packed)};
}

Segment::Segment(Fd fd, Layout* layout)
    : fd_(std::move(fd)), layout_(layout), index_(std::make_unique<Index>(*layout)) {}

Segment::Segment(Segment&& other) noexcept
    : fd_(std::move(other.fd_)),
      layout_(std::exchange(other.layout_, nullptr)),
      index_(std::move(other.index_)) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(layout_, other.layout_);
  std::swap(index_, other.index_);
  return *this;
}

Segment::~Segment() {
  if (layout_ != nullptr) ::munmap(layout_, sizeof(Layout));
}

std::string_view phase_text(Phase phase) {
  switch (phase) {
    case Phase::Starting:
      return "starting";
    case Phase::Waiting:
      return "waiting";
    case Phase::Accepting:
      return "accepting";
    case Phase::Reading:
      return "reading";
    case Phase::Handling:
      return "handling";
    case Phase::Writing:
      return "writing";
    case Phase::Timers:
      return "timers";
    case Phase::Leaving:
      return "leaving";
  }
  return "";  // a broken worker wrote it
}

std::uint64_t layout_version() {
  return kLayoutVersion;
}

Result<Segment> Segment::create(const BucketBounds& bounds) {
  Result<Fd> fd = make_shared_memory("holdfast-statistics", sizeof(Layout), "the statistics");
  if (!fd) return fd.error();
  const auto mapped = map_layout(fd->get(), PROT_READ | PROT_WRITE);
  if (!mapped) return mapped.error();
  Layout& layout = **mapped;
  Segment segment(std::move(*fd), &layout);
  segment.index_->sites.intern("other");
  segment.index_->listeners.intern("other");
  segment.index_->certificates.intern("other");
  segment.index_->routes.intern("other");
  layout.states[kMasterSeat].slot.store(kMaxSlots);
  layout.states[kMasterSeat].pid.store(static_cast<std::uint64_t>(::getpid()));
  layout.states[kMasterSeat].started.store(wall_nanoseconds(std::chrono::system_clock::now()));
  layout.states[kMasterSeat].use.store(static_cast<std::uint64_t>(SeatUse::Ready));
  for (std::size_t i = 0; i < bounds.size(); ++i) layout.header.bucket_bounds[i].store(bounds[i]);
  layout.header.seats_used.store(1);
  layout.header.version.store(kLayoutVersion);
  layout.header.size.store(sizeof(Layout));
  layout.header.seats.store(kMaxSeats);
  layout.header.magic.store(kMagic);
  return segment;
}

Result<Segment> Segment::attach(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return system_error(errno, "look at statistics segment");
  if (status.st_size != static_cast<off_t>(sizeof(Layout)))
    return Error{ErrorKind::Unavailable, 0, "the statistics segment is not of this version of holdfast"};
  Fd own(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!own) return system_error(errno, "duplicate descriptor of statistics segment");
  auto mapped = map_layout(own.get(), PROT_READ | PROT_WRITE);
  // A descriptor opened for reading is enough for those who only look.
  if (!mapped) mapped = map_layout(own.get(), PROT_READ);
  if (!mapped) return mapped.error();
  Segment segment(std::move(own), *mapped);
  const Header& header = (*mapped)->header;
  if (header.magic.load() != kMagic || header.version.load() != kLayoutVersion ||
      header.size.load() != sizeof(Layout) || header.seats.load() != kMaxSeats)
    return Error{ErrorKind::Unavailable, 0, "the statistics segment is not of this version of holdfast"};
  return segment;
}

std::uint32_t Segment::claim_seat(std::uint32_t slot, std::uint64_t generation) {
  std::uint32_t seat = kMasterSeat + 1;
  while (seat < kMaxSeats && seat_state(seat).use.load() != static_cast<std::uint64_t>(SeatUse::Free)) ++seat;
  if (seat == kMaxSeats) return kNoSeat;
  clear_block(this->seat(seat).counters);
  clear_activity(this->seat(seat).activity);
  this->seat(seat).crash.clear();
  this->seat(seat).presence.clear();
  this->seat(seat).lines.clear();
  clear_declared(layout_->declared, this->seat(seat).declared);
  SeatState& state = seat_state(seat);
  state.pid.store(0);
  state.slot.store(slot);
  state.generation.store(generation);
  state.started.store(wall_nanoseconds(std::chrono::system_clock::now()));
  if (layout_->header.seats_used.load() <= seat) layout_->header.seats_used.store(seat + 1);
  // Readers that see the seat in use see it cleared and named.
  state.use.store(static_cast<std::uint64_t>(SeatUse::Starting), std::memory_order_release);
  return seat;
}

void Segment::set_seat_use(std::uint32_t seat, SeatUse use) {
  seat_state(seat).use.store(static_cast<std::uint64_t>(use), std::memory_order_release);
}

void Segment::set_seat_pid(std::uint32_t seat, std::uint64_t pid) {
  seat_state(seat).pid.store(pid);
}

void Segment::retire_seat(std::uint32_t seat) {
  SeatState& state = seat_state(seat);
  const auto use = static_cast<SeatUse>(state.use.load());
  if (seat == kMasterSeat || use == SeatUse::Free) return;
  free_claims(layout_->declared, seat);
  const std::uint64_t slot = std::min<std::uint64_t>(state.slot.load(), kMaxSlots - 1);
  auto& places = index_->retired[slot];
  if (!places) places = std::make_unique<Index::RetiredRow>();
  Fold fold(this->seat(seat).counters, layout_->retired[slot].block, places->series, places->histograms);

  Word& sequence = layout_->header.fold_sequence;
  const std::uint64_t even = sequence.load(std::memory_order_relaxed);
  sequence.store(even + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  layout_->header.slot_retired[slot].store(1, std::memory_order_relaxed);
  fold.add();
  fold_declared(layout_->declared, this->seat(seat).declared, layout_->declared_retired,
                use == SeatUse::Starting ? 0 : state.generation.load(std::memory_order_relaxed));
  state.use.store(static_cast<std::uint64_t>(SeatUse::Free), std::memory_order_relaxed);
  sequence.store(even + 2, std::memory_order_release);
}

std::uint16_t Segment::intern_site(std::string_view name) {
  return index_->sites.intern(name);
}
std::uint16_t Segment::intern_listener(std::string_view name) {
  return index_->listeners.intern(name);
}
std::uint16_t Segment::intern_certificate(std::string_view file) {
  return index_->certificates.intern(file);
}
std::uint16_t Segment::intern_route(std::string_view name) {
  return index_->routes.intern(name);
}

void Segment::note_reload(WallTime when, bool successful, std::string_view text) {
  stats::note_reload(layout_->header.reloads, wall_nanoseconds(when), successful, text);
}

void Segment::note_facts(std::string_view version, std::string_view config_file) {
  MasterNotes& notes = layout_->header.notes;
  store_text(notes.version, sizeof notes.version, version);
  store_text(notes.config_file, sizeof notes.config_file, config_file);
}

Seat& Segment::seat(std::uint32_t index) const {
  return layout_->seats[index].seat;
}
SeatState& Segment::seat_state(std::uint32_t index) const {
  return layout_->states[index];
}
SeriesBlock& Segment::retired(std::uint32_t slot) const {
  return layout_->retired[slot].block;
}
bool Segment::has_retired(std::uint32_t slot) const {
  return layout_->header.slot_retired[slot].load(std::memory_order_relaxed) != 0;
}
DeclaredTable& Segment::declared_table() const {
  return layout_->declared;
}
DeclaredBlock& Segment::declared_retired() const {
  return layout_->declared_retired;
}
std::uint32_t Segment::seats_used() const {
  return static_cast<std::uint32_t>(layout_->header.seats_used.load(std::memory_order_acquire));
}
std::uint16_t Segment::site_index(std::string_view name) const {
  return index_->sites.find(name);
}
std::uint16_t Segment::listener_index(std::string_view name) const {
  return index_->listeners.find(name);
}
std::string_view Segment::site_name(std::uint16_t index) const {
  return index_->sites.name(index);
}
std::string_view Segment::listener_name(std::uint16_t index) const {
  return index_->listeners.name(index);
}
std::string_view Segment::certificate_name(std::uint16_t index) const {
  return index_->certificates.name(index);
}
std::string_view Segment::route_name(std::uint16_t index) const {
  return index_->routes.name(index);
}
std::uint32_t Segment::site_count() const {
  return index_->sites.count();
}
std::uint32_t Segment::listener_count() const {
  return index_->listeners.count();
}
const Word& Segment::fold_sequence() const {
  return layout_->header.fold_sequence;
}
BucketBounds Segment::bucket_bounds() const {
  BucketBounds bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i)
    bounds[i] = layout_->header.bucket_bounds[i].load(std::memory_order_relaxed);
  return bounds;
}

MasterNotes& Segment::notes() const {
  return layout_->header.notes;
}
DeathNotes& Segment::deaths() const {
  return layout_->header.deaths;
}
ReloadNotes& Segment::reloads() const {
  return layout_->header.reloads;
}
TotalsHistory& Segment::history() const {
  return layout_->history;
}
FuseTable& Segment::fuses() const {
  return layout_->header.fuses;
}

}  // namespace holdfast::stats
