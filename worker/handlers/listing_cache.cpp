#include "worker/handlers/listing_cache.h"

#include <algorithm>

namespace holdfast::handlers {

RenderedListing* ListingCache::find(const Key& key, TimePoint now) {
  const auto known = std::find_if(known_.begin(), known_.end(), [&](const Known& one) { return one.is(key); });
  return known == known_.end() || now >= known->made_at + limits_.age ? nullptr : known->listing;
}

RenderedListing& ListingCache::keep(const Key& key, std::string text, TimePoint now) {
  const auto same = std::find_if(known_.begin(), known_.end(), [&](const Known& one) { return one.is(key); });
  if (same != known_.end()) remove(static_cast<std::size_t>(same - known_.begin()));
  bytes_ += text.size();
  auto* const listing = new RenderedListing(std::move(text));
  known_.push_back({key.tree, key.json, std::string(key.path), now, listing, listing->hold()});
  while (known_.size() > 1 && (known_.size() > limits_.listings || bytes_ > limits_.bytes)) remove(0);
  return *listing;
}

void ListingCache::remove(std::size_t at) {
  bytes_ -= known_[at].listing->text().size();
  known_.erase(known_.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace holdfast::handlers
