#include <algorithm>
#include <array>

#include "common/ascii.h"
#include "config/schema/sections.h"
#include "config/source_text.h"

namespace holdfast::config {
namespace {

template <class A>
Field<Route, 0> action(std::string_view key, const Rows<A>& rows, std::string_view help,
                       void (*finish)(Reader&, const Node&, const A&) = nullptr) {
  Field<Route, 0> field;
  field.info.key = key;
  field.info.help = help;
  field.info.noun = "action";
  field.info.schema = schema_of(infos_of(rows));
  field.info.children = infos_of(rows);
  if (rows.empty()) field.info.example = "{}";
  field.read = [&rows, finish](Reader& reader, const Entry* written, Route& route) {
    if (written == nullptr) return;
    A value{};
    read_section(reader, written->value, rows, value);
    if (finish != nullptr) finish(reader, written->value, value);
    route.action = std::move(value);
  };
  field.write = [&rows](const Route& route, const Config& config) -> std::optional<Node> {
    const A* value = std::get_if<A>(&route.action);
    if (value == nullptr) return std::nullopt;
    return write_section(*value, rows, config);
  };
  return field;
}

template <class A>
const Rows<A>& no_rows() {
  static const Rows<A> rows = make_rows<A>();
  return rows;
}

std::string check_index_name(std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    return "must hold file names without a folder";
  return "";
}

bool has_bad_segment(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment.starts_with('.')) return true;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return false;
}

/// An element of `try`: "/index.html", "{path}.html", "/pages{path}.html".
std::string check_fallback(std::string& path) {
  constexpr std::string_view kPath = "{path}";
  if (path == kPath) return "must hold more than {path}: the path itself is always tried first";
  if (path.starts_with('=')) return "must hold paths only: what none of them answers is 404 anyway";
  std::string plain = path;
  if (const std::size_t at = plain.find(kPath); at != std::string::npos) plain.replace(at, kPath.size(), "/x");
  if (plain.find_first_of("{}") != std::string::npos)
    return "must hold no braces but one {path}, the path of the request";
  if (!plain.starts_with('/')) return "must hold paths that begin with / or {path}";
  if (plain.ends_with('/')) return "must hold paths of files, without a / at the end";
  const bool odd = std::any_of(plain.begin(), plain.end(), [](const char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\';
  });
  if (odd || has_bad_segment(std::string_view(plain).substr(1)))
    return "must hold paths below the root, without empty segments and such as begin with a dot";
  return "";
}

const Rows<FilesAction>& files_rows() {
  static const Rows<FilesAction> rows = make_rows<FilesAction>(
      field("root", &FilesAction::root, path_kind("path of a folder"), "", Takes::NewWorkers,
            "Folder whose files are served; nothing outside it is reachable. A relative path is taken from the "
            "folder of "
            "the configuration file.")
          .required()
          .located()
          .example("/var/www/html"),
      field("index", &FilesAction::index, list_of(text("file name", check_index_name)), "[index.html]",
            Takes::NewWorkers, "Files tried, in this order, when a folder is asked for."),
      field("listing", &FilesAction::listing, boolean(), "false", Takes::NewWorkers,
            "Whether a folder without an index file shows what is in it. Turn it on for download areas."),
      field("precompressed", &FilesAction::precompressed, list_of(coding_kind()), "", Takes::NewWorkers,
            "Kinds of ready-made compressed siblings (FILE.br, FILE.gz, FILE.zst) that are served in place of "
            "FILE to clients that take them, the first of them among those that the client likes equally. One "
            "that is older than FILE is passed over. Requests for a range get the plain content.")
          .example("[br, gzip]"),
      field("try", &FilesAction::fallbacks, list_of(text("path below the root", check_fallback)), "",
            Takes::NewWorkers,
            "Files tried, in this order, when there is nothing at the path of the request (or a folder with "
            "neither index file nor listing); {path} stands for that path. The first that is there answers "
            "with 200. For single-page applications.")
          .example("[\"{path}.html\", /index.html]"),
      field("follow_symlinks", &FilesAction::follow_symlinks,
            choice<FollowSymlinks>({{{"never", FollowSymlinks::Never},
                                     {"inside", FollowSymlinks::Inside},
                                     {"anywhere", FollowSymlinks::Anywhere}}}),
            "inside", Takes::NewWorkers,
            "Which symbolic links are followed: none, those that stay below the root, or all. `anywhere` "
            "trusts everyone "
            "who may write below the root."));
  return rows;
}

std::string check_redirect_target(std::string& target) {
  for (const char c : target)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F)
      return "must be a target in ASCII without spaces (encode others as %XX)";
  if (target.starts_with('/') || target.starts_with("http://") || target.starts_with("https://")) return "";
  return "must begin with /, http:// or https://";
}

Kind<std::uint16_t> redirect_status() {
  return choice<std::uint16_t>({{{"301", 301}, {"302", 302}, {"303", 303}, {"307", 307}, {"308", 308}}});
}

const Rows<RedirectAction>& redirect_rows() {
  static const Rows<RedirectAction> rows = make_rows<RedirectAction>(
      field("to", &RedirectAction::to, text("path or URL", check_redirect_target), "", Takes::NewWorkers,
            "Where clients are sent; the query of the request is kept unless the target has one.")
          .required()
          .example("/new"),
      field("status", &RedirectAction::status, redirect_status(), "308", Takes::NewWorkers,
            "301 and 308 are remembered by browsers, 302 and 307 are not; 307 and 308 keep the method, 303 "
            "makes it "
            "GET."));
  return rows;
}

