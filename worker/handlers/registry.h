// Configuration of a route -> its handler. The one place that knows every built-in handler; a new one is a file
// pair and a line in registry.cpp.
#pragma once

#include <memory>
#include <vector>

#include "common/api/handler.h"
#include "common/api/work.h"
#include "common/result.h"
#include "common/stats/worker_stats.h"
#include "config/config.h"
#include "worker/broker/brokers.h"
#include "worker/http/packer.h"

namespace holdfast::handlers {

class FileCache;
class ChatHub;

/// What handlers of one worker share.
class Shared {
 public:
  /// What handlers may use of the worker; all of it outlives them, and nothing of it needs to be there.
  struct Means {
    http::Packer* packer = nullptr;       // null: nothing is packed
    api::WorkPool* pool = nullptr;        // null: all is done at once
    stats::WorkerStats* stats = nullptr;  // null: nothing is counted
    broker::Brokers* brokers = nullptr;   // null: chats are of this process alone
  };
  explicit Shared(const Means& means);
  Shared() : Shared(Means{}) {}
  ~Shared();
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  FileCache& files() { return *files_; }
  http::Packer* packer() { return packer_; }
  /// Of all routes whose chats have the same broker.
  ChatHub& chats(const config::ChatAction& action);

 private:
  struct Chats;
  std::unique_ptr<FileCache> files_;
  stats::WorkerStats* const stats_;
  broker::Brokers* const brokers_;
  std::vector<Chats> chats_;
  http::Packer* const packer_;
};

/// Makes the handler of a route of the site with that name, opening what it needs (document root). Fails with a
/// message that names the path. Actions that are not of this folder (admin/, modules/) answer a null pointer.
Result<std::unique_ptr<api::Handler>> make_handler(const config::Route& route, const std::string& site,
                                                   Shared& shared);

}  // namespace holdfast::handlers
