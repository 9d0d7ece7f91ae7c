#include "worker/handlers/file_entry.h"

#include <utility>

#include "worker/http/content_coding.h"
#include "worker/http/field_rules.h"

namespace holdfast::handlers {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::time_t whole_seconds(std::int64_t ns) {
  return static_cast<std::time_t>(ns >= 0 ? ns / kSecond : (ns - kSecond + 1) / kSecond);
}

}  // namespace

FileEntry::FileEntry(std::string_view key, std::uint32_t tree, const FileIdentity& identity,
                     std::string_view content_type)
    : tree_(tree),
      key_(key),
      identity_(identity),
      modified_(whole_seconds(identity.modified_ns)),
      last_modified_(format_http_date(modified_)),
      etag_(entity_tag(identity)) {
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

void FileEntry::add_sibling(Coding coding, std::unique_ptr<PackedForm> form) {
  has_siblings_ = true;
  further_bytes_ += form->content().size();
  if (!form->in_memory()) ++descriptors_;
  packed_[static_cast<std::size_t>(coding)] = std::move(form);
}

bool FileEntry::is_intact(int fd) noexcept {
  const FileIdentity* opened = &identity_;
  for (const std::unique_ptr<PackedForm>& form : packed_)
    if (form && !form->in_memory() && form->fd() == fd) opened = &form->identity();
  struct stat status {};
  if (::fstat(fd, &status) != 0) return false;
  const FileIdentity now = FileIdentity::of(status);
  return now.size > opened->size || (now.size == opened->size && now.modified_ns == opened->modified_ns);
}

/// Content that is not in memory is whatever the descriptors' files hold now: still what the fields say?
bool FileEntry::is_as_opened() const {
  const auto holds = [](int fd, const FileIdentity& identity) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && FileIdentity::of(status) == identity;
  };
  if (!in_memory() && !holds(fd(), identity_)) return false;
  for (const std::unique_ptr<PackedForm>& form : packed_)
    if (form && !form->in_memory() && !holds(form->fd(), form->identity())) return false;
  return true;
}

}  // namespace holdfast::handlers
