// Configuration of a route -> its handler. The one place that knows every built-in handler; a new one is a file
// pair and a line in registry.cpp.
#pragma once

#include <memory>

#include "common/api/handler.h"
#include "common/result.h"
#include "config/config.h"

namespace holdfast::handlers {

class FileCache;

/// What handlers of one worker share.
class Shared {
 public:
  Shared();
  ~Shared();
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  FileCache& files() { return *files_; }

 private:
  std::unique_ptr<FileCache> files_;
};

/// Makes the handler of a route, opening what it needs (document root). Fails with a message that names the
/// path. Actions that are not of this folder (status, metrics, health: admin/) answer a null pointer.
Result<std::unique_ptr<api::Handler>> make_handler(const config::Route& route, Shared& shared);

}  // namespace holdfast::handlers
