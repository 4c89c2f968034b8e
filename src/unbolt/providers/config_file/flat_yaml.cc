#include "unbolt/providers/config_file/flat_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "unbolt/base/bytes.h"
#include "unbolt/component/strings.h"
#include "unbolt/contracts/text.h"

namespace unbolt::providers {
namespace {

using contracts::ConfigValues;

// Ends the parser.
struct Wrong {
  int line;  // from 0
  std::string what;
};

class FlatMapping final : public YAML::EventHandler {
 public:
  ConfigValues take() && { return std::move(values_); }
  bool empty() const { return !begun_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    throw Wrong{mark.line, "anchors are not used here"};
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Wrong{mark.line, "aliases are not used here"};
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (!begun_) return;  // a text of comments
    if (!name_) throw Wrong{mark.line, "a value without a name"};
    // The mark of nothing is that of what comes next.
    throw Wrong{name_line_, fmt::format("'{}' has no value: write '' for an empty one",
                                        contracts::printable(*name_, 64))};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    if (!begun_) throw Wrong{mark.line, "a value without a name: write NAME: VALUE"};
    // "?" and "!" are of scalars without a tag, plain and quoted.
    if (!tag.empty() && tag != "?" && tag != "!") throw Wrong{mark.line, "tags are not used here"};
    if (!name_) {
      name_ = value;
      name_line_ = mark.line;
      return;
    }
    if (!values_.emplace(*name_, value).second) {
      throw Wrong{mark.line,
                  fmt::format("'{}' stands there twice", contracts::printable(*name_, 64))};
    }
    name_.reset();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    throw nested(mark, "a list");
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    if (std::exchange(begun_, true)) throw nested(mark, "a mapping");
  }
  void OnMapEnd() override {}

 private:
  Wrong nested(const YAML::Mark& mark, std::string_view what) const {
    if (!name_) return {mark.line, fmt::format("{} where NAME: VALUE is expected", what)};
    return {mark.line, fmt::format("'{}' is {}: a value is text or a number",
                                   contracts::printable(*name_, 64), what)};
  }

  bool begun_ = false;
  std::optional<std::string> name_;  // whose value comes next
  int name_line_ = 0;
  ConfigValues values_;
};

}  // namespace

Result<ConfigValues> read_flat_yaml(std::string_view text) {
  if (!component::valid_utf8(as_bytes(text)) || text.contains('\0'))
    return fail(ErrorCode::InvalidArgument, "it is not UTF-8 text");
  try {
    // The end of a document within quotes is an error to the parser, and the end of the text is
    // not: so a file that was cut off is found out.
    std::istringstream stream{std::string(text) + "\n...\n"};
    YAML::Parser parser(stream);
    FlatMapping mapping;
    parser.HandleNextDocument(mapping);
    // A file that is being written anew is empty for a moment.
    if (mapping.empty())
      return fail(ErrorCode::InvalidArgument, "it is empty: write {{}} for no values");
    FlatMapping more;
    if (parser.HandleNextDocument(more))
      return fail(ErrorCode::InvalidArgument, "it holds a second document");
    return std::move(mapping).take();
  } catch (const Wrong& wrong) {
    return fail(ErrorCode::InvalidArgument, "line {}: {}", wrong.line + 1, wrong.what);
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::InvalidArgument, "line {}: {}", error.mark.line + 1, error.msg);
  }
}

}  // namespace unbolt::providers
