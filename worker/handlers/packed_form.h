// The content of a file in one coding, with the fields that go with it: a representation of its own, with an
// ETag of its own (RFC 9110 section 8.8.3.3). Made once and kept with the file's entry.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "common/api/request.h"
#include "common/coding.h"

namespace holdfast::handlers {

class PackedForm {
 public:
  /// `plain` are the entry's fields, which outlive the form: ETag, Last-Modified, Content-Type first. An empty
  /// `content` remembers that packing gains nothing.
  PackedForm(std::span<const api::Field> plain, Coding coding, std::string content);
  PackedForm(const PackedForm&) = delete;
  PackedForm& operator=(const PackedForm&) = delete;

  bool is_useful() const { return !content_.empty(); }
  std::string_view content() const { return content_; }
  std::string_view etag() const { return etag_; }
  /// ETag, Last-Modified, Content-Type, Vary, Content-Encoding. No Accept-Ranges: ranges are of the plain
  /// content.
  std::span<const api::Field> fields() const { return fields_; }
  /// The same as they are sent.
  std::string_view text() const { return text_; }

 private:
  const std::string content_;
  const std::string etag_;
  const std::array<api::Field, 5> fields_;
  const std::string text_;
};

}  // namespace holdfast::handlers
