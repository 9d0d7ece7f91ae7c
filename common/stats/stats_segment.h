// The shared memory segment: one anonymous memory file, mapped by the master before the first fork and
// inherited by all.
//
// Byte map (every part starts on a page; untouched pages cost nothing, the file is sparse):
//   Header       magic, version, size, seats, fold sequence, master's notes, run-time facts
//   Names        names of sites, listeners, certificates and routes, append-only, written by the master; an
//   index never changes its meaning SeatState[]  one cache line a seat: claimed or free, pid, slot, generation,
//   role (written by the master) Seat[]       one a worker process: series directory, histogram directory,
//   activity, crash record, rooms of chats, log lines (written by that worker only) Retired[]    one a slot:
//   the same directories, holding what dead processes of the slot had counted (master only) Declared     the
//   metrics that modules declare (declared_layout.h), written by workers; what was counted there stands in the
//   seats, and of dead processes in one block of its own
// Seat 0 belongs to the master itself and is never folded.
//
// There are no locks. Every word has exactly one writer at a time; words are std::atomic<std::uint64_t> with
// relaxed order, a directory's length is published with release, and folding a dead seat into its slot's
// retired row happens between two steps of the fold sequence, so that a reader never sees a counter fall: it
// retries.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/fd.h"
#include "common/result.h"
#include "common/stats/crash_record.h"
#include "common/stats/death_notes.h"
#include "common/stats/declared_layout.h"
#include "common/stats/fuse_table.h"
#include "common/stats/kept_lines.h"
#include "common/stats/metric_table.h"
#include "common/stats/presence.h"
#include "common/stats/word.h"
#include "common/stats/work_note.h"

namespace holdfast::stats {

inline constexpr std::uint32_t kMaxSlots = 257;  // 256 workers and the admin process
inline constexpr std::uint32_t kAdminSlot = 256;
inline constexpr std::uint32_t kMaxSeats = 1600;
inline constexpr std::uint32_t kMasterSeat = 0;
// Room for 10,000 sites in each seat and row: what does not fit is counted as "other", and a worker may have
// had room for a series that its slot's row has not. The file is sparse, so that only what is used takes
// memory.
inline constexpr std::uint32_t kMaxSeries = 32768;  // counters and gauges
inline constexpr std::uint32_t kMaxHistograms = 12288;
inline constexpr std::uint32_t kMaxSites = 16384;
inline constexpr std::uint32_t kMaxListeners = 1024;
inline constexpr std::uint32_t kMaxCertificates = 8192;
inline constexpr std::uint32_t kMaxRoutes = 1024;  // only those that were fused have a name here
inline constexpr std::uint32_t kNoSeat = 0xffffffff;

/// A series' identity in a directory: the metric and its label values (Worker is implied by the seat).
struct SeriesKey {
  Metric metric{};
  std::uint16_t a = 0, b = 0, c = 0;
  std::uint64_t packed() const {
    // The metric is stored plus one so that a packed key is never 0.
    return (std::uint64_t{static_cast<std::uint8_t>(metric)} + 1) << 48 | std::uint64_t{a} << 32 |
           std::uint64_t{b} << 16 | c;
  }
  static SeriesKey unpack(std::uint64_t packed);
  /// False for what is no key: a word that is just being cleared, or one that a broken process has overwritten.
  static bool valid(std::uint64_t packed) {
    return packed >> 48 >= 1 && packed >> 48 <= static_cast<std::uint64_t>(Metric::kCount);
  }
};

struct SeriesEntry {
  Word key;
  Word value;
};
struct HistogramEntry {
  Word key;
  Word sum;                                // nanoseconds
  Word buckets[kBucketBounds.size() + 1];  // not cumulative; the last is +Inf
};

/// One seat's or one retired row's counters.
struct SeriesBlock {
  alignas(64) Word series_count;
  Word histogram_count;
  alignas(64) SeriesEntry series[kMaxSeries];
  alignas(64) HistogramEntry histograms[kMaxHistograms];
};

enum class Phase : std::uint8_t { Starting, Waiting, Accepting, Reading, Handling, Writing, Timers, Leaving };

/// "handling", for logs and pages.
std::string_view phase_text(Phase phase);

/// What a worker is doing, for the line that is logged when it dies or hangs.
struct Activity {
  alignas(64) Word beat;  // pieces of work begun so far: turns of the event loop, events, requests
  Word stamp;             // steady clock, nanoseconds, at the start of the current turn
  Word phase;             // Phase
  Word connections;       // open now
  WorkNote work;          // of the event loop

