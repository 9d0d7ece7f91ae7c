#include "master/diff_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "common/memory_file.h"
#include "config/loader.h"
#include "master/control_link.h"
#include "master/control_socket.h"
#include "master/exit_status.h"
#include "master/terminal.h"

namespace holdfast::master {
namespace {

constexpr std::string_view kRed = "\033[31m";
constexpr std::string_view kGreen = "\033[32m";
constexpr std::string_view kYellow = "\033[33m";
constexpr std::string_view kPlain = "\033[0m";

/// Empty, and the problems are told: the file cannot be loaded.
std::string comparable_of(const std::string& file) {
  const config::Loaded loaded = config::load_file(file);
  for (const config::Problem& problem : loaded.problems) std::fprintf(stderr, "%s\n", problem.text().c_str());
  return loaded.config ? config::comparable_text(*loaded.config, loaded.sources) : "";
}

Result<std::string> comparable_of_server(const std::string& config_file) {
  const Result<ControlLink> server = ControlLink::to_server_of(config_file);
  if (!server) return server.error();
  const Result<Fd> file = server->ask_for_file(kConfigurationWord);
  if (!file) return file.error();
  return read_memory_file(file->get());
}

/// Values are escaped as YAML is; names of sites and the like come as they are, and must not steer a terminal.
std::string printable(std::string text) {
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  return text;
}

std::string counted(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " setting" : " settings");
}

/// Nothing needs to be said of what takes effect as everybody expects it.
std::string_view remark_on(config::Effect effect) {
  switch (effect) {
    case config::Effect::AtOnce:
      return "  (at once)";
    case config::Effect::NewWorkers:
      return "";
    case config::Effect::Restart:
      return "  (needs a restart: a reload is refused)";
  }
  return "";
}

void append_line(std::string& out, const config::Difference& one, bool with_colours) {
  const bool is_new = one.before.empty();
  const bool is_gone = one.after.empty();
  const std::string_view colour = one.effect == config::Effect::Restart ? kYellow
                                  : is_new                              ? kGreen
                                  : is_gone                             ? kRed
                                                                        : "";
  const bool coloured = with_colours && !colour.empty();
  if (coloured) out += colour;
  out += is_new ? "+ " : is_gone ? "- " : "  ";
  out.append(printable(one.path)).append(": ").append(printable(is_new ? one.after : one.before));
  if (!is_new && !is_gone) out.append(" -> ").append(printable(one.after));
  out += remark_on(one.effect);
  if (coloured) out += kPlain;
  out += '\n';
}

}  // namespace

std::string difference_text(const std::vector<config::Difference>& differences, bool with_colours) {
  if (differences.empty()) return "nothing would change\n";
  std::string out;
  for (const config::Difference& one : differences) append_line(out, one, with_colours);
  const auto restarts = static_cast<std::size_t>(
      std::ranges::count(differences, config::Effect::Restart, &config::Difference::effect));
  const std::size_t others = differences.size() - restarts;
  out += "\n" + counted(differences.size()) + (differences.size() == 1 ? " differs: " : " differ: ");
  if (restarts == 0) return out + "a reload takes over all of it with new workers\n";
  if (others == 0) return out + "only a restart takes it over\n";
  return out + counted(restarts) + (restarts == 1 ? " needs" : " need") +
         " a restart, and until then no reload takes over the rest\n";
}

int run_diff(const Options& options) {
  const std::string wanted = comparable_of(options.config_file);
  if (wanted.empty()) return kExitConfiguration;
  std::string present;
  if (!options.other_file.empty()) {
    present = comparable_of(options.other_file);
    if (present.empty()) return kExitConfiguration;
  } else {
    const Result<std::string> running = comparable_of_server(options.config_file);
    if (!running) return complain_of_link(running.error());
    present = *running;
  }
  const Result<std::vector<config::Difference>> found = config::differences(present, wanted);
  if (!found) return complain_of_link(found.error());
  const std::string text = difference_text(*found, Terminal::of(STDOUT_FILENO).has_colours);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return found->empty() ? kExitOk : kExitDifferent;
}

}  // namespace holdfast::master
