// Values of a desired state as people may see them.
#pragma once

#include <string>

namespace unbolt::control {

// Fit for a terminal, cut where it is long, and '' where there is nothing to see.
std::string shown_text(const std::string& text);
// Without its password.
std::string shown_url(const std::string& url);
// Where a secret comes from; never what it is.
std::string shown_secret(const std::string& source);

}  // namespace unbolt::control
