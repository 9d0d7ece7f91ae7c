// The judgements of `holdfast doctor`: one row each, and a pure function of a configuration and of what was
// seen of the machine.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "master/doctor_facts.h"

namespace holdfast::master {

enum class Severity : std::uint8_t { Ok, Note, Warning, Problem };
/// "ok", "note", "warning", "problem".
std::string_view severity_text(Severity severity);

/// Whom a problem is to be told to: who writes the configuration, or who runs the machine.
enum class Subject : std::uint8_t { Configuration, Machine };

struct Finding {
  Severity severity = Severity::Ok;
  Subject subject = Subject::Machine;
  std::string_view check;  // the row's name
  std::string what;
  std::string advice;  // empty where nothing is to be done
};

/// Where a check puts what it finds.
class Findings {
 public:
  Findings(std::string_view check, Subject subject, std::vector<Finding>& found)
      : check_(check), subject_(subject), found_(found) {}
  void ok(std::string what) { add(Severity::Ok, std::move(what), ""); }
  void note(std::string what, std::string advice = "") {
    add(Severity::Note, std::move(what), std::move(advice));
  }
  void warning(std::string what, std::string advice) {
    add(Severity::Warning, std::move(what), std::move(advice));
  }
  void problem(std::string what, std::string advice) {
    add(Severity::Problem, std::move(what), std::move(advice));
  }

 private:
  void add(Severity severity, std::string what, std::string advice) {
    found_.push_back({severity, subject_, check_, std::move(what), std::move(advice)});
  }
  std::string_view check_;
  Subject subject_;
  std::vector<Finding>& found_;
};

struct CheckRow {
  std::string_view name;
  Subject subject;
  void (*judge)(const config::Config& config, const Facts& facts, Findings& findings);
};
/// Those of the configuration and the files it names, and those of the machine.
std::span<const CheckRow> file_checks();
std::span<const CheckRow> machine_checks();

/// All rows, in their order.
std::vector<Finding> examine(const config::Config& config, const Facts& facts);
/// The exit code for them.
int exit_code_of(const std::vector<Finding>& findings);

}  // namespace holdfast::master
