#include "worker/handlers/file_entry.h"

#include <charconv>

#include "common/text_hash.h"
#include "worker/http/content_coding.h"
#include "worker/http/field_rules.h"

namespace holdfast::handlers {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * kSecond + time.tv_nsec;
}

std::time_t whole_seconds(std::int64_t ns) {
  return static_cast<std::time_t>(ns >= 0 ? ns / kSecond : (ns - kSecond + 1) / kSecond);
}

}  // namespace

FileIdentity FileIdentity::of(const struct stat& status) {
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

FileEntry::FileEntry(std::string_view key, std::uint32_t tree, const FileIdentity& identity,
                     std::string_view content_type)
    : tree_(tree),
      key_(key),
      identity_(identity),
      modified_(whole_seconds(identity.modified_ns)),
      last_modified_(format_http_date(modified_)) {
  write_etag();
  fields_ = {{{"ETag", etag()},
              {"Last-Modified", {last_modified_.data(), last_modified_.size()}},
              {"Content-Type", content_type},
              {"Accept-Ranges", "bytes"},
              {"Vary", "Accept-Encoding"}}};
  plain_text_ = http::fields_text(fields()).size();
  text_ = http::fields_text(fields_);
}

bool FileEntry::has_type_of(const std::vector<std::string>& types) {
  if (asked_ != &types) {
    asked_ = &types;
    has_asked_type_ = http::is_type_listed(content_type(), types);
  }
  return has_asked_type_;
}

// Hashed, so that it tells nothing about the file system; the size stays readable and apart.
void FileEntry::write_etag() {
  const std::int64_t parts[] = {static_cast<std::int64_t>(identity_.inode), identity_.modified_ns,
                                identity_.changed_ns};
  const std::uint64_t mark = text_hash({reinterpret_cast<const char*>(parts), sizeof parts}, identity_.size);
  char* at = etag_.data();
  *at++ = '"';
  at = std::to_chars(at, etag_.data() + etag_.size(), identity_.size, 16).ptr;
  *at++ = '-';
  at = std::to_chars(at, etag_.data() + etag_.size(), mark, 16).ptr;
  *at++ = '"';
  etag_size_ = static_cast<std::size_t>(at - etag_.data());
}

}  // namespace holdfast::handlers
