// What a loadable module shows to the server, and what the server gives to a handler when it is made. A module
// is a shared object with one handler:
//
//   class Greeter final : public holdfast::api::Handler {
//    public:
//     explicit Greeter(holdfast::api::Setup& setup);
//     void handle(holdfast::api::Exchange& exchange) override;
//   };
//   constexpr holdfast::api::SettingRow kSettings[] = {
//       {"greeting", holdfast::api::SettingKind::Text, "Hello", "The word before the name."}};
//   HOLDFAST_MODULE(Greeter, kSettings)
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "common/api/fetch.h"
#include "common/api/handler.h"
#include "common/api/interface.h"
#include "common/api/metrics.h"
#include "common/api/settings.h"
#include "common/api/work.h"

namespace holdfast::api {

/// Lines of the server's error log. Values are escaped. Each carries the name of the route.
class Log {
 public:
  enum class Level : std::uint8_t { Debug, Info, Warning, Error };
  struct Field {
    std::string_view key;
    std::string_view value;
  };
  virtual void write(Level level, std::string_view event, std::span<const Field> fields) = 0;

  void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Debug, event, {fields.begin(), fields.size()});
  }
  void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Info, event, {fields.begin(), fields.size()});
  }
  void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Warning, event, {fields.begin(), fields.size()});
  }
  void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Error, event, {fields.begin(), fields.size()});
  }

 protected:
  ~Log() = default;
};

/// What a handler may use of the worker that it is made in. Lives longer than the handler.
class Setup {
 public:
  /// The name of the route, which logs and metrics use too.
  virtual std::string_view route() const = 0;
  virtual const Settings& settings() const = 0;
  virtual Log& log() = 0;
  virtual WorkPool& pool() = 0;
  /// To declare metrics with, in the handler's constructor.
  virtual Metrics& metrics() = 0;
  /// Asks other servers, in the loop of this worker.
  virtual HttpClient& http() = 0;

 protected:
  ~Setup() = default;
};

/// Of a module. The first two members stay what they are for all interfaces: they are looked at before anything
/// else.
struct Module {
  std::int32_t interface = kInterface;
  const char* abi = kAbi;
  std::string_view handler{};  // name of the class
  std::span<const SettingRow> settings{};
  /// Called once for each route with this module, in each worker. What it throws keeps the worker from serving
  /// this configuration: the message is shown to whoever wanted it.
  std::unique_ptr<Handler> (*make)(Setup& setup) = nullptr;
};

inline constexpr char kModuleSymbol[] = "holdfast_module";

}  // namespace holdfast::api

/// Makes the shared object a module. `Type` is constructible from Setup&; `rows` is an array (or span) of
/// SettingRow that is never destroyed; none: HOLDFAST_MODULE(Type, {}).
#define HOLDFAST_MODULE(Type, ...)                                                                  \
  extern "C" __attribute__((visibility("default"))) const holdfast::api::Module holdfast_module = { \
      .handler = #Type,                                                                             \
      .settings = __VA_ARGS__,                                                                      \
      .make = [](holdfast::api::Setup& setup) -> std::unique_ptr<holdfast::api::Handler> {          \
        return std::make_unique<Type>(setup);                                                       \
      }};
