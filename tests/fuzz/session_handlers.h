// Handlers of every kind that a session under fuzzing serves, chosen by the first letter of the path: files,
// echoes with little credit, sources, late answers, throwers.
#pragma once

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/unlinked_file.h"
#include "tests/unit/worker/http1/session_harness.h"

namespace holdfast::fuzz {

using http1::TextSource;

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline std::vector<api::Exchange*> waiting;

/// Sends the body back while it comes, in small parts.
class Mirror final : public api::ExchangeState, public api::BodySink, public api::BodySource {
 public:
  explicit Mirror(api::Exchange& exchange) : exchange_(exchange) {}
  void on_body(std::span<const std::byte> bytes) override {
    held_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    require(held_.size() <= 7);
    exchange_.body_ready();
  }
  void on_body_end() override {
    ended_ = true;
    exchange_.body_ready();
  }
  api::Pulled read(std::span<std::byte> room) override {
    const std::size_t size = std::min(room.size(), held_.size());
    std::memcpy(room.data(), held_.data(), size);
    held_.erase(0, size);
    if (ended_ && held_.empty()) return {size, api::Pull::End};
    if (size == 0) return {0, api::Pull::Later};
    if (!ended_) exchange_.grant(size);
    return {size, api::Pull::More};
  }

 private:
  api::Exchange& exchange_;
  std::string held_;
  bool ended_ = false;
};

class Waiting final : public api::ExchangeState {
 public:
  explicit Waiting(api::Exchange& exchange) : exchange_(exchange) { waiting.push_back(&exchange); }
  ~Waiting() override { std::erase(waiting, &exchange_); }

 private:
  api::Exchange& exchange_;
};

/// Waits until another of its kind ends, as members of a chat room hear of each other.
class Kin final : public api::ExchangeState, public api::BodySource {
 public:
  explicit Kin(api::Exchange& exchange) : exchange_(exchange) { all_.push_back(this); }
  ~Kin() override {
    std::erase(all_, this);
    for (Kin* const other : all_) other->tell();
  }
  static void tell_the_oldest() {
    if (!all_.empty()) all_.front()->tell();
  }
  api::Pulled read(std::span<std::byte> room) override {
    if (!told_ || room.empty()) return {0, api::Pull::Later};
    room[0] = std::byte{'k'};
    return {1, api::Pull::End};
  }

 private:
  void tell() {
    told_ = true;
    exchange_.body_ready();
  }

  static inline std::vector<Kin*> all_;
  api::Exchange& exchange_;
  bool told_ = false;
};

inline void handle(api::Exchange& exchange) {
  static const support::UnlinkedFile file(600'000);
  const std::string_view path = exchange.request().path;
  switch (path.size() > 1 ? path[1] : 'i') {
    case 'f':
      return exchange.respond({200, {}}, api::Body::file(file.fd(), 0, file.size(), nullptr));
    case 'm': {
      auto owned = std::make_unique<Mirror>(exchange);
      Mirror& mirror = *owned;
      exchange.attach(std::move(owned));
      exchange.receive_body(mirror, 7);
      return exchange.respond({200, {}}, api::Body::stream(mirror, exchange.request().content_length));
    }
    case 's': {
      auto owned = std::make_unique<TextSource>(std::string(300'000, 's'), 5000);
      TextSource& source = *owned;
      exchange.attach(std::move(owned));
      return exchange.respond({200, {}}, api::Body::stream(source));
    }
    case 'k': {
      auto owned = std::make_unique<Kin>(exchange);
      Kin& kin = *owned;
      exchange.attach(std::move(owned));
      return exchange.respond({200, {}}, api::Body::stream(kin));
    }
    case 'w':
      return exchange.attach(std::make_unique<Waiting>(exchange));
    case 't':
      throw std::runtime_error("thrown");
    case 'n':
      return exchange.respond({304, {}}, api::Body::none());
    default:
      return exchange.respond({200, {}}, api::Body::copy(std::string(path)));
  }
}

/// The oldest of those that answer late.
inline void answer_waiting() {
  Kin::tell_the_oldest();
  if (waiting.empty()) return;
  api::Exchange* const first = waiting.front();
  waiting.erase(waiting.begin());
  first->respond({200, {}}, api::Body::copy(std::string(300'000, 'w')));
}

}  // namespace holdfast::fuzz
