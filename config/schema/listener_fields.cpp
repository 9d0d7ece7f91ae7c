#include <algorithm>

#include "common/ascii.h"
#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

/// Clients that were asked nothing begin with HTTP/1.1, so it cannot be left out.
Kind<std::vector<WireProtocol>> protocols_kind() {
  Kind<std::vector<WireProtocol>> kind =
      list_of(choice<WireProtocol>({{{"h2", WireProtocol::Http2}, {"http/1.1", WireProtocol::Http11}}}), 1);
  const auto read = kind.read;
  kind.read = [read](Reader& reader, const Node& node, std::vector<WireProtocol>& out) {
    if (!read(reader, node, out)) return false;
    if (std::ranges::find(out, WireProtocol::Http11) != out.end()) return true;
    reader.problem(node.mark, "`protocols` must hold http/1.1; h2 comes beside it");
    return false;
  };
  return kind;
}

/// on, off, or {from: [...]}.
Kind<ProxyProtocol> proxy_protocol_kind() {
  static const Rows<ProxyProtocol> rows = make_rows<ProxyProtocol, /*enabled*/ 1>(
      field("from", &ProxyProtocol::from, list_of(address_or_network(), 1), "", Takes::NewWorkers,
            "Load balancers: addresses and networks; connections from elsewhere are closed.")
          .required()
          .example("[10.0.0.0/8]"));
  const Kind<ProxyProtocol> open = section(rows);
  return {"on, off, or a section", schema_any({schema_words({"on", "off"}), open.schema}),
          [open](Reader& reader, const Node& node, ProxyProtocol& out) {
            out = ProxyProtocol{};
            if (node.kind == Node::Kind::Scalar && node.text == "off") return true;
            out.enabled = true;
            if (node.kind == Node::Kind::Scalar && node.text == "on") return true;
            if (node.kind != Node::Kind::Map)
              return reader.wrong(node, "must be on, off or {from: [ADDRESS, ...]}");
            return open.read(reader, node, out);
          },
          [open](const ProxyProtocol& value, const Config& config) {
            if (!value.from.empty()) return open.write(value, config);
            return word_node(value.enabled ? "on" : "off");
          },
          open.children};
}

/// off, on (port 443), or a port.
Kind<std::uint16_t> https_redirect_kind() {
  constexpr std::uint16_t kHttps = 443;
  const Kind<std::uint16_t> port = count<std::uint16_t>(1, 65535);
  return {"off, on, or a port", schema_any({schema_words({"off", "on"}), port.schema}),
          [port](Reader& reader, const Node& node, std::uint16_t& out) {
            const bool scalar = node.kind == Node::Kind::Scalar;
            const bool word = scalar && (node.text == "off" || node.text == "on");
            const bool digits = scalar && node.text.find_first_not_of("0123456789") == std::string::npos;
            if (!word && !digits)
              return reader.wrong(node, "must be off, on or the port of https",
                                  is_word(node, "true") || is_word(node, "yes") ? "write `on`" : "");
            if (!word) return port.read(reader, node, out);
            out = node.text == "on" ? kHttps : 0;
            return true;
          },
          [](const std::uint16_t& value, const Config&) {
            return word_node(value == 0 ? "off" : value == kHttps ? "on" : std::to_string(value));
          }};
}

const Rows<Listener>& listener_rows() {
  static const Rows<Listener> rows = make_rows<Listener, /*name, place*/ 2>(
      field("bind", &Listener::bind, endpoint(), "", Takes::NewWorkers,
            "Address and port: `0.0.0.0:80`, `[::]:80` (IPv4 too), `127.0.0.1:8080`, or "
            "`unix:/run/holdfast/http.sock`.")
          .required()
          .example("0.0.0.0:80"),
      field(
          "protocols", &Listener::protocols, protocols_kind(), "[h2, http/1.1]", Takes::NewWorkers,
          "Protocols that are spoken: `http/1.1`, and HTTP/2 as `h2`: over TLS for clients that ask for it, in "
          "clear for those that begin with it."),
      field("tls", &Listener::tls, tls_kind(), "off", Takes::NewWorkers,
            "Certificates and versions of TLS; `off`: plain connections.")
          .example("{certificates: [{certificate: tls/site.pem, key: tls/site.key}]}"),
      field(
          "https_redirect", &Listener::https_redirect, https_redirect_kind(), "off", Takes::NewWorkers,
          "Whether requests in clear are sent on to https (308), at port 443 (`on`) or another; what is below "
          "`/.well-known/acme-challenge/` is still served."),
      field("proxy_protocol", &Listener::proxy_protocol, proxy_protocol_kind(), "off", Takes::NewWorkers,
            "Whether a load balancer in front sends the client's address first (PROXY protocol, version 1 or "
            "2). Then every "
            "connection must begin so. With `on` whoever connects is believed: name the balancers in `from` "
            "unless only they "
            "can reach the listener.")
          .example("{from: [10.0.0.0/8]}"));
  return rows;
}

bool is_listener_name(std::string_view name) {
  for (const char c : name)
    if (!is_ascii_digit(c) && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') && c != '_' && c != '-' &&
        c != '.')
      return false;
  return !name.empty();
}

bool read_listeners(Reader& reader, const Node& node, std::vector<Listener>& out) {
  if (node.kind != Node::Kind::Map) return reader.wrong(node, "must be a map of names to listeners");
  if (node.entries.empty()) return reader.wrong(node, "must hold at least one listener");
  out.clear();
  for (const Entry& written : node.entries) {
    const Reader::Step step(reader, written.key);
    if (!is_listener_name(written.key))
      reader.problem(written.mark,
                     "`" + shown(written.key) + "` is no name for a listener: use letters, digits, - _ .");
    Listener listener;
    listener.name = written.key;
    listener.place = reader.place(written.mark);
    read_section(reader, written.value, listener_rows(), listener);
    out.push_back(std::move(listener));
  }
  return true;
}

}  // namespace

Kind<std::vector<Listener>> listeners_kind() {
  Node schema = mapping({entry("type", text_node("object")),
                         entry("additionalProperties", schema_of(infos_of(listener_rows())))});
  return {"map of names to listeners",
          std::move(schema),
          read_listeners,
          [](const std::vector<Listener>& listeners, const Config& config) {
            std::vector<Entry> entries;
            for (const Listener& listener : listeners)
              entries.push_back(entry(listener.name, write_section(listener, listener_rows(), config)));
            return mapping(std::move(entries));
          },
          infos_of(listener_rows()),
          "NAME."};
}

}  // namespace holdfast::config
