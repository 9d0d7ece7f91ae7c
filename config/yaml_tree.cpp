#include "config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <unordered_map>

#include "config/environment.h"
#include "config/source_text.h"

namespace holdfast::config {
namespace {

struct Stop {};  // the rest of the document cannot be understood; the problem has been reported

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, std::uint32_t file, std::vector<TreeProblem>& problems)
      : lines_(text), file_(file), problems_(problems) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    stop(mark, "more than one YAML document in the file");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (expects_key()) return refuse_key(mark, "an empty key");
    Node node;
    node.mark = frames_.empty() ? convert(mark) : frames_.back().value_mark();
    add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    if (expects_key()) return refuse_key(mark, "an alias as a key");
    problem(convert(mark), "aliases (`*name`) are not supported: write the value out");
    add(refused(mark));
  }

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    problem(convert(mark), "anchors (`&" + shown(name) + "`) are not supported: write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    const bool was_quoted = tag == "!";
    if (was_quoted && !lines_.quote_is_closed(mark.line, mark.column)) stop(mark, "this quote is never closed");
    if (expects_key()) return set_key(mark, tag, value);
    if (refuse_tag(mark, tag)) return add(refused(mark));
    Node node = refused(mark);
    node.quoted = was_quoted;
    const Expanded expanded = expand_environment(value);
    if (!expanded.problem.empty()) {
      problem(node.mark, expanded.problem);
    } else if (expanded.text.find('\0') != std::string::npos) {
      problem(node.mark, "a value must not contain a NUL character");
    } else {
      node.kind = Node::Kind::Scalar;
      node.text = expanded.text;
    }
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::Sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::Map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    bool has_key = false;
    bool drop_value = false;  // of a key that was refused
    std::string key;
    Mark key_mark;
    std::unordered_map<std::string, int> seen;  // key -> line

    Mark value_mark() const { return node.kind == Node::Kind::Map ? key_mark : node.mark; }
  };

  Mark convert(const YAML::Mark& mark) const {
    return {file_, mark.line + 1, lines_.character_column(mark.line, mark.column) + 1};
  }

  Node refused(const YAML::Mark& mark) const {
    Node node;
    node.kind = Node::Kind::Refused;
    node.mark = convert(mark);
    return node;
  }

  void problem(Mark mark, std::string message) { problems_.push_back({mark, std::move(message)}); }

  [[noreturn]] void stop(const YAML::Mark& mark, std::string message) {
    problem(convert(mark), std::move(message));
    throw Stop{};
  }

  bool expects_key() const {
    return !frames_.empty() && frames_.back().node.kind == Node::Kind::Map && !frames_.back().has_key;
  }

  bool refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return false;
    problem(convert(mark), "YAML tags are not supported");
    return true;
  }

  void refuse_key(const YAML::Mark& mark, const std::string& what) {
    problem(convert(mark), what + " is not supported: a key is a word");
    Frame& frame = frames_.back();
    frame.has_key = frame.drop_value = true;
    frame.key_mark = convert(mark);
  }

  void set_key(const YAML::Mark& mark, const std::string& tag, const std::string& key) {
    if (refuse_tag(mark, tag)) return refuse_key(mark, "a tagged key");
    if (key == "<<" && tag != "!") return refuse_key(mark, "the merge key (`<<`)");
    if (key.find('\0') != std::string::npos) return refuse_key(mark, "a NUL character in a key");
    Frame& frame = frames_.back();
    frame.has_key = true;
    frame.key = key;
    frame.key_mark = convert(mark);
    const auto [earlier, is_new] = frame.seen.emplace(key, frame.key_mark.line);
    frame.drop_value = !is_new;
    if (is_new) return;
    problem(frame.key_mark, "duplicate key `" + shown(key) + "` in line " +
                                std::to_string(frame.key_mark.line) + ": it is already set in line " +
                                std::to_string(earlier->second));
  }

  void open(const YAML::Mark& mark, const std::string& tag, Node::Kind kind) {
    if (expects_key()) stop(mark, "a list or map as a key is not supported: a key is a word");
    if (frames_.size() >= kMaxNesting)
      stop(mark, "nested more than " + std::to_string(kMaxNesting) + " levels deep");
    Frame frame;
    refuse_tag(mark, tag);
    frame.node.kind = kind;
    frame.node.mark = convert(mark);
    frames_.push_back(std::move(frame));
  }

  void close() {
    Node node = std::move(frames_.back().node);
    frames_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Node::Kind::Sequence) {
      frame.node.items.push_back(std::move(node));
      return;
    }
    if (!frame.drop_value)
      frame.node.entries.push_back({std::move(frame.key), frame.key_mark, std::move(node)});
    frame.has_key = frame.drop_value = false;
  }

  SourceLines lines_;
  std::uint32_t file_;
  std::vector<TreeProblem>& problems_;
  std::vector<Frame> frames_;
  Node root_;
  int documents_ = 0;
};

