// Any bytes as a request target: the parser stays within its buffers, and what it accepts cannot leave a root.
// The first byte chooses the method.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "worker/http/percent_encoding.h"
#include "worker/http/request_target.h"

namespace {

using holdfast::http::RequestTarget;
using holdfast::http::TargetForm;

void require(bool holds) {
  if (!holds) std::abort();
}

bool has_segment(std::string_view path, std::string_view segment) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = path.find('/');
    if (path.substr(0, end) == segment) return true;
    if (end == std::string_view::npos) return false;
    path.remove_prefix(end);
  }
  return false;
}

void check_path(const RequestTarget& target) {
  require(!target.path.empty() && target.path.front() == '/');
  require(!has_segment(target.path, ".") && !has_segment(target.path, ".."));
  require(target.path.find('\0') == std::string_view::npos);
  require(target.path.find('\\') == std::string_view::npos);
  require(target.query.find('#') == std::string_view::npos);
  require(target.query.find('\n') == std::string_view::npos);
}

// A path that is escaped and taken apart again is the same path, but for the slashes that escaping joins at its
// start and the escapes that stayed.
void check_round_trip(const RequestTarget& target) {
  if (target.encoded_slash || target.path.starts_with("//")) return;
  std::string escaped;
  holdfast::http::append_encoded_path(escaped, target.path);
  std::vector<char> room(holdfast::http::decoded_room(escaped));
  const RequestTarget again = holdfast::http::parse_request_target(escaped, holdfast::api::Method::Get, room);
  require(again.form == TargetForm::Origin && again.path == target.path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto methods = static_cast<unsigned>(holdfast::api::Method::kCount);
  const auto method = static_cast<holdfast::api::Method>(data[0] % methods);
  // A copy of its exact size, so that the sanitizer sees a read beyond it.
  const std::vector<char> text(data + 1, data + size);
  const std::string_view raw(text.data(), text.size());
  std::vector<char> room(holdfast::http::decoded_room(raw));
  const RequestTarget target = holdfast::http::parse_request_target(raw, method, room);
  if (target.form == TargetForm::Origin || target.form == TargetForm::Absolute) {
    check_path(target);
    check_round_trip(target);
  }
  if (const auto host = holdfast::http::host_of_authority(raw)) require(host->size() <= raw.size());
  return 0;
}
