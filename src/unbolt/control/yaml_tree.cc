#include "unbolt/control/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "unbolt/base/bytes.h"
#include "unbolt/component/strings.h"
#include "unbolt/contracts/text.h"

namespace unbolt::control {
namespace {

constexpr std::size_t kDeepest = 16;
constexpr std::size_t kMostNodes = 250'000;

// Ends the parser where going on makes no sense; what is wrong was reported.
struct Stop {};

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(DiagnosticSink& sink) : sink_(sink) {}

  YamlNode take() && { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    sink_.report(at(mark), "", "a second document: a manifest is one");
    throw Stop();
  }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    sink_.report(at(mark), "", fmt::format("an anchor, &{}: they are not used here", name));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    sink_.report(at(mark), "", "an alias: write out what it stands for");
    YamlNode nothing = node(mark, YamlNode::Kind::Null);
    nothing.damaged = true;
    add(std::move(nothing));
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add(node(mark, YamlNode::Kind::Null));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    check_tag(mark, tag);
    YamlNode scalar = node(mark, YamlNode::Kind::Scalar);
    scalar.text = value;
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(node(mark, YamlNode::Kind::List));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(node(mark, YamlNode::Kind::Mapping));
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or mapping whose end has not come.
  struct Open {
    YamlNode node;
    std::set<std::string, std::less<>> keys;
    enum class Next : std::uint8_t { Key, Value, DroppedValue } next = Next::Key;
  };

  Position at(const YAML::Mark& mark) const {
    return sink_.position(static_cast<std::size_t>(std::max(mark.line, 0)),
                          static_cast<std::size_t>(std::max(mark.column, 0)));
  }

  YamlNode node(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (++nodes_ > kMostNodes) {
      sink_.report(at(mark), "", fmt::format("more than {} values", kMostNodes));
      throw Stop();
    }
    YamlNode made;
    made.kind = kind;
    made.position = at(mark);
    return made;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    // The parser's own for "plain" and "quoted".
    if (tag.empty() || tag == "?" || tag == "!") return;
    sink_.report(at(mark), "", fmt::format("a tag, {}: they are not used here", tag));
  }

  void open(YamlNode node) {
    if (open_.size() == kDeepest) {
      sink_.report(node.position, "", fmt::format("nested more than {} deep", kDeepest));
      throw Stop();
    }
    open_.push_back({.node = std::move(node)});
  }

  void close() {
    YamlNode done = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(done));
  }

  void add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::List) {
      parent.node.list.push_back(std::move(node));
      return;
    }
    switch (parent.next) {
      case Open::Next::Key: return add_key(parent, std::move(node));
      case Open::Next::Value: {
        auto& entry = parent.node.entries.back();
        entry.value = std::move(node);
        // What is not there has the place of whatever comes next.
        if (entry.value.kind == YamlNode::Kind::Null) entry.value.position = entry.key_position;
        break;
      }
      case Open::Next::DroppedValue: break;
    }
    parent.next = Open::Next::Key;
  }

  void add_key(Open& parent, YamlNode key) {
    parent.next = Open::Next::DroppedValue;
    const bool was_damaged = std::exchange(parent.node.damaged, true);
    if (key.kind != YamlNode::Kind::Scalar) {
      sink_.report(key.position, "", "a key is text here", "put it in quotes");
    } else if (!parent.keys.insert(key.text).second) {
      sink_.report(key.position, "",
                   fmt::format("'{}' stands here twice", contracts::printable(key.text, 100)),
                   fmt::format("the first one is in line {}", line_of(parent.node, key.text)));
    } else {
      parent.next = Open::Next::Value;
      parent.node.damaged = was_damaged;
      parent.node.entries.push_back({.key = std::move(key.text), .key_position = key.position});
    }
  }

  static std::size_t line_of(const YamlNode& mapping, std::string_view key) {
    const auto found = std::ranges::find(mapping.entries, key, &YamlNode::Entry::key);
    return found == mapping.entries.end() ? 0 : found->key_position.line;
  }

  DiagnosticSink& sink_;
  YamlNode root_;
  std::vector<Open> open_;
  std::size_t documents_ = 0, nodes_ = 0;
};

// The parser's messages say what it met, not what its author did.
std::string_view hint_for(std::string_view message) {
  if (message == YAML::ErrorMsg::MAP_VALUE) {
    return "put a value with ': ' in it or ':' at its end in quotes";
  }
  if (message == YAML::ErrorMsg::END_OF_MAP || message == YAML::ErrorMsg::END_OF_SEQ) {
    return "is it indented as the lines above?";
  }
  if (message == YAML::ErrorMsg::END_OF_MAP_FLOW || message == YAML::ErrorMsg::END_OF_SEQ_FLOW) {
    return "is a quote or a bracket not closed?";
  }
  return {};
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

std::optional<YamlNode> read_yaml(std::string_view text, DiagnosticSink& sink) {
  if (text.size() > kLargestManifest) {
    sink.report({}, "",
                fmt::format("{} bytes: a manifest has at most {}", text.size(), kLargestManifest));
    return std::nullopt;
  }
  // The parser would guess at other encodings by their zero bytes.
  if (text.contains('\0') || !component::valid_utf8(as_bytes(text))) {
    sink.report({}, "", "this is not UTF-8 text");
    return std::nullopt;
  }
  TreeBuilder builder(sink);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      sink.report({}, "", "the manifest is empty", "the least is: components: {NAME: ./FILE.wasm}");
      return std::nullopt;
    }
    parser.HandleNextDocument(builder);
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::Exception& e) {
    Position position;
    if (!e.mark.is_null()) {
      position = sink.position(static_cast<std::size_t>(e.mark.line),
                               static_cast<std::size_t>(e.mark.column));
    }
    sink.report(position, "", "this is not YAML: " + e.msg, hint_for(e.msg));
    return std::nullopt;
  }
  return std::move(builder).take();
}

}  // namespace unbolt::control
