#include "worker/modules/modules.h"

#include <dlfcn.h>

#include <cstring>
#include <exception>
#include <string>
#include <utility>

#include "common/log.h"
#include "config/module_settings.h"

namespace holdfast::modules {
namespace {

Error wrong(std::string text) {
  return {ErrorKind::Configuration, 0, std::move(text)};
}

Error wrong(const config::ModuleAction& action, const std::string& problem) {
  return wrong(config::Problem{action.place, "module " + action.file + ": " + problem}.text());
}

Error wrong(const std::vector<config::Problem>& problems) {
  std::string lines;
  for (const config::Problem& problem : problems) lines += (lines.empty() ? "" : "\n") + problem.text();
  return wrong(std::move(lines));
}

/// The linker's own words, without the file's name, which stands before them anyway.
std::string reason_of_linker(const std::string& file) {
  const char* const words = ::dlerror();
  std::string reason = words == nullptr ? "cannot be opened" : words;
  if (reason.starts_with(file + ": ")) reason.erase(0, file.size() + 2);
  return reason;
}

Result<const api::Module*> open_module(const config::ModuleAction& action) {
  void* const library = ::dlopen(action.file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return wrong(action, reason_of_linker(action.file));
  const auto* const module = static_cast<const api::Module*>(::dlsym(library, api::kModuleSymbol));
  if (module == nullptr)
    return wrong(action, "is no module of holdfast: it does not hold HOLDFAST_MODULE(...)");
  if (module->interface != api::kInterface)
    return wrong(action, "was built for interface " + std::to_string(module->interface) + ", this server has " +
                             std::to_string(api::kInterface) +
                             ": build it again with the headers of this version");
  if (std::strcmp(module->abi, api::kAbi) != 0)
    return wrong(action, std::string("was built with ") + module->abi + ", this server with " + api::kAbi +
                             ": build it with the same C++ library");
  return module;
}

class RouteLog final : public api::Log {
 public:
  explicit RouteLog(std::string_view route) : route_(route) {}
  void write(Level level, std::string_view event, std::span<const Field> fields) override {
    const auto as = static_cast<LogLevel>(level);
    if (!log().enabled(as)) return;
    std::vector<LogField> all{{"route", route_}};
    for (const Field& field : fields) all.emplace_back(field.key, field.value);
    log().write(as, event, all);
  }

 private:
  const std::string_view route_;
};
static_assert(static_cast<int>(api::Log::Level::Error) == static_cast<int>(LogLevel::Error));

}  // namespace

class RouteSetup final : public api::Setup {
 public:
  RouteSetup(const config::Route& route, const std::string& file, api::WorkPool& pool, api::HttpClient& http,
             DeclaredNames& metrics)
      : route_(route), pool_(pool), http_(http), log_(route.name), metrics_(metrics, route.name, file) {}
  std::string_view route() const override { return route_.name; }
  const api::Settings& settings() const override { return values_.settings(); }
  api::Log& log() override { return log_; }
  api::WorkPool& pool() override { return pool_; }
  api::HttpClient& http() override { return http_; }
  api::Metrics& metrics() override { return metrics_; }
  /// The handler is made.
  void close() { metrics_.close(); }
  config::ModuleSettings& values() { return values_; }

 private:
  const config::Route& route_;
  api::WorkPool& pool_;
  api::HttpClient& http_;
  RouteLog log_;
  RouteMetrics metrics_;
  config::ModuleSettings values_;
};

Modules::Modules(api::WorkPool& pool, api::HttpClient& http, stats::WorkerStats& stats)
    : pool_(pool, stats.activity()),
      http_(http, stats.activity()),
      activity_(stats.activity()),
      metrics_(stats) {}
Modules::~Modules() = default;

Result<std::unique_ptr<api::Handler>> Modules::make_handler(const config::Route& route,
                                                            const config::ModuleAction& action) {
  activity_.work.show(
      stats::Work{.method = "opening", .target = action.file, .route = route.name, .module = action.file});
  const Result<const api::Module*> module = open_module(action);
  if (!module) return module.error();
  auto setup = std::make_unique<RouteSetup>(route, action.file, pool_, http_, metrics_);
  if (const auto problems = setup->values().read(action, (*module)->settings); !problems.empty())
    return wrong(problems);
  try {
    std::unique_ptr<api::Handler> handler = (*module)->make(*setup);
    activity_.work.show_nothing();
    if (!handler) return wrong(action, "made no handler");
    setup->close();
    setups_.push_back(std::move(setup));
    return handler;
  } catch (const api::SettingError& thrown) {
    return wrong({config::module_setting_problem(action, thrown.key(), thrown.what())});
  } catch (const api::MetricError& thrown) {
    return wrong(action, "route " + route.name + ": " + thrown.what());
  } catch (const std::exception& thrown) {
    return wrong(action, std::string("its handler cannot be made: ") + thrown.what());
  } catch (...) {
    return wrong(action, "its handler cannot be made: unknown exception");
  }
}

}  // namespace holdfast::modules
