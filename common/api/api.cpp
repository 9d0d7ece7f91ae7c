#include <array>

#include "common/api/body.h"
#include "common/api/request.h"
#include "common/ascii.h"

namespace holdfast::api {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Method::kCount)> kMethodTexts{
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "other"};

}  // namespace

std::string_view method_text(Method method) {
  return kMethodTexts[static_cast<std::size_t>(method)];
}

Method method_from(std::string_view text) {
  for (std::size_t i = 0; i + 1 < kMethodTexts.size(); ++i)
    if (kMethodTexts[i] == text) return static_cast<Method>(i);
  return Method::Other;
}

std::optional<std::string_view> Request::field(std::string_view name) const {
  for (const Field& field : fields)
    if (ascii_iequals(field.name, name)) return field.value;
  return std::nullopt;
}

std::string_view Request::parameter(std::string_view name) const {
  for (const Parameter& parameter : parameters)
    if (parameter.name == name) return parameter.value;
  return {};
}

std::optional<std::uint64_t> Body::length() const {
  if (const auto* bytes = std::get_if<Bytes>(&content)) return bytes->bytes.size();
  if (const auto* file = std::get_if<File>(&content)) return file->length;
  if (const auto* stream = std::get_if<Stream>(&content)) return stream->length;
  return 0;
}

}  // namespace holdfast::api
