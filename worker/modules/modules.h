// Handlers from shared objects. A module is opened once a process and never closed: what it has left in the
// process (threads' exit functions, type information) may be needed until the end.
#pragma once

#include <memory>
#include <vector>

#include "common/api/module.h"
#include "common/result.h"
#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/modules/answerable.h"
#include "worker/modules/route_metrics.h"

namespace holdfast::modules {

class RouteSetup;

/// Where no work is ever done.
class NoPool final : public api::WorkPool {
 public:
  bool submit(std::unique_ptr<api::Work> /*work*/) override { return false; }
};

class Modules {
 public:
  /// All outlive the handlers. What the worker does, in `stats`, tells which module was being opened, should
  /// that end the process.
  Modules(api::WorkPool& pool, api::HttpClient& http, stats::WorkerStats& stats);
  ~Modules();
  Modules(const Modules&) = delete;
  Modules& operator=(const Modules&) = delete;

  /// Opens the module, checks that it was built for this server, reads the settings, makes the handler. Every
  /// problem is a line of the error's message, with its place in the configuration. This outlives the handler.
  Result<std::unique_ptr<api::Handler>> make_handler(const config::Route& route,
                                                     const config::ModuleAction& action);

 private:
  AnswerablePool pool_;
  AnswerableClient http_;
  stats::Activity& activity_;
  DeclaredNames metrics_;
  std::vector<std::unique_ptr<RouteSetup>> setups_;
};

}  // namespace holdfast::modules
