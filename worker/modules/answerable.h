// What a handler has done elsewhere, in a thread or by another server, goes on in the loop without its exchange
// at hand. Each piece remembers for which request it was begun, so that a crash in it is blamed on the right
// route.
#pragma once

#include <memory>

#include "common/api/fetch.h"
#include "common/api/work.h"
#include "common/stats/stats_segment.h"

namespace holdfast::modules {

/// The pool as handlers see it. What is submitted is for the request that the worker works at.
class AnswerablePool final : public api::WorkPool {
 public:
  /// Both outlive it, and what is submitted.
  AnswerablePool(api::WorkPool& pool, stats::Activity& activity) : pool_(pool), activity_(activity) {}
  [[nodiscard]] bool submit(std::unique_ptr<api::Work> work) override;

 private:
  api::WorkPool& pool_;
  stats::Activity& activity_;
};

/// The client as handlers see it; likewise.
class AnswerableClient final : public api::HttpClient {
 public:
  /// Both outlive it, and what is started.
  AnswerableClient(api::HttpClient& client, stats::Activity& activity) : client_(client), activity_(activity) {}
  [[nodiscard]] std::unique_ptr<api::OutgoingCall> start(const api::OutgoingRequest& request,
                                                         api::CallListener& listener) override;

 private:
  api::HttpClient& client_;
  stats::Activity& activity_;
};

}  // namespace holdfast::modules
