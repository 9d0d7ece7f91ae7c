// The dashboard's files, from worker/admin/dashboard/, as the build has put them into the program.
#pragma once

#include <string_view>

namespace holdfast::admin {

struct DashboardFile {
  std::string_view path;  // under which the admin listener serves it
  std::string_view type;
  std::string_view content;
};

extern const DashboardFile kDashboardFiles[4];
/// Changes with every change of a file: a page that hears of another version loads itself anew.
extern const std::string_view kDashboardVersion;

}  // namespace holdfast::admin
