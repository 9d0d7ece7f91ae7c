// URLs of outgoing requests: what is accepted names one host, and cannot split the request that is made of it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "worker/upstream/request_text.h"
#include "worker/upstream/url.h"

namespace {

using namespace holdfast;

void require(bool holds) {
  if (!holds) std::abort();
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size()) ++found;
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<upstream::Url> url = upstream::parse_url(text);
  if (!url) {
    require(url.error().message().starts_with("must "));
    return 0;
  }
  require(!url->host.empty() && url->port != 0 && url->target.starts_with('/'));
  for (const char c : url->host + url->authority + url->target) require(c > ' ' && c < 0x7f);
  require(url->host.find_first_of("@/?#\\") == std::string::npos && url->target.find('#') == std::string::npos);
  // What was understood is understood in the same way once more.
  const Result<upstream::Url> again = upstream::parse_url(url->origin() + url->target);
  require(again && again->host == url->host && again->port == url->port && again->target == url->target &&
          again->secure == url->secure && again->literal == url->literal);
  const Result<std::string> request = upstream::request_text({}, *url);
  require(request && count(*request, "\r\n") == 4 && count(*request, "\n") == 4 &&
          request->ends_with("\r\n\r\n"));
  require(request->starts_with("GET " + url->target + " HTTP/1.1\r\nHost: " + url->authority + "\r\n"));
  return 0;
}
