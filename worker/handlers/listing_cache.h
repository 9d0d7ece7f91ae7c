// Listings as they were rendered a moment ago: a directory with thousands of names costs its look-up once a
// second and not for each request. Names, sizes and times in it are never older than that. Bounded by number
// and bytes. Owned by the file cache; listings outlive it while bodies hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/api/body.h"
#include "common/clock.h"

namespace holdfast::handlers {

/// Counted by hand, as entries of files are.
class RenderedListing final : public api::BodyOwner {
 public:
  explicit RenderedListing(std::string text) : text_(std::move(text)) {}
  std::string_view text() const { return text_; }
  api::BodyHold hold() {
    ++references_;
    return api::BodyHold(this);
  }
  void release() noexcept override {
    if (--references_ == 0) delete this;
  }

 private:
  ~RenderedListing() = default;
  const std::string text_;
  std::uint32_t references_ = 0;
};

class ListingCache {
 public:
  struct Limits {
    std::size_t listings = 32;
    std::size_t bytes = std::size_t{8} << 20;
    // A little under a second, for loop turns that come late.
    Duration age = std::chrono::milliseconds(950);
  };
  struct Key {
    std::uint32_t tree;
    bool json;
    std::string_view path;
  };

  ListingCache() : ListingCache(Limits{}) {}
  explicit ListingCache(const Limits& limits) : limits_(limits) {}

  /// Null when there is none, or an older one only. Valid until the next keep(); hold() to keep it longer.
  RenderedListing* find(const Key& key, TimePoint now);
  /// The oldest make room for it.
  RenderedListing& keep(const Key& key, std::string text, TimePoint now);

  std::size_t size() const { return known_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Known {
    std::uint32_t tree;
    bool json;
    std::string path;
    TimePoint made_at;
    RenderedListing* listing;
    api::BodyHold hold;

    bool is(const Key& key) const { return tree == key.tree && json == key.json && path == key.path; }
  };

  void remove(std::size_t at);

  const Limits limits_;
  std::vector<Known> known_;  // oldest first
  std::size_t bytes_ = 0;
};

}  // namespace holdfast::handlers
