// A handler with metrics of its own, for tests: counts what the last segment of the path says; can declare
// wrong ones.
#include <holdfast/module.h>
#include <holdfast/query.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace api = holdfast::api;

namespace {

constexpr double kBounds[] = {0.5, 1, 10};

class Measured final : public api::Handler {
 public:
  explicit Measured(api::Setup& setup)
      : calls_(setup.metrics().counters(
            {.name = "measured_calls_total", .help = "Calls of \\ the handler.", .labels = {"what", "from"}})),
        all_(setup.metrics().counter({.name = "measured_all_total", .help = "All calls."})),
        level_(setup.metrics().gauge({.name = "measured_level", .help = "The level."})),
        sizes_(
            setup.metrics().histogram({.name = "measured_size_bytes", .help = "Sizes.", .buckets = kBounds})) {
    const api::Settings& settings = setup.settings();
    if (!settings.text("more").empty())
      setup.metrics().counter({.name = settings.text("more"), .help = settings.text("help")});
    if (settings.boolean("otherwise"))
      setup.metrics().gauges({.name = "measured_level", .help = "The level.", .labels = {"of"}});
  }

  void handle(api::Exchange& exchange) override {
    const std::string what(exchange.request().parameter("what"));
    if (what == "crash") std::abort();
    const std::string from = api::query_value(exchange.request().query, "from").value_or("nobody");
    calls_.of(what, from).add();
    all_.add();
    level_.set(3);
    sizes_.observe(static_cast<double>(what.size()));
    exchange.respond({}, api::Body::copy(what));
  }

 private:
  const api::Labelled<api::Counter> calls_;
  const api::Counter all_;
  const api::Gauge level_;
  const api::Histogram sizes_;
};

constexpr api::SettingRow kSettings[] = {
    {"more", api::SettingKind::Text, "", "A counter more."},
    {"help", api::SettingKind::Text, "One more.", "Its help."},
    {"otherwise", api::SettingKind::Boolean, "false", "Declares a name of the others differently."},
};

}  // namespace

HOLDFAST_MODULE(Measured, kSettings)
