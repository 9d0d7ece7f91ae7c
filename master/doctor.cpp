#include "master/doctor.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "common/json_writer.h"
#include "config/loader.h"
#include "master/doctor_checks.h"
#include "master/terminal.h"

namespace holdfast::master {
namespace {

/// Raised when a member of the JSON form changes its meaning or goes.
constexpr std::uint64_t kDoctorVersion = 1;

std::string_view colour_of(Severity severity) {
  switch (severity) {
    case Severity::Ok:
      return "\033[32m";
    case Severity::Note:
      return "\033[36m";
    case Severity::Warning:
      return "\033[33m";
    case Severity::Problem:
      return "\033[31m";
  }
  return "";
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  out.resize(std::max(width, out.size()), ' ');
  return out;
}

std::size_t count_of(const std::vector<Finding>& findings, Severity severity) {
  return static_cast<std::size_t>(std::ranges::count(findings, severity, &Finding::severity));
}

/// "1 problem", "2 problems".
std::string counted(const std::vector<Finding>& findings, Severity severity) {
  const std::size_t count = count_of(findings, severity);
  return std::to_string(count) + " " + std::string(severity_text(severity)) + (count == 1 ? "" : "s");
}

std::string text_of(const std::vector<Finding>& findings, bool quiet, bool colours) {
  constexpr std::size_t kSeverity = 9;
  constexpr std::size_t kCheck = 16;
  std::string out;
  for (const Finding& one : findings) {
    if (quiet && one.severity < Severity::Warning) continue;
    const std::string word = padded(severity_text(one.severity), kSeverity);
    out += colours ? std::string(colour_of(one.severity)) + word + "\033[0m" : word;
    out += padded(one.check, kCheck) + one.what + "\n";
    if (!one.advice.empty()) out += std::string(kSeverity + kCheck, ' ') + "-> " + one.advice + "\n";
  }
  if (quiet) return out;
  return out + "\n" + counted(findings, Severity::Problem) + ", " + counted(findings, Severity::Warning) +
         ", " + counted(findings, Severity::Note) + "\n";
}

std::string json_of(const std::vector<Finding>& findings, const std::string& file) {
  JsonWriter json;
  json.begin_object().key("version").number(kDoctorVersion).key("config").text(file);
  json.key("problems").number(count_of(findings, Severity::Problem));
  json.key("warnings").number(count_of(findings, Severity::Warning));
  json.key("notes").number(count_of(findings, Severity::Note));
  json.key("findings").begin_array();
  for (const Finding& one : findings) {
    json.begin_object().key("severity").text(severity_text(one.severity)).key("check").text(one.check);
    json.key("subject").text(one.subject == Subject::Machine ? "machine" : "configuration");
    json.key("what").text(one.what).key("advice").text(one.advice).end_object();
  }
  json.end_array().end_object();
  return json.take() + "\n";
}

/// In the place of a file that cannot be loaded: the machine can be looked at all the same.
config::Loaded stand_in() {
  return config::load_text(
      "admin: off\nlog: {access: off}\nlisteners: {none: {bind: \"127.0.0.1:0\"}}\n"
      "sites: [{routes: [{path: /, hello: {}}]}]\n",
      "");
}

}  // namespace

int run_doctor(const Options& options) {
  config::Loaded loaded = config::load_file(options.config_file);
  if (!loaded.config) loaded = stand_in();
  const std::vector<Finding> findings =
      examine(*loaded.config, look_around(*loaded.config, options.config_file));
  const std::string text = options.json
                               ? json_of(findings, options.config_file)
                               : text_of(findings, options.quiet, Terminal::of(STDOUT_FILENO).has_colours);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_code_of(findings);
}

}  // namespace holdfast::master
