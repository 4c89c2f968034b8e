// The projects that `unbolt new` makes: the files of the folder templates/, which are built into
// the program.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"

namespace unbolt::project {

// The languages there are templates for, and the kinds of one of them.
std::vector<std::string> template_languages();
std::vector<std::string> template_kinds(std::string_view language);

struct Template {
  // The files of the project by their paths; one named wit/world.wit where it has a world.
  std::map<std::string, std::string> files;
  bool has_world() const { return files.contains("wit/world.wit"); }
};

// `words` take the place of what stands between two `@`. NotFound says what there is.
Result<Template> make_template(std::string_view language, std::string_view kind,
                               const std::map<std::string, std::string>& words);

}  // namespace unbolt::project