  /// Another piece of work begins.
  void step() { beat.store(beat.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
};

struct Seat {
  SeriesBlock counters;
  Activity activity;
  CrashRecord crash;
  DeclaredBlock declared;
  PresenceBlock presence;
  KeptLines lines;
};

enum class SeatUse : std::uint8_t { Free, Starting, Ready, Draining };

struct alignas(64) SeatState {
  Word use;  // SeatUse
  Word pid;
  Word slot;
  Word generation;
  Word started;  // wall clock, nanoseconds since 1970
};

/// What the master tells readers in words: the outcome of the last reload.
struct MasterNotes {
  Word sequence;        // odd while the text is being written
  Word last_reload_at;  // wall clock nanoseconds; 0: never reloaded
  Word last_reload_ok;
  char last_reload_text[4000];  // empty, or the reasons of a refusal, one a line
  char version[64];
  char config_file[512];
};

struct Layout;  // the mapped bytes; known to stats_segment.cpp only

/// Two programs can share a segment when this is the same for both.
std::uint64_t layout_version();

/// Owner of the mapping. Copied by fork, unmapped by the destructor. Only the master calls the functions marked
/// so.
class Segment {
 public:
  /// Makes the memory file and maps it (master, before the first fork); seat 0 is the calling process.
  static Result<Segment> create(const BucketBounds& bounds = kBucketBounds);
  /// Maps a segment that another process made; fails when magic, version or size differ. `fd` stays the
  /// caller's; one opened for reading gives a segment that may only be read.
  static Result<Segment> attach(int fd);
  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) noexcept;
  ~Segment();

  int fd() const { return fd_.get(); }

  // -- master only
  /// Takes a free seat and clears it; kNoSeat when all are taken.
  std::uint32_t claim_seat(std::uint32_t slot, std::uint64_t generation);
  void set_seat_use(std::uint32_t seat, SeatUse use);
  void set_seat_pid(std::uint32_t seat, std::uint64_t pid);
  /// Adds a dead process's counters and histograms to its slot's retired row and frees the seat; gauges vanish.
  void retire_seat(std::uint32_t seat);
  /// The index of a site's or listener's name or a certificate's file, the same for the life of the segment;
  /// appends when new. A full table answers the index of "other", which is always 0.
  std::uint16_t intern_site(std::string_view name);
  std::uint16_t intern_listener(std::string_view name);
  std::uint16_t intern_certificate(std::string_view file);
  std::uint16_t intern_route(std::string_view name);
  void note_reload(WallTime when, bool successful, std::string_view text);
  void note_facts(std::string_view version, std::string_view config_file);

  // -- everybody
  Seat& seat(std::uint32_t index) const;
  SeatState& seat_state(std::uint32_t index) const;
  SeriesBlock& retired(std::uint32_t slot) const;
  /// Readers ask these first: pages of seats and rows that were never used stay untouched.
  std::uint32_t seats_used() const;
  bool has_retired(std::uint32_t slot) const;
  /// Metrics of modules, and what dead workers have counted of them.
  DeclaredTable& declared_table() const;
  DeclaredBlock& declared_retired() const;
  /// Looks a name up that the master has interned; 0 ("other") when it has not.
  std::uint16_t site_index(std::string_view name) const;
  std::uint16_t listener_index(std::string_view name) const;
  std::string_view site_name(std::uint16_t index) const;
  std::string_view listener_name(std::uint16_t index) const;
  std::string_view certificate_name(std::uint16_t index) const;
  std::string_view route_name(std::uint16_t index) const;
  std::uint32_t site_count() const;
  std::uint32_t listener_count() const;
  /// Even when no fold is under way; readers compare before and after.
  const Word& fold_sequence() const;
  /// Of its histograms.
  BucketBounds bucket_bounds() const;
  MasterNotes& notes() const;
  DeathNotes& deaths() const;
  FuseTable& fuses() const;

 private:
  struct Index;
  Segment(Fd fd, Layout* layout);

  Fd fd_;
  Layout* layout_ = nullptr;
  std::unique_ptr<Index> index_;  // this process's own; made from the mapping
};

}  // namespace holdfast::stats
