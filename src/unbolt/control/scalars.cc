#include "unbolt/control/scalars.h"

#include <fmt/format.h>

#include <algorithm>

#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/provider_url.h"
#include "unbolt/contracts/text.h"
#include "unbolt/control/paths.h"
#include "unbolt/control/values.h"
#include "unbolt/http/server.h"

namespace unbolt::control {
namespace {

constexpr std::size_t kLongestName = 63;
constexpr std::size_t kLongestKey = 256;
constexpr std::size_t kLongestText = 64 * 1024;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '-' || c == '_'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool all_of(std::string_view text, bool (*fits)(char)) {
  return !text.empty() && std::ranges::all_of(text, fits);
}
std::string show(std::string_view text) { return contracts::printable(text, 120); }

std::unexpected<Error> wrong(std::string message, std::string_view hint = {}) {
  return std::unexpected(Error{ErrorCode::InvalidArgument, std::move(message), std::string(hint)});
}

Result<std::string> read_name(std::string_view text, const ScalarContext&) {
  auto fits = [](char c) { return is_lower(c) || is_digit(c) || c == '-'; };
  if (!all_of(text, fits) || text[0] == '-' || text.size() > kLongestName) {
    return wrong(fmt::format("'{}' is no name: lower-case letters, digits and '-', at most {}",
                             show(text), kLongestName));
  }
  return std::string(text);
}

Result<std::string> read_digest(std::string_view text, const ScalarContext&) {
  constexpr std::string_view kScheme = "sha256:";
  auto hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  if (!text.starts_with(kScheme) || text.size() != kScheme.size() + 64 ||
      !all_of(text.substr(kScheme.size()), hex)) {
    return wrong(
        fmt::format("'{}' is no digest: sha256: and 64 lower-case hexadecimal digits", show(text)),
        "sha256sum shows those of a file");
  }
  return std::string(text);
}

Result<std::string> read_contract(std::string_view text, const ScalarContext&) {
  if (!contracts::is_contract(text) || text.size() > kLongestKey) {
    return wrong(
        fmt::format("'{}' is no contract: NAMESPACE:PACKAGE or NAMESPACE:PACKAGE/INTERFACE",
                    show(text)),
        "as in wasi:keyvalue");
  }
  if (const std::size_t at = text.find('@'); at != text.npos) {
    return wrong(fmt::format("'{}': contracts are named without their version", show(text)),
                 fmt::format("write {}", text.substr(0, at)));
  }
  return std::string(text);
}

Result<std::string> read_link_name(std::string_view text, const ScalarContext&) {
  if (text.size() > kLongestKey || std::ranges::any_of(text, is_control)) {
    return wrong(
        fmt::format("'{}' is no name of a link: at most {} bytes, without control characters",
                    show(text), kLongestKey));
  }
  return std::string(text);
}

Result<std::string> read_key(std::string_view text, const ScalarContext& context) {
  if (text.empty()) return wrong("an empty name");
  if (!read_link_name(text, context)) {
    return wrong(fmt::format("'{}' is no name: at most {} bytes, without control characters",
                             show(text), kLongestKey));
  }
  return std::string(text);
}

Result<std::string> read_value(std::string_view text, const ScalarContext&) {
  if (text.size() > kLongestText) {
    return wrong(fmt::format("{} bytes: at most {} are allowed", text.size(), kLongestText));
  }
  return std::string(text);
}

Result<std::string> read_url(std::string_view text, const ScalarContext& context) {
  // In YAML a bare value cannot end in ':'.
  const auto& schemes = context.manifest.schemes;
  const bool is_scheme = std::ranges::any_of(schemes, [&](const auto& entry) {
    return std::ranges::find(entry.second, text) != entry.second.end();
  });
  if (is_scheme) return fmt::format("{}:", text);
  auto url = contracts::parse_provider_url(text);
  if (!url) {
    // For the hint: all that there are.
    std::vector<std::string_view> all{"component", "plugin"};
    for (const auto& [contract, of] : schemes) all.insert(all.end(), of.begin(), of.end());
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    return std::unexpected(contracts::parse_provider_url(text, all).error());
  }
  if (url->scheme == "component" && (!read_name(url->rest, context) || !url->query.empty())) {
    return wrong(fmt::format("'{}' is not component:NAME", url->shown()));
  }
  std::string canonical = url->scheme;
  canonical += text.substr(canonical.size());
  const auto& files = context.manifest.file_schemes;
  if (std::ranges::find(files, url->scheme) == files.end()) return canonical;
  return absolute_url(canonical, *url, context.base_folder);
}

Result<std::string> read_secret(std::string_view text, const ScalarContext& context) {
  constexpr std::string_view kEnv = "env:", kFile = "file:", kText = "value:";
  if (text.size() > kLongestText) return read_value(text, context);
  if (text.starts_with(kEnv)) {
    const std::string_view name = text.substr(kEnv.size());
    auto fits = [](char c) { return is_word(c) && c != '-'; };
    if (!all_of(name, fits) || is_digit(name[0])) {
      return wrong("env: without the name of a variable behind it", "as in env:DATABASE_PASSWORD");
    }
    return std::string(text);
  }
  if (text.starts_with(kFile)) {
    UNBOLT_ASSIGN(const std::string path,
                  absolute_path(text.substr(kFile.size()), context.base_folder));
    return fmt::format("{}{}", kFile, path);
  }
  if (text.starts_with(kText)) return std::string(text);
  return wrong("a secret says where it comes from",
               "write env:VARIABLE or file:PATH, or value:TEXT for the text itself");
}

Result<std::string> read_size(std::string_view text, const ScalarContext&) {
  UNBOLT_TRY(parse_size(text));
  return std::string(text);
}
Result<std::string> read_duration(std::string_view text, const ScalarContext&) {
  UNBOLT_TRY(parse_duration(text));
  return std::string(text);
}
Result<std::string> read_count(std::string_view text, const ScalarContext&) {
  UNBOLT_TRY(parse_count(text));
  return std::string(text);
}
Result<std::string> read_isolation(std::string_view text, const ScalarContext&) {
  UNBOLT_TRY(parse_reuse(text));
  return std::string(text);
}

Result<std::string> read_host(std::string_view text, const ScalarContext&) {
  std::string host(text);
  std::ranges::transform(host, host.begin(),
                         [](char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; });
  if (host == "*") return wrong("'*' is every host", "leave the host out");
  std::string_view name = host;
  const bool brackets = name.starts_with('[') && name.ends_with(']');
  if (brackets) name = name.substr(1, name.size() - 2);
  if (!brackets && name.starts_with("*.")) name.remove_prefix(2);
  if (!brackets && name.contains(':')) {
    return wrong(fmt::format("'{}': a route's host has no scheme and no port", show(text)));
  }
  const bool fits = std::ranges::all_of(
      name, [&](char c) { return is_word(c) || c == '.' || (brackets && c == ':'); });
  if (name.empty() || !fits || name.starts_with('.') || name.ends_with('.') ||
      name.contains("..") || name.size() > 253) {
    return wrong(
        fmt::format("'{}' is no host: a name, or *.NAME for every name below it", show(text)));
  }
  return host;
}

Result<std::string> read_path(std::string_view text, const ScalarContext&) {
  if (!text.starts_with('/')) {
    return wrong(fmt::format("'{}': the path of a route begins with '/'", show(text)));
  }
  auto fits = [](char c) {
    return c > 0x20 && c < 0x7f && c != '?' && c != '#' && c != '"' && c != '<' && c != '>';
  };
  if (!all_of(text, fits) || text.size() > 1024) {
    return wrong(
        fmt::format("'{}' is no path as requests have it: other characters stand as %XX, and no "
                    "'?' or '#'",
                    show(text)));
  }
  // A route covers what is below it, with or without a slash at its end.
  while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

Result<std::string> read_subject(std::string_view text, const ScalarContext&) {
  bool good = !text.empty() && text.size() <= kLongestKey;
  std::string_view rest = text;
  while (good) {
    const std::size_t dot = rest.find('.');
    const std::string_view token = rest.substr(0, dot);
    good = all_of(token, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
    if (token.find_first_of("*>") != token.npos && token.size() > 1) good = false;
    if (dot == rest.npos) break;
    if (token == ">") good = false;
    rest.remove_prefix(dot + 1);
  }
  if (!good) {
    return wrong(
        fmt::format("'{}' is no subject: words joined by dots, where * stands for one word "
                    "and > at the end for all that follow",
                    show(text)));
  }
  return std::string(text);
}

Result<std::string> read_group(std::string_view text, const ScalarContext&) {
  if (!all_of(text, is_word) || text.size() > kLongestName) {
    return wrong(fmt::format("'{}' is no group: letters, digits, '-' and '_', at most {}",
                             show(text), kLongestName));
  }
  return std::string(text);
}

Result<std::string> read_bucket(std::string_view text, const ScalarContext&) {
  if (text.size() > contracts::KeyValueLimits::kBucketName) {
    return wrong(fmt::format("a bucket's name has at most {} bytes",
                             contracts::KeyValueLimits::kBucketName));
  }
  return std::string(text);
}

Result<std::string> read_image(std::string_view text, const ScalarContext& context) {
  return absolute_image(text, context.base_folder);
}
Result<std::string> read_grant(std::string_view text, const ScalarContext& context) {
  return absolute_grant(text, context.base_folder);
}

Result<std::string> read_command(std::string_view text, const ScalarContext& context) {
  if (text.find_first_not_of(" \t\n") == text.npos) return wrong("an empty command");
  if (text.contains('\0')) return wrong("a command has no zero byte in it");
  return read_value(text, context);
}
Result<std::string> read_folder(std::string_view text, const ScalarContext& context) {
  UNBOLT_ASSIGN(std::string path, absolute_path(text, context.base_folder));
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Result<std::string> read_listen(std::string_view text, const ScalarContext&) {
  UNBOLT_TRY(http::parse_listen_address(text));
  return std::string(text);
}

}  // namespace

const ScalarType kName{.name = "name",
                       .syntax = "lower-case letters, digits and `-`",
                       .pattern = "^[a-z0-9][a-z0-9-]{0,62}$",
                       .read = read_name};
const ScalarType kImage{.name = "image",
                        .syntax = "a path to a `.wasm` file, or `REGISTRY/REPOSITORY:TAG`",
                        .pattern = "[./]",
                        .read = read_image};
const ScalarType kDigest{.name = "digest",
                         .syntax = "`sha256:` and 64 hexadecimal digits",
                         .pattern = "^sha256:[0-9a-f]{64}$",
                         .read = read_digest};
const ScalarType kContract{
    .name = "contract",
    .syntax = "`NAMESPACE:PACKAGE` or `NAMESPACE:PACKAGE/INTERFACE`, without a version",
    .pattern = "^[A-Za-z][A-Za-z0-9-]*:[A-Za-z][A-Za-z0-9-]*(/[A-Za-z][A-Za-z0-9-]*)?$",
    .read = read_contract};
const ScalarType kLinkName{.name = "link",
                           .syntax = "as the component calls it; `\"\"`: any other name",
                           .pattern = "",
                           .read = read_link_name};
const ScalarType kUrl{.name = "URL",
                      .syntax = "`SCHEME:…`, `component:NAME`, or `plugin:PATH.so`",
                      .pattern = "^([A-Za-z][A-Za-z0-9+.-]*(:|$)|.*\\$\\{)",
                      .variables = true,
                      .read = read_url};
const ScalarType kBroker{.name = "URL",
                         .syntax = "`SCHEME:…`",
                         .pattern = "^([A-Za-z][A-Za-z0-9+.-]*(:|$)|.*\\$\\{)",
                         .variables = true,
                         .read = read_url};
const ScalarType kKey{
    .name = "key", .syntax = "text", .pattern = "^[^\\u0000-\\u001f]+$", .read = read_key};
const ScalarType kValue{.name = "text",
                        .syntax = "text",
                        .pattern = "",
                        .also = ScalarType::Or::Anything,
                        .variables = true,
                        .read = read_value};
const ScalarType kSecret{.name = "source",
                         .syntax = "`env:VARIABLE`, `file:PATH` or `value:TEXT`",
                         .pattern = "^(env:[A-Za-z_]|file:.|value:|.*\\$\\{)",
                         .variables = true,
                         .read = read_secret};
const ScalarType kBucket{
    .name = "bucket", .syntax = "a bucket's name", .pattern = "", .read = read_bucket};
const ScalarType kGrant{.name = "grant",
                        .syntax = "`KIND:VALUE`, see grants.md",
                        .pattern = "^(host|env|dir|connect|listen):.",
                        .read = read_grant};
const ScalarType kCommand{
    .name = "command", .syntax = "a command of the shell", .pattern = "", .read = read_command};
const ScalarType kFolder{
    .name = "folder", .syntax = "a path to a folder", .pattern = "", .read = read_folder};
const ScalarType kSize{.name = "size",
                       .syntax = "a number and `KiB`, `MiB` or `GiB`",
                       .pattern = "^[0-9]*[1-9][0-9]*([KMG](iB)?)?$",
                       .also = ScalarType::Or::Number,
                       .read = read_size};
const ScalarType kDuration{.name = "time",
                           .syntax = "a number and `ms`, `s`, `m` or `h`",
                           .pattern = "^[0-9]*[1-9][0-9]*(ms|s|m|h)$",
                           .read = read_duration};
const ScalarType kCount{.name = "count",
                        .syntax = "a number from 1",
                        .pattern = "^[0-9]*[1-9][0-9]*$",
                        .also = ScalarType::Or::Number,
                        .read = read_count};
const ScalarType kIsolation{.name = "isolation",
                            .syntax = "`fresh` or `reused:N`",
                            .pattern = "^(fresh|reused:[0-9]*[1-9][0-9]*)$",
                            .read = read_isolation};
const ScalarType kHost{.name = "host",
                       .syntax = "a name, or `*.NAME`: every name below it",
                       .pattern = "^(\\*\\.)?[A-Za-z0-9_.-]+$|^\\[[0-9A-Fa-f:.]+\\]$",
                       .read = read_host};
const ScalarType kPath{
    .name = "path", .syntax = "begins with `/`", .pattern = "^/[^?# ]*$", .read = read_path};
const ScalarType kSubject{
    .name = "subject",
    .syntax = "words joined by dots; `*` is one word, `>` at the end the rest",
    .pattern = "^[^ .]+(\\.[^ .]+)*$",
    .read = read_subject};
const ScalarType kGroup{.name = "group",
                        .syntax = "letters, digits, `-` and `_`",
                        .pattern = "^[A-Za-z0-9_-]{1,63}$",
                        .read = read_group};
const ScalarType kListen{.name = "listening address",
                         .syntax = "HOST:PORT; port 0 picks a free one",
                         .pattern = "^[^ ]*:[0-9]{1,5}$",
                         .read = read_listen};

}  // namespace unbolt::control
