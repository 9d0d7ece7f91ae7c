#include "common/stats/declared_reader.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "common/stats/consistent_read.h"

namespace holdfast::stats {
namespace {

template <std::size_t Room>
std::string text_of(const char (&text)[Room]) {
  return {text, ::strnlen(text, Room)};
}

struct Reading {
  std::uint32_t place = 0;
  DeclaredExtent extent;
  DeclaredFamily family;  // without series
  std::uint64_t served = 0;

  bool same_shape(const Reading& other) const {
    return family.kind == other.family.kind && family.labels == other.family.labels &&
           family.bounds == other.family.bounds;
  }
};

std::optional<Reading> read_place(const DeclaredTable& table, std::uint32_t place) {
  const auto extent = extent_of(table, place);
  if (!extent) return std::nullopt;
  const StoredDeclaration& stored = table.declarations[place];
  Reading reading{place, *extent, {}, table.served[place].load(std::memory_order_relaxed)};
  reading.family.kind = static_cast<Kind>(stored.kind.load(std::memory_order_relaxed));
  reading.family.name = text_of(stored.name);
  reading.family.help = text_of(stored.help);
  for (const auto& label : stored.labels)
    if (label[0] != '\0') reading.family.labels.push_back(text_of(label));
  if (reading.family.kind == Kind::Histogram)
    reading.family.bounds.assign(stored.bounds, stored.bounds + extent->width - 2);
  return reading;
}

class Reader {
 public:
  explicit Reader(const Segment& segment) : segment_(segment), table_(segment.declared_table()) {}

  std::vector<DeclaredFamily> read() {
    std::map<std::string, std::vector<Reading>> by_name;
    for (std::uint32_t place = 0; place < kMaxDeclared; ++place)
      if (auto reading = read_place(table_, place))
        by_name[reading->family.name].push_back(std::move(*reading));
    if (by_name.empty()) return {};
    find_seats();
    std::vector<DeclaredFamily> families;
    for (auto& [name, readings] : by_name) families.push_back(family_of(readings));
    return families;
  }

 private:
  struct LiveSeat {
    const DeclaredBlock* block;
    std::uint64_t generation;  // 0: it does not serve yet
  };

  void find_seats() {
    const std::uint32_t seats = segment_.seats_used();
    for (std::uint32_t seat = 0; seat < seats; ++seat) {
      const SeatState& state = segment_.seat_state(seat);
      const auto use = static_cast<SeatUse>(state.use.load(std::memory_order_acquire));
      if (use == SeatUse::Free) continue;
      const std::uint64_t generation =
          use == SeatUse::Starting ? 0 : state.generation.load(std::memory_order_relaxed);
      live_.push_back({&segment_.seat(seat).declared, generation});
    }
  }

  DeclaredFamily family_of(std::vector<Reading>& readings) const {
    for (Reading& reading : readings)
      for (const LiveSeat& seat : live_)
        if (seat.block->has(reading.place)) reading.served = std::max(reading.served, seat.generation);
    // Of equals the one that came last.
    const auto newest =
        std::max_element(readings.rbegin(), readings.rend(),
                         [](const Reading& a, const Reading& b) { return a.served < b.served; });
    DeclaredFamily family = newest->family;
    for (const Reading& reading : readings)
      if (reading.same_shape(*newest)) add(family, reading);
    return family;
  }

  void add(DeclaredFamily& family, const Reading& reading) const {
    add_block(family, reading, segment_.declared_retired());
    for (const LiveSeat& seat : live_) add_block(family, reading, *seat.block);
  }

  void add_block(DeclaredFamily& family, const Reading& reading, const DeclaredBlock& block) const {
    if (!block.has(reading.place)) return;
    for (std::uint32_t set = 0; set < reading.extent.sets; ++set) {
      const bool labelled = reading.extent.sets > 1;
      const bool other = labelled && set == 0;
      const Word* const words = &block.words[reading.extent.of_set(set)];
      if (other ? !is_used(words, reading.extent.width) : labelled && !is_named(reading.place, set)) continue;
      add_words(family, words, family.series[values_of(reading, set)]);
    }
  }

  static bool is_used(const Word* words, std::uint32_t width) {
    return std::any_of(words, words + width, [](const Word& word) { return word.load() != 0; });
  }
  bool is_named(std::uint32_t place, std::uint32_t set) const {
    return table_.label_states[place][set - 1].load(std::memory_order_acquire) == kPublished;
  }

  std::array<std::string, 3> values_of(const Reading& reading, std::uint32_t set) const {
    std::array<std::string, 3> values{text_of(table_.declarations[reading.place].route)};
    for (std::size_t i = 0; i < reading.family.labels.size(); ++i)
      values[i + 1] = set == 0 ? "other" : text_of(table_.labels[reading.place][set - 1].values[i]);
    return values;
  }

  static void add_words(const DeclaredFamily& family, const Word* words, DeclaredSum& sum) {
    sum.value += as_double(words[0]);
    if (family.kind != Kind::Histogram) return;
    sum.buckets.resize(family.bounds.size() + 1);
    for (std::size_t i = 0; i < sum.buckets.size(); ++i)
      sum.buckets[i] += words[i + 1].load(std::memory_order_relaxed);
  }

  const Segment& segment_;
  const DeclaredTable& table_;
  std::vector<LiveSeat> live_;
};

}  // namespace

std::vector<DeclaredFamily> read_declared(const Segment& segment) {
  std::vector<DeclaredFamily> families;
  read_consistently(segment.fold_sequence(), [&] { families = Reader(segment).read(); });
  return families;
}

}  // namespace holdfast::stats
