// Who the master of a configuration is where that is not root: `holdfast check`, which is asked by root as a
// rule, looks with the eyes of that account at the files that the master will have to read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.h"
#include "master/privileges.h"

namespace holdfast::master {

/// All of holdfast.service with what was added to it, the most important last; nothing where there is none.
std::optional<std::string> service_unit();

struct UnitAccount {
  std::string user;                 // empty: root, one that may read all, or the unit serves another file
  std::vector<std::string> groups;  // that it has besides those of the user
};
/// Pure: what `unit` makes of the server of `config_file`.
UnitAccount account_in_unit(std::string_view unit, const std::string& config_file);

/// Pure: of a text as of /proc/PID/status. Nothing for who may read all files.
std::optional<Identity> identity_in_status(std::string_view status);

struct ServiceAccount {
  std::string name;
  Identity identity;
};
/// The account of the server that runs with this configuration; else what the unit says. Nothing: root's, not
/// known, or who asks is not root and would see no more than they do.
std::optional<ServiceAccount> account_of_service(const std::string& config_file);

/// Those of `files` that the account cannot read, one problem each. Forks.
std::vector<config::Problem> unreadable_for(const ServiceAccount& account,
                                            const std::vector<std::string>& files);

}  // namespace holdfast::master
