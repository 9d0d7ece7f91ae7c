#include "config/schema/reader.h"

#include <utility>

namespace holdfast::config {
namespace {

std::string described(const Node& node) {
  switch (node.kind) {
    case Node::Kind::Null:
      return "empty";
    case Node::Kind::Scalar:
      return node.quoted ? "the text \"" + shown(node.text) + "\"" : "`" + shown(node.text) + "`";
    case Node::Kind::Sequence:
      return "a list";
    case Node::Kind::Map:
      return "a map";
    case Node::Kind::Refused:
      return "";
  }
  return "";
}

}  // namespace

std::uint32_t Reader::add_file(const std::string& name, const std::string& directory) {
  files_.push_back({name, directory});
  return static_cast<std::uint32_t>(files_.size() - 1);
}

Place Reader::place(const Mark& mark) const {
  return {mark.file < files_.size() ? files_[mark.file].name : std::string(), mark.line, mark.column};
}

void Reader::problem(const Mark& mark, std::string message) {
  problems_.push_back({place(mark), std::move(message)});
}

void Reader::warning(const Mark& mark, std::string message) {
  warnings_.push_back({place(mark), std::move(message)});
}

bool Reader::wrong(const Node& node, std::string_view requirement, std::string_view hint) {
  if (node.kind == Node::Kind::Refused) return false;
  std::string message = "`" + std::string(key()) + "` ";
  message.append(requirement).append(", not ").append(described(node));
  if (!hint.empty()) message.append("; ").append(hint);
  problem(node.mark, std::move(message));
  return false;
}

bool Reader::unavailable(const Mark& mark, std::string_view what) {
  problem(mark, "`" + std::string(what) + "` is not available in this version of holdfast");
  return false;
}

bool Reader::unavailable_value(const Node& node) {
  return unavailable(node.mark, std::string(key()) + ": " + shown(node.text));
}

void Reader::remember_place(const Mark& mark) {
  config_.places[path()] = place(mark);
}

std::string Reader::path() const {
  std::string text;
  for (const Segment& segment : path_) {
    if (segment.is_index) {
      text += "[" + std::to_string(segment.index) + "]";
    } else {
      if (!text.empty()) text += '.';
      text += segment.key;
    }
  }
  return text;
}

std::string_view Reader::key() const {
  for (auto segment = path_.rbegin(); segment != path_.rend(); ++segment)
    if (!segment->is_index) return segment->key;
  return "the file";
}

}  // namespace holdfast::config
