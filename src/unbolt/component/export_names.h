// The names by which people call a component's exported functions, from a command line or a path.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/component/plan.h"

namespace unbolt::component {

// "package:name/interface@1.2.0" SEPARATOR "function"; the package and the version may be left out
// where no other function is then meant, too. A function of the world's top level has its own name
// alone. Immutable; `plan` outlives it.
class ExportNames {
 public:
  ExportNames(const Plan& plan, char separator);

  // NotFound for a name that none has, with the nearest ones as the hint; InvalidArgument where it
  // may be one or another.
  Result<const ExportedFunc*> find(std::string_view name) const;

  std::string full(const ExportedFunc& func) const;
  // The shortest name that `find` takes to this function.
  std::string shortest(const ExportedFunc& func) const;
  // Those that were probably meant, where they are equally near; each the shortest of its function.
  std::vector<std::string> nearest(std::string_view name) const;

 private:
  struct Meant {
    const ExportedFunc* in_full = nullptr;
    std::vector<const ExportedFunc*> in_short;
  };
  std::vector<std::string> short_names(const ExportedFunc& func) const;

  const Plan& plan_;
  const char separator_;
  std::map<std::string, Meant, std::less<>> names_;
};

}  // namespace unbolt::component
