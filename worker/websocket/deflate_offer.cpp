#include "worker/websocket/deflate_offer.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/ascii.h"

namespace holdfast::websocket {
namespace {

constexpr std::string_view kExtension = "permessage-deflate";

struct Parameter {
  std::string_view name;
  std::optional<std::string> value;  // without quotes and backslashes
};

struct Extension {
  std::string_view name;
  std::vector<Parameter> parameters;
};

// Reads the list of one field's value: extension = token *( ";" token [ "=" ( token | quoted-string ) ] ).
class ExtensionReader {
 public:
  explicit ExtensionReader(std::string_view text) : rest_(text) {}

  /// The next extension; nothing at the end of the list, or where it breaks the grammar: see malformed().
  std::optional<Extension> next() {
    while (skip(',')) {
    }
    if (rest_.empty()) return std::nullopt;
    Extension extension{take_token(), {}};
    if (extension.name.empty()) return broken();
    while (skip(';')) {
      Parameter parameter{take_token(), {}};
      if (parameter.name.empty()) return broken();
      if (skip('=') && !take_value(parameter)) return broken();
      extension.parameters.push_back(std::move(parameter));
    }
    if (!rest_.empty() && rest_.front() != ',') return broken();
    return extension;
  }
  bool malformed() const { return malformed_; }

 private:
  std::nullopt_t broken() {
    malformed_ = true;
    return std::nullopt;
  }
  void skip_space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }
  bool skip(char mark) {
    skip_space();
    if (rest_.empty() || rest_.front() != mark) return false;
    rest_.remove_prefix(1);
    skip_space();
    return true;
  }
  std::string_view take_token() {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_char);
    const std::string_view token = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(token.size());
    return token;
  }
  bool take_value(Parameter& parameter) {
    if (rest_.empty() || rest_.front() != '"') {
      parameter.value = take_token();
      return !parameter.value->empty();
    }
    rest_.remove_prefix(1);
    return take_quoted(parameter.value.emplace());
  }
  // RFC 6455 section 9.1: what remains without the quotes must be a token all the same.
  bool take_quoted(std::string& value) {
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) return false;
      value += rest_.front();
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return false;
    rest_.remove_prefix(1);
    return is_token(value);
  }

  std::string_view rest_;
  bool malformed_ = false;
};

// A window as RFC 7692 section 7.1.2 writes it: 8 to 15, decimal, no leading zero; 0 when it is not.
std::uint8_t window_bits(const std::string& text) {
  const std::optional<std::uint64_t> value = parse_decimal(text);
  if (!value || text.front() == '0' || *value < kLeastOfferedBits || *value > kMostWindowBits) return 0;
  return static_cast<std::uint8_t>(*value);
}

// The parameters of one offer, each at most once.
struct Offer {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<std::uint8_t> server_bits;
  std::optional<std::uint8_t> client_bits;

  bool take(const Parameter& parameter) {
    if (parameter.name == "server_no_context_takeover") return take_flag(server_no_context_takeover, parameter);
    if (parameter.name == "client_no_context_takeover") return take_flag(client_no_context_takeover, parameter);
    if (parameter.name == "server_max_window_bits") return parameter.value && take_bits(server_bits, parameter);
    if (parameter.name == "client_max_window_bits") return take_bits(client_bits, parameter);
    return false;
  }

 private:
  static bool take_flag(bool& flag, const Parameter& parameter) {
    if (flag || parameter.value) return false;
    flag = true;
    return true;
  }
  // Without a value the client says only that it could be told one.
  static bool take_bits(std::optional<std::uint8_t>& bits, const Parameter& parameter) {
    if (bits) return false;
    bits = parameter.value ? window_bits(*parameter.value) : kMostWindowBits;
    return *bits != 0;
  }
};

std::optional<DeflateAgreement> grant(const Extension& extension, const DeflatePolicy& policy) {
  Offer offer;
  for (const Parameter& parameter : extension.parameters)
    if (!offer.take(parameter)) return std::nullopt;
  // A client that asks for 8 may keep 256 bytes only, and zlib has no raw deflate with less than 512. The other
  // direction has no such limit: what fits into 256 bytes can be inflated with more.
  if (offer.server_bits && *offer.server_bits < kLeastWindowBits) return std::nullopt;
  DeflateAgreement agreement;
  agreement.server_no_context_takeover = offer.server_no_context_takeover || policy.server_no_context_takeover;
  agreement.client_no_context_takeover = offer.client_no_context_takeover || policy.client_no_context_takeover;
  agreement.server_window_bits =
      std::min(offer.server_bits.value_or(kMostWindowBits), policy.server_window_bits);
  agreement.tells_server_bits = offer.server_bits.has_value();
  // RFC 7692 section 7.1.2.2: a client that did not offer the parameter must not be answered with it.
  if (offer.client_bits) {
    agreement.client_window_bits = std::min(*offer.client_bits, policy.client_window_bits);
    agreement.tells_client_bits = agreement.client_window_bits < kMostWindowBits;
  }
  return agreement;
}

}  // namespace

std::string DeflateAgreement::answer() const {
  std::string text(kExtension);
  if (server_no_context_takeover) text += "; server_no_context_takeover";
  if (client_no_context_takeover) text += "; client_no_context_takeover";
  if (tells_server_bits) text += "; server_max_window_bits=" + std::to_string(server_window_bits);
  if (tells_client_bits) text += "; client_max_window_bits=" + std::to_string(client_window_bits);
  return text;
}

DeflateNegotiation negotiate_deflate(std::span<const api::Field> fields, const DeflatePolicy& policy) {
  DeflateNegotiation negotiation;
  for (const api::Field& field : fields) {
    if (!ascii_iequals(field.name, "sec-websocket-extensions")) continue;
    ExtensionReader reader(field.value);
    while (const std::optional<Extension> extension = reader.next())
      if (!negotiation.agreement && extension->name == kExtension)
        negotiation.agreement = grant(*extension, policy);
    if (reader.malformed()) return {true, std::nullopt};
  }
  return negotiation;
}

}  // namespace holdfast::websocket
