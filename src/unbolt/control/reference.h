// The fields of a manifest as docs/manifest.md has them, of the table that the parser uses.
#pragma once

#include <string>

namespace unbolt::control {

// Tables in Markdown, one a mapping.
std::string manifest_reference();

}  // namespace unbolt::control
