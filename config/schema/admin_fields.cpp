#include "config/schema/sections.h"

namespace holdfast::config {
namespace {

Kind<Admin> bind_kind() {
  const Kind<Endpoint> address = endpoint();
  return {"address and port, unix:PATH, or off", address.schema,
          [address](Reader& reader, const Node& node, Admin& out) {
            out.enabled = node.kind != Node::Kind::Scalar || node.text != "off";
            if (!out.enabled) return out.bind = Endpoint(), true;
            return address.read(reader, node, out.bind);
          },
          [address](const Admin& value, const Config& config) {
            return value.enabled ? address.write(value.bind, config) : word_node("off");
          }};
}

const Rows<Admin>& admin_rows() {
  static const Rows<Admin> rows = make_rows<Admin>(
      whole<Admin, 2>("bind", bind_kind(), "127.0.0.1:9180", Takes::NewWorkers,
                      "Address of /metrics, /healthz, /readyz, /status and / (the dashboard). Open it to the "
                      "network only where Prometheus "
                      "needs that; `off` closes it."),
      field("allow", &Admin::allow, list_of(address_or_network()), "[127.0.0.1, \"::1\"]", Takes::NewWorkers,
            "Addresses and networks that may ask the admin listener; others are disconnected. Add the machine "
            "that collects "
            "the "
            "metrics."));
  return rows;
}

}  // namespace

Kind<Admin> admin_kind() {
  const Kind<Admin> open = section(admin_rows());
  return {"section, or off", schema_any({schema_words({"off"}), open.schema}),
          [open](Reader& reader, const Node& node, Admin& out) {
            if (node.kind != Node::Kind::Scalar || node.text != "off") return open.read(reader, node, out);
            return open.read(reader, mapping({entry("bind", word_node("off"))}), out);
          },
          open.write, open.children};
}

}  // namespace holdfast::config
