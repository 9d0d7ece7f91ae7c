// The content of a file in one coding, with the fields that go with it: a representation of its own, with an
// ETag of its own (RFC 9110 section 8.8.3.3). Made once, or found ready-made beside the file, and kept with the
// file's entry.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/api/body.h"
#include "common/api/request.h"
#include "common/coding.h"
#include "common/fd.h"
#include "worker/handlers/file_identity.h"

namespace holdfast::handlers {

/// The tag of a form in `coding` of content with the tag `plain`.
std::string packed_etag(std::string_view plain, Coding coding);

class PackedForm {
 public:
  /// `plain` are the entry's fields, which outlive the form: ETag, Last-Modified, Content-Type first. An empty
  /// `content` remembers that packing gains nothing.
  PackedForm(std::span<const api::Field> plain, Coding coding, std::string content);
  /// A ready-made sibling: its content, or for a big one its descriptor.
  PackedForm(std::span<const api::Field> plain, Coding coding, const FileIdentity& sibling, std::string content,
             Fd fd);
  PackedForm(const PackedForm&) = delete;
  PackedForm& operator=(const PackedForm&) = delete;

  bool is_useful() const { return !in_memory() || !content_.empty(); }
  bool in_memory() const { return !fd_; }
  /// Empty while not in_memory().
  std::string_view content() const { return content_; }
  /// Valid while not in_memory().
  int fd() const { return fd_.get(); }
  bool is_sibling() const { return identity_.inode != 0; }
  /// Of a sibling.
  const FileIdentity& identity() const { return identity_; }
  /// The whole; `hold` keeps the form's entry.
  api::Body body(api::BodyHold hold) const {
    if (in_memory()) return api::Body::held(content_, std::move(hold));
    return api::Body::file(fd(), 0, identity_.size, std::move(hold));
  }
  std::string_view etag() const { return etag_; }
  /// The weak tag under which the same content went out, compressed on its way, before the form was there.
  /// Empty for siblings.
  std::string_view twin() const { return twin_; }
  /// ETag, Last-Modified, Content-Type, Vary, Content-Encoding. No Accept-Ranges: ranges are of the plain
  /// content.
  std::span<const api::Field> fields() const { return fields_; }
  /// The same as they are sent.
  std::string_view text() const { return text_; }

 private:
  PackedForm(std::span<const api::Field> plain, Coding coding, std::string etag, const FileIdentity& sibling,
             std::string content, Fd fd);

  const FileIdentity identity_;  // zeroes when it is no sibling
  const std::string content_;
  const Fd fd_;
  const std::string etag_;
  const std::string twin_;
  const std::array<api::Field, 5> fields_;
  const std::string text_;
};

}  // namespace holdfast::handlers
