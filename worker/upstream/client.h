// The worker's api::HttpClient: what its calls share, and how many there may be. Everything happens in the
// loop's thread but for the lookup of names.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/api/fetch.h"
#include "common/api/work.h"
#include "common/result.h"
#include "worker/loop/event_loop.h"
#include "worker/net/tls_outgoing.h"
#include "worker/upstream/idle_pool.h"
#include "worker/upstream/resolver.h"

namespace holdfast::upstream {

class Call;

class Client final : public api::HttpClient, private loop::Deferred {
 public:
  struct Limits {
    std::size_t calls = 1024;  // at once
    IdlePool::Limits idle{};
    Resolver::Keep names{};
  };

  /// `lookups` is where names are looked up, which blocks its threads. Both outlive the client, which outlives
  /// all handles.
  Client(loop::EventLoop& loop, api::WorkPool& lookups, const Limits& limits);
  Client(loop::EventLoop& loop, api::WorkPool& lookups) : Client(loop, lookups, Limits{}) {}
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] std::unique_ptr<api::OutgoingCall> start(const api::OutgoingRequest& request,
                                                         api::CallListener& listener) override;
  /// Calls that are under way.
  std::size_t calls() const { return calls_; }

  // -- for calls
  loop::EventLoop& loop() { return loop_; }
  Resolver& resolver() { return resolver_; }
  IdlePool& idle() { return idle_; }
  /// What one call reads into at a time.
  std::span<std::byte> room() { return *room_; }
  /// Whether one more may begin; it is counted until release().
  bool admit();
  void release() { --calls_; }
  /// Of a PEM file; empty: the system's. Read when it is first asked for, and kept.
  Result<const net::TlsAuthorities*> authorities(const std::string& file);

 private:
  class Handle;
  void retire(std::unique_ptr<Call> call);
  void on_deferred() override;

  static constexpr std::size_t kRoom = std::size_t{64} * 1024;
  static constexpr std::size_t kMostAuthorities = 64;

  loop::EventLoop& loop_;
  const Limits limits_;
  std::size_t calls_ = 0;
  // Sessions of kept connections refer to these.
  std::map<std::string, std::unique_ptr<net::TlsAuthorities>> authorities_;
  Resolver resolver_;
  IdlePool idle_;
  std::unique_ptr<std::array<std::byte, kRoom>> room_;
  std::vector<std::unique_ptr<Call>> retired_;  // until the end of the turn
};

/// Where no call is ever made: the process of `holdfast check`, which has no loop.
class NoClient final : public api::HttpClient {
 public:
  [[nodiscard]] std::unique_ptr<api::OutgoingCall> start(const api::OutgoingRequest& request,
                                                         api::CallListener& listener) override;
};

}  // namespace holdfast::upstream
