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

std::string check_probe_path(std::string& path) {
  if (!path.starts_with('/')) return "must begin with `/`";
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  return std::any_of(path.begin(), path.end(), bad) ? "must not hold spaces or control characters" : "";
}

std::string check_probe_host(std::string& host) {
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '/'; };
  return std::any_of(host.begin(), host.end(), bad) ? "must be the name of a host" : "";
}

Kind<Probe> probe_kind() {
  static const Rows<Probe> rows = make_rows<Probe, /*place*/ 1>(
      field("path", &Probe::path, text("path of a request", check_probe_path), "/", Takes::Now,
            "What is asked for, by GET."),
      field("host", &Probe::host, text("name of a host", check_probe_host), "", Takes::Now,
            "The host that is asked; `localhost` when nothing is said. Set it where sites have `hosts`.")
          .example("www.example.com"),
      field("listener", &Probe::listener,
            text("name of a listener", [](std::string&) { return std::string(); }), "", Takes::Now,
            "The listener whose sites are asked; the first one when nothing is said. No TLS is spoken, and no "
            "PROXY prefix sent.")
          .example("https"),
      field("status", &Probe::status, count<std::uint16_t>(100, 599), "200", Takes::Now,
            "The status that must come."),
      field("timeout", &Probe::timeout, duration(1ms, 1h), "5s", Takes::Now,
            "The answer must have begun by then."));
  return with_place(section(rows));
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
      field("hang_timeout", &Process::hang_timeout, duration(100ms, 1h), "5s", Takes::Now,
            "A worker whose loop makes no progress for so long is aborted and replaced; a slow one that goes "
            "from request to request is not. Raise it above what the slowest handler takes for one of them."),
      nested("respawn", &Process::respawn, respawn_rows(), Takes::Now,
             "How fast a worker that died is started again; a slot that stayed alive for 60 s starts afresh."),
      field("generations", &Process::generations, count<std::uint32_t>(1, 64), "4", Takes::Now,
            "At most so many old generations drain at once; beyond that the oldest is ended. Lower it to save "
            "memory "
            "when reloads come often."),
      field("balance", &Process::balance,
            choice<Balance>({{{"kernel", Balance::Kernel}, {"least_connections", Balance::LeastConnections}}}),
            "kernel", Takes::NewWorkers,
            "Which worker gets a new connection: one that the `kernel` draws, or of two that are drawn the one "
            "with fewer connections, for clients that stay long. The latter needs root or CAP_BPF for the "
            "master; without it the kernel draws, and a warning says so."),
      field("reload", &Process::reload,
            choice<ReloadMode>({{{"direct", ReloadMode::Direct}, {"trial", ReloadMode::Trial}}}), "direct",
            Takes::Now,
            "With `trial` a reload first starts a single worker of the new configuration, which no client "
            "reaches, and asks it what `probes` say: only when all answers are right the workers are replaced. "
            "Else nothing changes, as with a configuration that is wrong.")
          .located(),
      field("probes", &Process::probes, list_of(probe_kind()), "", Takes::Now,
            "The requests of `reload: trial`."),
      field(
          "sandbox", &Process::sandbox,
          choice<Sandbox>({{{"auto", Sandbox::Auto}, {"off", Sandbox::Off}, {"strict", Sandbox::Strict}}}),
          "auto", Takes::NewWorkers,
          "What workers give up before they serve: new privileges, system calls that they do not need "
          "(seccomp), files that the configuration does not name (landlock). `auto` takes what the system "
          "offers, `strict` refuses to start where a part of it is missing, `off` gives up nothing; use `off` "
          "only to find out whether the sandbox is in the way.")
          .located());
  return rows;
}

}  // namespace

Kind<Process> process_kind() {
  return section(process_rows());
}

}  // namespace holdfast::config
