#include "worker/handlers/directory_index.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "common/log.h"
#include "worker/http/error_page.h"
#include "worker/http/percent_encoding.h"

namespace holdfast::handlers {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

/// What a link leads to, if the root's policy lets it be followed.
std::optional<struct stat> follow_link(const DocumentRoot& root, std::string_view path, const char* name) {
  if (root.follow() == config::FollowSymlinks::Never) return std::nullopt;
  std::string target(path);
  target += name;
  const OpenedPath opened = root.look_beneath(target);
  struct stat status {};
  if (!opened.fd || ::fstat(opened.fd.get(), &status) != 0) return std::nullopt;
  return status;
}

std::optional<ListedFile> describe(int directory, const char* name, const DocumentRoot& root,
                                   std::string_view path) {
  struct stat status {};
  if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  if (S_ISLNK(status.st_mode)) {
    const std::optional<struct stat> target = follow_link(root, path, name);
    if (!target) return std::nullopt;
    status = *target;
  }
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) return std::nullopt;
  return ListedFile{name, S_ISDIR(status.st_mode), static_cast<std::uint64_t>(status.st_size),
                    status.st_mtim.tv_sec};
}

std::string time_text(std::time_t seconds, const char* format) {
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text;
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

/// "512 B", "1.5 KiB", "20 MiB": three digits at most, one decimal below ten.
std::string size_text(std::uint64_t size) {
  constexpr std::array<std::string_view, 7> kUnits{" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  std::size_t unit = 0;
  std::uint64_t tenths = 0;
  while (size >= 1024 && unit + 1 < kUnits.size()) {
    tenths = size % 1024 * 10 / 1024;
    size /= 1024;
    ++unit;
  }
  std::string text = std::to_string(size);
  if (unit > 0 && size < 10) text.append(".").append(std::to_string(tenths));
  return text.append(kUnits[unit]);
}

constexpr std::string_view kStyle =
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 "
    "1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.2rem .8rem .2rem 0}"
    "td+td,th+th{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}a{text-decoration:none}"
    "tr:hover td{background:#8882}";

void append_row(std::string& out, const ListedFile& file) {
  const std::string_view slash = file.directory ? "/" : "";
  out += "<tr><td><a href=\"";
  http::append_encoded_segment(out, file.name);
  out.append(slash).append("\">");
  http::append_html_escaped(out, file.name);
  out.append(slash).append("</a></td><td>");
  out += file.directory ? std::string("&ndash;") : size_text(file.size);
  out.append("</td><td>").append(time_text(file.modified, "%Y-%m-%d %H:%M")).append("</td></tr>\n");
}

}  // namespace

Result<Listing> list_directory(Fd directory, const DocumentRoot& root, std::string_view path) {
  const int fd = directory.get();
  const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(fd));
  if (!stream) return system_error(errno, "list " + std::string(path));
  directory.release();
  Listing listing;
  while (const dirent* const entry = ::readdir(stream.get())) {
    if (entry->d_name[0] == '.') continue;
    if (listing.files.size() == kMaxListed) {
      listing.cut = true;
      break;
    }
    if (auto file = describe(fd, entry->d_name, root, path)) listing.files.push_back(std::move(*file));
  }
  std::sort(listing.files.begin(), listing.files.end(), [](const ListedFile& a, const ListedFile& b) {
    return std::tuple(!a.directory, std::string_view(a.name)) <
           std::tuple(!b.directory, std::string_view(b.name));
  });
  return listing;
}

std::string listing_html(const Listing& listing, std::string_view path) {
  std::string title;
  http::append_html_escaped(title, path);
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
  out += "<meta name=\"viewport\" content=\"width=device-width\"><title>";
  out.append(title)
      .append("</title><style>")
      .append(kStyle)
      .append("</style></head>\n<body><h1>")
      .append(title);
  out += "</h1>\n<table><thead><tr><th>Name</th><th>Size</th><th>Modified (UTC)</th></tr></thead><tbody>\n";
  if (path != "/") out += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";
  for (const ListedFile& file : listing.files) append_row(out, file);
  out += "</tbody></table>\n";
  if (listing.cut)
    out.append("<p>Only ").append(std::to_string(kMaxListed)).append(" entries are shown.</p>\n");
  return out += "</body></html>\n";
}

std::string listing_json(const Listing& listing, std::string_view path) {
  std::string out = "{\"path\":\"";
  append_json_escaped(out, path);
  out += "\",\"entries\":[";
  for (const ListedFile& file : listing.files) {
    if (&file != listing.files.data()) out += ',';
    out += "{\"name\":\"";
    append_json_escaped(out, file.name);
    out.append("\",\"type\":\"").append(file.directory ? "directory" : "file");
    out += '"';
    if (!file.directory) out.append(",\"size\":").append(std::to_string(file.size));
    out.append(",\"modified\":\"").append(time_text(file.modified, "%Y-%m-%dT%H:%M:%SZ")).append("\"}");
  }
  out.append("],\"cut\":").append(listing.cut ? "true" : "false");
  return out += "}\n";
}

}  // namespace holdfast::handlers
