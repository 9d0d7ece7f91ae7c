#include "worker/handlers/packed_form.h"

#include <utility>

#include "worker/http/field_rules.h"

namespace holdfast::handlers {
namespace {

/// "abc" -> "abc-gz", inside the quotes.
std::string marked(std::string_view etag, std::string_view mark) {
  std::string text(etag.substr(0, etag.size() - 1));
  return text.append(mark).append("\"");
}

}  // namespace

PackedForm::PackedForm(std::span<const api::Field> plain, Coding coding, std::string content)
    : content_(std::move(content)),
      etag_(marked(plain[0].value, row(coding).etag_mark)),
      fields_{{{"ETag", etag_},
               plain[1],
               plain[2],
               {"Vary", "Accept-Encoding"},
               {"Content-Encoding", row(coding).name}}},
      text_(http::fields_text(fields_)) {}

}  // namespace holdfast::handlers
