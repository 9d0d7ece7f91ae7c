#include "worker/handlers/listings.h"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include "worker/handlers/directory_index.h"
#include "worker/http/accept.h"

namespace holdfast::handlers {
namespace {

using api::Field;

void answer(api::Exchange& exchange, bool json, RenderedListing& listing) {
  const std::array<Field, 2> fields{
      {{"Content-Type", json ? "application/json" : "text/html; charset=utf-8"}, {"Vary", "Accept"}}};
  exchange.respond({200, fields}, api::Body::held(listing.text(), listing.hold()));
}

void refuse(api::Exchange& exchange, ErrorKind why) {
  constexpr Field kRetry[] = {{"Retry-After", "1"}};
  if (why == ErrorKind::Permission) return exchange.fail(403);
  exchange.fail(503, kRetry);
}

}  // namespace

/// The state of an exchange that waits; gone with it when the client leaves.
class Listings::Waiter final : public api::ExchangeState {
 public:
  Waiter(Rendering& rendering, api::Exchange& exchange) : rendering_(&rendering), exchange_(exchange) {}
  ~Waiter() override;
  /// Nobody waits for it any more; the exchange may now be answered.
  api::Exchange& release() {
    rendering_ = nullptr;
    return exchange_;
  }

 private:
  Rendering* rendering_;
  api::Exchange& exchange_;
};

/// Has all that it needs of its own: the root may be replaced and requests may end while it runs.
class Listings::Rendering final : public api::Work {
 public:
  Rendering(Listings& owner, const ListingCache::Key& key, DocumentRoot root, Fd directory, TimePoint now)
      : owner_(owner),
        tree_(key.tree),
        json_(key.json),
        path_(key.path),
        root_(std::move(root)),
        directory_(std::move(directory)),
        started_at_(now) {}

  ListingCache::Key key() const { return {tree_, json_, path_}; }
  TimePoint started_at() const { return started_at_; }
  bool is(const ListingCache::Key& key) const {
    return tree_ == key.tree && json_ == key.json && path_ == key.path;
  }

  void run() noexcept override {
    try {
      const Result<Listing> listing = list_directory(std::move(directory_), root_, path_);
      if (listing)
        text_ = json_ ? listing_json(*listing, path_) : listing_html(*listing, path_);
      else
        text_ = listing.error();
    } catch (const std::exception&) {
      // Out of memory: it stays as it was preset.
    }
  }
  void done() override { owner_.on_rendered(*this, std::move(text_)); }

  std::vector<Waiter*> waiters;  // the loop's thread only

 private:
  Listings& owner_;
  const std::uint32_t tree_;
  const bool json_;
  const std::string path_;
  const DocumentRoot root_;
  Fd directory_;
  const TimePoint started_at_;
  Result<std::string> text_ = Error{ErrorKind::Unavailable, 0, "not rendered"};
};

Listings::Waiter::~Waiter() {
  if (rendering_) std::erase(rendering_->waiters, this);
}

void Listings::send(api::Exchange& exchange, std::uint32_t tree, const DocumentRoot& root, Fd directory) {
  const api::Request& request = exchange.request();
  const bool json = http::prefers_json(request.field("Accept").value_or(std::string_view()));
  const ListingCache::Key key{tree, json, request.path};
  if (RenderedListing* const listing = cache_.find(key, exchange.now()))
    return answer(exchange, json, *listing);
  const auto same = std::find_if(renderings_.begin(), renderings_.end(),
                                 [&](const Rendering* rendering) { return rendering->is(key); });
  if (same != renderings_.end()) return wait_for(**same, exchange);
  std::optional<DocumentRoot> own = root.duplicate();
  if (!own || renderings_.size() >= kMostAtOnce) return refuse(exchange, ErrorKind::Unavailable);
  auto rendering =
      std::make_unique<Rendering>(*this, key, *std::move(own), std::move(directory), exchange.now());
  Rendering& started = *rendering;
  if (pool_ && !pool_->submit(std::move(rendering))) return refuse(exchange, ErrorKind::Unavailable);
  renderings_.push_back(&started);
  wait_for(started, exchange);
  if (pool_) return;
  started.run();
  started.done();
}

void Listings::wait_for(Rendering& rendering, api::Exchange& exchange) {
  auto waiter = std::make_unique<Waiter>(rendering, exchange);
  rendering.waiters.push_back(waiter.get());
  exchange.attach(std::move(waiter));
}

void Listings::on_rendered(Rendering& rendering, Result<std::string> text) {
  std::erase(renderings_, &rendering);
  RenderedListing* listing = nullptr;
  const ErrorKind why = text ? ErrorKind::Internal : text.error().kind;
  if (text) listing = &cache_.keep(rendering.key(), *std::move(text), rendering.started_at());
  const api::BodyHold hold = listing ? listing->hold() : nullptr;
  // One by one: an answer may end other exchanges.
  while (!rendering.waiters.empty()) {
    api::Exchange& exchange = rendering.waiters.back()->release();
    rendering.waiters.pop_back();
    if (listing)
      answer(exchange, rendering.key().json, *listing);
    else
      refuse(exchange, why);
  }
}

}  // namespace holdfast::handlers
