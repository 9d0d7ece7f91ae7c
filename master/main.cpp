// Arguments -> configuration -> master, or one of the commands that need no server process.
#include <fcntl.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/describe.h"
#include "config/loader.h"
#include "master/binary_trial.h"
#include "master/check.h"
#include "master/client.h"
#include "master/command_table.h"
#include "master/diff_command.h"
#include "master/doctor.h"
#include "master/exit_status.h"
#include "master/master.h"
#include "master/options.h"
#include "master/own_binary.h"
#include "master/status_command.h"
#include "master/succession.h"
#include "worker/worker.h"

namespace holdfast::master {
namespace {

bool print_problems(const config::Loaded& loaded) {
  for (const config::Problem& problem : loaded.problems) std::fprintf(stderr, "%s\n", problem.text().c_str());
  return loaded.config == nullptr;
}

int run_server(const Options& options, OwnBinary binary) {
  const ReadConfig read = [file = options.config_file] { return config::load_file(file); };
  config::Loaded loaded = read();
  if (print_problems(loaded)) return kExitConfiguration;
  return Master(read, std::move(binary)).run(std::move(loaded), nullptr);
}

/// At a terminal the requests are what matters: the server's own life is told only when something is wrong.
config::Loaded read_serve(const Options& options) {
  config::Loaded loaded = config::serve_directory(options.directory, options.listen);
  if (!loaded.config) return loaded;
  auto quieter = std::make_shared<config::Config>(*loaded.config);
  quieter->log.error.level = LogLevel::Warning;
  loaded.config = std::move(quieter);
  return loaded;
}

int run_serve(const Options& options, OwnBinary binary) {
  const ReadConfig read = [options] { return read_serve(options); };
  config::Loaded loaded = read();
  if (print_problems(loaded)) return kExitConfiguration;
  const auto on_ready = [&options](const Endpoint& address) {
    const char* scheme = address.is_unix() ? "" : "http://";
    std::printf("serving %s at %s%s/ (Ctrl-C stops)\n", options.directory.c_str(), scheme,
                address.text().c_str());
    std::fflush(stdout);
  };
  return Master(read, std::move(binary)).run(std::move(loaded), on_ready);
}

/// Goes on with what another binary has left to this process.
int run_successor(const Options& options, OwnBinary binary, Result<Arrival> arrival) {
  if (!arrival) {
    std::fprintf(stderr, "holdfast: %s\n", arrival.error().message().c_str());
    return kExitInternal;
  }
  const bool is_on_trial = !arrival->handover.returned;
  const std::vector<std::string> arguments = binary.arguments;
  constexpr std::chrono::seconds kStandstill{60};
  if (is_on_trial) CrashNet::arm(*arrival, arguments, kStandstill);
  const ReadConfig read = [options] {
    return options.command == Command::Serve ? read_serve(options) : config::load_file(options.config_file);
  };
  return Master(read, std::move(binary)).run(std::move(*arrival));
}

/// Asked by a running server before it lets this binary take its place.
int run_takes_over(const Options& options) {
  if (options.command == Command::Serve) {
    if (print_problems(read_serve(options))) return kExitConfiguration;
  } else {
    Options check = options;
    check.quiet = true;
    if (const int code = run_check(check); code != kExitOk) return code;
  }
  std::fputs(takes_over_line().c_str(), stdout);
  return kExitOk;
}

int print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!text.ends_with('\n')) std::fputc('\n', stdout);
  return kExitOk;
}

int run_config(const Options& options) {
  switch (options.output) {
    case ConfigOutput::Schema:
      return print(config::json_schema());
    case ConfigOutput::Reference:
      return print(config::reference());
    case ConfigOutput::Diff:
      return run_diff(options);
    case ConfigOutput::Effective:
      break;
  }
  const config::Loaded loaded = config::load_file(options.config_file);
  if (print_problems(loaded)) return kExitConfiguration;
  return print(config::effective_yaml(*loaded.config));
}

int print_version() {
  return print(std::string("holdfast ") + HOLDFAST_VERSION + "\nbuilt with " +
#ifdef __clang__
               "clang " __clang_version__
#else
               "g++ " __VERSION__
#endif
               + "\nlibraries: " + worker::library_versions());
}

int run(const Options& options, OwnBinary binary) {
  switch (options.command) {
    case Command::Run:
      return run_server(options, std::move(binary));
    case Command::Serve:
      return run_serve(options, std::move(binary));
    case Command::Check:
      return run_check(options);
    case Command::Config:
      return run_config(options);
    case Command::Doctor:
      return run_doctor(options);
    case Command::Reload:
    case Command::Stop:
    case Command::Upgrade:
    case Command::Unfuse:
      return run_client(options);
    case Command::Status:
      return run_status(options);
    case Command::Version:
      return print_version();
    case Command::Help:
      return print(usage());
  }
  return kExitInternal;
}

/// A descriptor opened later must not be taken for a closed standard stream by whoever writes there.
void open_standard_streams() {
  for (const int fd : {0, 1, 2})
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return;
}

}  // namespace
}  // namespace holdfast::master

int main(int argc, char** argv) {
  using namespace holdfast::master;
  open_standard_streams();
  const holdfast::Result<Options> options = parse_options({argv + 1, argv + argc});
  if (!options) {
    std::fprintf(stderr, "holdfast: %s\nTry 'holdfast --help'.\n", options.error().message().c_str());
    return kExitUsage;
  }
  try {
    OwnBinary binary = OwnBinary::of_this_process(argc, argv);
    if (options->can_take_over) return run_takes_over(*options);
    if (std::optional<holdfast::Result<Arrival>> arrival = arrive())
      return run_successor(*options, std::move(binary), std::move(*arrival));
    return run(*options, std::move(binary));
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "holdfast: %s\n", problem.what());
    return kExitInternal;
  }
}
