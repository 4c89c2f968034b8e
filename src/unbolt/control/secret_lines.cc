#include <algorithm>
#include <string>

#include "unbolt/contracts/provider_url.h"
#include "unbolt/control/diagnostic.h"

namespace unbolt::control {
namespace {

constexpr std::string_view kHidden = "***";

std::size_t indentation(std::string_view line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}

bool is_empty(std::string_view line) {
  const std::size_t start = indentation(line);
  return start == line.size() || line[start] == '#';
}

// What follows `key:` wherever it stands in the line; npos where it does not.
std::size_t after_key(std::string_view line, std::string_view key) {
  for (std::size_t at = line.find(key); at != line.npos; at = line.find(key, at + 1)) {
    std::size_t end = at + key.size();
    if (end < line.size() && (line[end] == '"' || line[end] == '\'')) ++end;
    end = std::min(line.find_first_not_of(" \t", end), line.size());
    if (end < line.size() && line[end] == ':') return end + 1;
  }
  return line.npos;
}

// Whether a line that this one is indented below has the key.
bool is_below(const std::vector<std::string_view>& lines, std::size_t number,
              std::string_view key) {
  std::size_t least = is_empty(lines[number]) ? lines[number].npos : indentation(lines[number]);
  while (number > 0 && least > 0) {
    const std::string_view above = lines[--number];
    if (is_empty(above) || indentation(above) >= least) continue;
    least = indentation(above);
    if (after_key(above, key) != above.npos) return true;
  }
  return false;
}

// Where the value begins of `key: value`, or what is there where there is no key.
std::size_t value_start(std::string_view line) {
  const std::size_t colon = line.find(": ");
  if (colon != line.npos) return colon + 2;
  return line.ends_with(':') ? line.size() : indentation(line);
}

void hide_from(std::string& line, std::size_t start) {
  start = std::min(line.find_first_not_of(" \t", start), line.size());
  if (start < line.size()) line.replace(start, line.npos, kHidden);
}

// `password=hunter2`.
void hide_options(std::string& line) {
  for (std::size_t equals = line.find('='); equals != line.npos;
       equals = line.find('=', equals + 1)) {
    const std::size_t start = line.find_last_of(" \t?&\"',{[:", equals) + 1;
    const std::string_view name = std::string_view(line).substr(start, equals - start);
    if (!contracts::sounds_secret(name)) continue;
    const std::size_t end = std::min(line.find_first_of("&\"'", equals), line.size());
    line.replace(equals + 1, end - equals - 1, kHidden);
  }
}

}  // namespace

std::string without_secrets(const std::vector<std::string_view>& lines, std::size_t number) {
  std::string line(lines[number]);
  if (is_below(lines, number, "secrets")) {
    hide_from(line, value_start(line));
    return line;
  }
  if (const std::size_t start = after_key(line, "secrets"); start != line.npos) {
    hide_from(line, start);
  }
  hide_options(line);
  const std::size_t slashes = line.find("//");
  const std::size_t at = line.rfind('@');
  if (at == line.npos) return line;
  // A URL whose slashes were forgotten has its password at the same place.
  std::size_t start = slashes < at ? slashes : line.npos;
  if (start == line.npos &&
      (is_below(lines, number, "links") || after_key(line, "links") != line.npos ||
       after_key(line, "from") != line.npos)) {
    start = value_start(line);
  }
  if (start >= at) return line;
  const std::string url = line.substr(start);
  line.replace(start, line.npos, contracts::without_password(url));
  return line;
}

}  // namespace unbolt::control
