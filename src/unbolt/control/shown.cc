#include "unbolt/control/shown.h"

#include "unbolt/contracts/provider_url.h"
#include "unbolt/contracts/text.h"

namespace unbolt::control {

std::string shown_text(const std::string& text) {
  return text.empty() ? "''" : contracts::printable(text, 200);
}

std::string shown_url(const std::string& url) {
  const auto parsed = contracts::parse_provider_url(url);
  return parsed ? parsed->shown() : contracts::printable(contracts::without_password(url), 500);
}

std::string shown_secret(const std::string& source) {
  return source.starts_with("env:") || source.starts_with("file:")
             ? contracts::printable(source, 200)
             : "value:***";
}

}  // namespace unbolt::control