TreeProblem syntax_problem(const SourceLines& lines, std::uint32_t file, const YAML::Exception& failure) {
  const Mark mark{file, failure.mark.line + 1,
                  lines.character_column(failure.mark.line, failure.mark.column) + 1};
  if (const int tab = lines.indenting_tab(failure.mark.line); tab >= 0)
    return {Mark{file, mark.line, tab + 1}, "a tab in the indentation: YAML takes only spaces there"};
  if (failure.msg.find("flow not found") != std::string::npos)
    return {
        mark,
        "not valid YAML: the { or [ around this is not closed; a value with one of {}[], needs quotes here"};
  if (failure.msg.find("end of map not found") != std::string::npos ||
      failure.msg.find("end of sequence not found") != std::string::npos)
    return {mark, "not valid YAML: this line is indented otherwise than those that it belongs to"};
  return {mark, "not valid YAML: " + failure.msg};
}

void parse_into(TreeBuilder& builder, std::string_view text, std::uint32_t file,
                std::vector<TreeProblem>& problems) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
    // Its place and reason are among the problems.
  } catch (const YAML::Exception& failure) {
    problems.push_back(syntax_problem(SourceLines(text), file, failure));
  } catch (const std::exception& failure) {
    problems.push_back({Mark{file, 0, 0}, std::string("cannot be read as YAML: ") + failure.what()});
  }
}

}  // namespace

const Entry* Node::find(std::string_view key) const {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

Node word_node(std::string_view text) {
  Node node;
  node.kind = Node::Kind::Scalar;
  node.text = text;
  return node;
}

Node text_node(std::string_view text) {
  Node node = word_node(text);
  node.quoted = true;
  return node;
}

Node sequence(std::vector<Node> items) {
  Node node;
  node.kind = Node::Kind::Sequence;
  node.items = std::move(items);
  return node;
}

Node mapping(std::vector<Entry> entries) {
  Node node;
  node.kind = Node::Kind::Map;
  node.entries = std::move(entries);
  return node;
}

Node parse_yaml(std::string_view text, std::uint32_t file, std::vector<TreeProblem>& problems) {
  const std::size_t before = problems.size();
  if (!check_encoding(text, file, problems)) {
    Node node;
    node.kind = Node::Kind::Refused;
    return node;
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  TreeBuilder builder(text, file, problems);
  parse_into(builder, text, file, problems);
  Node root = builder.take();
  if (root.kind == Node::Kind::Null && problems.size() > before) root.kind = Node::Kind::Refused;
  return root;
}

std::string shown(std::string_view text, std::size_t longest) {
  std::string_view head = text.substr(0, longest);
  if (head.size() < text.size())
    while (!head.empty() && (static_cast<unsigned char>(text[head.size()]) & 0xC0) == 0x80)
      head.remove_suffix(1);
  std::string out;
  for (const char c : head) {
    const auto byte = static_cast<unsigned char>(c);
    constexpr std::string_view kHex = "0123456789ABCDEF";
    if (byte >= 0x20 && byte != 0x7F) {
      out += c;
    } else {
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
  if (head.size() < text.size()) out += "...";
  return out;
}

}  // namespace holdfast::config
