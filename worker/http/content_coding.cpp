#include "worker/http/content_coding.h"

#include <algorithm>
#include <array>

#include "common/ascii.h"
#include "worker/http/accept.h"

namespace holdfast::http {
namespace {

constexpr int kUnsaid = -1;

/// Qualities in thousandths, as far as the client names them.
struct Wishes {
  std::array<int, kCodings> codings{kUnsaid, kUnsaid, kUnsaid};
  int identity = kUnsaid;
  int any = kUnsaid;

  void take(std::string_view element);
  int of(Coding coding) const {
    const int own = codings[static_cast<std::size_t>(coding)];
    if (own != kUnsaid) return own;
    return any == kUnsaid ? 0 : any;
  }
};

void Wishes::take(std::string_view element) {
  const std::size_t semicolon = element.find(';');
  std::string_view name = trim_ows(element.substr(0, semicolon));
  const int quality =
      semicolon == std::string_view::npos ? 1000 : quality_of_parameters(element.substr(semicolon + 1));
  // RFC 9110 section 8.4.1.3: the old name is the same coding.
  if (ascii_iequals(name, "x-gzip")) name = "gzip";
  if (name == "*") any = quality;
  if (ascii_iequals(name, "identity")) identity = quality;
  for (std::size_t i = 0; i < kCodingRows.size(); ++i)
    if (ascii_iequals(name, kCodingRows[i].name)) codings[i] = quality;
}

}  // namespace

std::optional<Coding> choose_coding(std::span<const api::Field> fields, std::span<const Coding> offer) {
  Wishes wishes;
  bool said = false;
  for (const api::Field& field : fields) {
    if (field.name.size() != 15 || !ascii_iequals(field.name, "Accept-Encoding")) continue;
    said = true;
    for_each_list_element(field.value, [&wishes](std::string_view element) { wishes.take(element); });
  }
  if (!said) return std::nullopt;
  std::optional<Coding> best;
  // Identity is at the end of the client's list unless it says otherwise.
  int best_quality = wishes.identity > 0 ? wishes.identity - 1 : 0;
  for (const Coding coding : offer) {
    const int quality = wishes.of(coding);
    if (quality <= best_quality) continue;
    best = coding;
    best_quality = quality;
  }
  return best;
}

bool is_type_listed(std::string_view content_type, const std::vector<std::string>& types) {
  const std::string_view essence = trim_ows(content_type.substr(0, content_type.find(';')));
  return std::any_of(types.begin(), types.end(), [essence](std::string_view type) {
    if (!type.ends_with("/*")) return ascii_iequals(essence, type);
    return essence.size() >= type.size() &&
           ascii_iequals(essence.substr(0, type.size() - 1), type.substr(0, type.size() - 1));
  });
}

}  // namespace holdfast::http