Kind<std::uint16_t> respond_status() {
  Kind<std::uint16_t> kind = count<std::uint16_t>(200, 599);
  kind.read = [read = kind.read](Reader& reader, const Node& node, std::uint16_t& out) {
    if (!read(reader, node, out)) return false;
    if (out == 206 || out == 304)
      return reader.wrong(node, "must not be a status that answers a conditional or range request");
    return true;
  };
  return kind;
}

bool read_body_file(Reader& reader, const Node& node, RespondAction& out) {
  const Entry* const file = node.find("file");
  if (file == nullptr || node.entries.size() != 1)
    return reader.wrong(node, "must be a string or {file: PATH}");
  const Reader::Step step(reader, "file");
  if (!path_kind("").read(reader, file->value, out.body_file)) return false;
  Result<std::string> body = read_source(out.body_file);
  if (!body) {
    reader.problem(file->value.mark, shown(out.body_file) + " " + body.error().message());
    return false;
  }
  out.body = *std::move(body);
  return true;
}

Kind<RespondAction> body_kind() {
  return {"string, or {file: PATH}",
          schema_any({schema_type("string"),
                      mapping({entry("type", text_node("object")),
                               entry("properties", mapping({entry("file", schema_type("string"))})),
                               entry("required", sequence({text_node("file")})),
                               entry("additionalProperties", word_node("false"))})}),
          [](Reader& reader, const Node& node, RespondAction& out) {
            if (node.kind == Node::Kind::Map) return read_body_file(reader, node, out);
            return read_string(reader, node, out.body);
          },
          [](const RespondAction& value, const Config&) {
            if (value.body_file.empty()) return text_node(value.body);
            return mapping({entry("file", text_node(value.body_file))});
          }};
}

const Rows<RespondAction>& respond_rows() {
  static const Rows<RespondAction> rows = make_rows<RespondAction>(
      field("status", &RespondAction::status, respond_status(), "200", Takes::NewWorkers,
            "Status of the response."),
      whole<RespondAction, 2>(
          "body", body_kind(), "", Takes::NewWorkers,
          "The body itself, or `{file: PATH}` to read it once at load (at most 4 MiB; such a body is "
          "never printed).")
          .example("\"User-agent: *\\n\""),
      field("headers", &RespondAction::headers,
            pairs("map of header names to values", check_response_header, check_header_value), "",
            Takes::NewWorkers, "Headers of the response. Give a Content-Type when there is a body.")
          .example("{Content-Type: text/plain}"));
  return rows;
}

void check_respond(Reader& reader, const Node& node, const RespondAction& value) {
  if ((value.status != 204 && value.status != 205) || value.body.empty()) return;
  reader.problem(node.find("body")->value.mark,
                 "a response with status " + std::to_string(value.status) + " has no body");
}

Kind<ModuleAction> module_file() {
  const Kind<std::string> path = path_kind("path of a shared object");
  return {path.noun, path.schema,
          [path](Reader& reader, const Node& node, ModuleAction& out) {
            out.place = reader.place(node.mark);
            return path.read(reader, node, out.file);
          },
          [](const ModuleAction& value, const Config&) { return text_node(value.file); }};
}

/// Only the module knows more about them, and the process that reads this never opens a module.
Kind<Node> module_settings() {
  return {"map of settings, as the module declares them", schema_type("object"),
          [](Reader& reader, const Node& node, Node& out) {
            if (node.kind == Node::Kind::Null) return true;
            if (node.kind != Node::Kind::Map) return reader.wrong(node, "must be a map of settings");
            out = node;
            return true;
          },
          [](const Node& value, const Config&) { return value; }};
}

const Rows<ModuleAction>& module_rows() {
  static const Rows<ModuleAction> rows = make_rows<ModuleAction>(
      whole<ModuleAction, 2>(
          "file", module_file(), "", Takes::NewWorkers,
          "The shared object with the handler, which the workers open. A relative path is taken "
          "from the folder of the configuration file.")
          .required()
          .example("/usr/lib/holdfast/modules/greeter.so"),
      field("settings", &ModuleAction::settings, module_settings(), "", Takes::NewWorkers,
            "What the handler is told: the settings that its module declares. `holdfast check` says what is "
            "wrong "
            "with them, and where.")
          .example("{greeting: Hello}"));
  return rows;
}

}  // namespace

std::vector<Field<Route, 0>> action_fields() {
  return {
      action("files", files_rows(), "Serves files from a folder."),
      action("redirect", redirect_rows(), "Sends clients to another place."),
      action("respond", respond_rows(), "Answers with a fixed response.", check_respond),
      action("echo", no_rows<EchoAction>(), "Answers with the body of the request."),
      action("hello", no_rows<HelloAction>(), "Answers with a short greeting."),
      action("status", no_rows<StatusAction>(), "Shows the state of the server as JSON."),
      action("metrics", no_rows<MetricsAction>(), "Shows the metrics for Prometheus."),
      action("health", no_rows<HealthAction>(), "Answers 200 while the process lives."),
      action("websocket_echo", no_rows<WebSocketEchoAction>(), "A WebSocket that sends back what it gets."),
      action("chat", chat_rows(), "A WebSocket chat with rooms, for all clients of all workers."),
      action("module", module_rows(), "Answers with a handler of one's own, from a shared object."),
      planned<Route>("proxy", "Passes requests on to another server."),
  };
}

}  // namespace holdfast::config
