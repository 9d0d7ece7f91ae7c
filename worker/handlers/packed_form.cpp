#include "worker/handlers/packed_form.h"

#include <utility>

#include "worker/http/field_rules.h"

namespace holdfast::handlers {

// "abc" -> "abc-gz", inside the quotes.
std::string packed_etag(std::string_view plain, Coding coding) {
  std::string text(plain.substr(0, plain.size() - 1));
  return text.append(row(coding).etag_mark).append("\"");
}

PackedForm::PackedForm(std::span<const api::Field> plain, Coding coding, std::string content)
    : PackedForm(plain, coding, packed_etag(plain[0].value, coding), {}, std::move(content), Fd()) {}

PackedForm::PackedForm(std::span<const api::Field> plain, Coding coding, const FileIdentity& sibling,
                       std::string content, Fd fd)
    : PackedForm(plain, coding, entity_tag(sibling, row(coding).etag_mark), sibling, std::move(content),
                 std::move(fd)) {}

PackedForm::PackedForm(std::span<const api::Field> plain, Coding coding, std::string etag,
                       const FileIdentity& sibling, std::string content, Fd fd)
    : identity_(sibling),
      content_(std::move(content)),
      fd_(std::move(fd)),
      etag_(std::move(etag)),
      twin_(is_sibling() ? std::string() : "W/" + std::string(plain[0].value)),
      fields_{{{"ETag", etag_},
               plain[1],
               plain[2],
               {"Vary", "Accept-Encoding"},
               {"Content-Encoding", row(coding).name}}},
      text_(http::fields_text(fields_)) {}

}  // namespace holdfast::handlers
