#include <algorithm>

#include "common/ascii.h"
#include "common/cpu_allowance.h"
#include "config/loader.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kMostWorkers = 256;  // the statistics segment has seats for so many

Kind<Process> workers_kind() {
  const Kind<std::uint32_t> number = count<std::uint32_t>(1, kMostWorkers);
  return {"auto, or " + number.noun, schema_any({schema_words({"auto"}), number.schema}),
          [number](Reader& reader, const Node& node, Process& out) {
            out.workers_auto = node.kind == Node::Kind::Scalar && node.text == "auto";
            if (!out.workers_auto) return number.read(reader, node, out.workers);
            out.workers = std::min(allowed_cpus().cpus, kMostWorkers);
            return true;
          },
          [](const Process& value, const Config&) {
            return word_node(value.workers_auto ? "auto" : std::to_string(value.workers));
          }};
}

Kind<std::string> account() {
  return text("name of an account", [](std::string& value) -> std::string {
    for (const char c : value)
      if (!is_ascii_digit(c) && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') &&
          std::string_view("._-$").find(c) == std::string_view::npos)
        return "must be the name of an account";
    return "";
  });
}

Kind<Process> pid_file_kind() {
  return {"absolute path, or off", schema_type("string"),
          [](Reader& reader, const Node& node, Process& out) {
            std::string value;
            if (!read_string(reader, node, value)) return false;
            if (value == "off") return out.pid_file.clear(), true;
            if (!value.starts_with('/')) return reader.wrong(node, "must be an absolute path or off");
            out.pid_file = std::move(value);
            return true;
          },
          [](const Process& value, const Config&) {
            return value.pid_file.empty() ? word_node("off") : text_node(value.pid_file);
          }};
}

const Rows<Respawn>& respawn_rows() {
  static const Rows<Respawn> rows =
      make_rows<Respawn>(field("initial_delay", &Respawn::initial_delay, duration(1ms, 1h), "50ms", Takes::Now,
                               "Wait before the second start of a worker that keeps dying; the first one comes "
                               "at once. Raise it when each "
                               "start is expensive.")
                             .located(),
                         field("max_delay", &Respawn::max_delay, duration(1ms, 24h), "10s", Takes::Now,
                               "The wait doubles with each death up to this. Lower it when a worker should be "
                               "back soon after its cause is "
                               "gone.")
                             .located());
  return rows;
}

const Rows<Process>& process_rows() {
  static const Rows<Process> rows = make_rows<Process>(
      whole<Process, 2>(
          "workers", workers_kind(), "auto", Takes::NewWorkers,
          "Worker processes. `auto` is one per CPU this process may use, and no more than the CPU limit of its "
          "control group (of a container, of a unit) comes to; a number leaves CPUs to other programs."),
      field("user", &Process::user, account(), "holdfast", Takes::NewWorkers,
            "Account the workers run as when the master starts as root; ignored otherwise. Change it when the "
            "sites' "
            "files belong to another account. Empty keeps the master's.")
          .located(),
      field("group", &Process::group, account(), "", Takes::NewWorkers,
            "Group of the workers when the master starts as root; default is the primary group of `user`. Set "
            "it when "
            "files are shared through a group.")
          .example("www-data")
          .located(),
      whole<Process>(
          "pid_file", pid_file_kind(), kDefaultPidFile, Takes::Restart,
          "File with the master's process id, which `holdfast reload` and `stop` read. Give each instance its "
          "own; `off` writes none.")
          .located(),
      field("shutdown_timeout", &Process::shutdown_timeout, duration(0ms, 24h), "30s", Takes::Now,
            "How long a leaving worker may take to finish its requests. Raise it when long downloads should "
            "survive a "
            "stop."),
      field(
          "start_timeout", &Process::start_timeout, duration(100ms, 1h), "10s", Takes::Now,
          "A new worker must be ready by then, else the start or reload has failed. Raise it on slow storage."),
      field(
          "hang_timeout", &Process::hang_timeout, duration(100ms, 1h), "5s", Takes::Now,
          "A worker whose loop makes no progress for so long is aborted and replaced. Known, but not acted on "
          "in this version."),
      nested("respawn", &Process::respawn, respawn_rows(), Takes::Now,
             "How fast a worker that died is started again; a slot that stayed alive for 60 s starts afresh."),
      field("generations", &Process::generations, count<std::uint32_t>(1, 64), "4", Takes::Now,
            "At most so many old generations drain at once; beyond that the oldest is ended. Lower it to save "
            "memory "
            "when reloads come often."),
      field("sandbox", &Process::sandbox,
            choice<Sandbox>({{{"auto", Sandbox::Auto}, {"off", Sandbox::Off}}, {"strict"}}), "auto",
            Takes::NewWorkers,
            "What workers give up before they serve. `auto` takes what the system offers (in this version: no "
            "new "
            "privileges), `off` nothing; use `off` only to find out whether the sandbox is in the way."));
  return rows;
}

}  // namespace

Kind<Process> process_kind() {
  return section(process_rows());
}

}  // namespace holdfast::config
