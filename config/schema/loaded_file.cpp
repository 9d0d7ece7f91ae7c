// Files that the master reads while it loads the configuration, so that workers need no access to them.
#include "config/schema/sections.h"
#include "config/source_text.h"

namespace holdfast::config {

Kind<LoadedFile> loaded_file(std::string noun) {
  const Kind<std::string> path = path_kind(std::move(noun));
  return {path.noun, path.schema,
          [path](Reader& reader, const Node& node, LoadedFile& out) {
            if (!path.read(reader, node, out.path)) return false;
            Result<std::string> text = read_source(out.path);
            if (!text) {
              reader.problem(node.mark, shown(out.path) + " " + text.error().message());
              return false;
            }
            out.text = std::move(*text);
            return true;
          },
          [](const LoadedFile& value, const Config&) { return text_node(value.path); }};
}

}  // namespace holdfast::config
