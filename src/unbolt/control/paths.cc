#include "unbolt/control/paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "unbolt/base/bytes.h"
#include "unbolt/component/strings.h"
#include "unbolt/contracts/grants.h"
#include "unbolt/contracts/text.h"

namespace unbolt::control {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string show(std::string_view text) { return contracts::printable(text, 200); }

// The characters that mean something in a provider's URL.
std::string percent_encode(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c == '%' || c == '?' || is_control(c)) {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

// [a-z0-9]+ joined by '.', '_', '-', in segments joined by '/'.
bool is_repository(std::string_view text) {
  bool start = true;
  for (const char c : text) {
    const bool joins = c == '.' || c == '_' || c == '-' || c == '/';
    if (!joins && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) return false;
    if (joins && start && c != '_' && c != '-') return false;
    start = joins;
  }
  return !start;
}

bool is_reference(std::string_view text) {
  if (const std::size_t at = text.find('@'); at != text.npos) {
    const std::string_view digest = text.substr(at + 1);
    constexpr std::string_view kScheme = "sha256:";
    if (!digest.starts_with(kScheme) || digest.size() != kScheme.size() + 64 ||
        digest.find_first_not_of("0123456789abcdef", kScheme.size()) != digest.npos) {
      return false;
    }
    text = text.substr(0, at);
  }
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return false;
  const std::string_view registry = text.substr(0, slash);
  std::string_view repository = text.substr(slash + 1);
  if (registry != "localhost" && registry.find_first_of(".:") == registry.npos) return false;
  auto of_host = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".:-[]").contains(c);
  };
  if (!std::ranges::all_of(registry, of_host)) return false;
  if (const std::size_t colon = repository.find(':'); colon != repository.npos) {
    const std::string_view tag = repository.substr(colon + 1);
    auto of_tag = [&](char c) {
      return c == '_' || (of_host(c) && c != ':' && c != '[' && c != ']');
    };
    if (tag.empty() || tag.size() > 128 || !std::ranges::all_of(tag, of_tag)) return false;
    repository = repository.substr(0, colon);
  }
  return is_repository(repository);
}

}  // namespace

Result<std::string> absolute_path(std::string_view path, const std::filesystem::path& base) {
  if (path.empty()) return fail(ErrorCode::InvalidArgument, "an empty path");
  if (path.size() > 4096 || std::ranges::any_of(path, is_control)) {
    return fail(ErrorCode::InvalidArgument, "'{}' is no path", show(path));
  }
  if (path.starts_with('/')) return std::string(path);
  const std::string absolute = (base / path).lexically_normal().string();
  if (!component::valid_utf8(as_bytes(absolute)) || std::ranges::any_of(absolute, is_control)) {
    return fail(ErrorCode::InvalidArgument, "'{}' is below a folder whose name is not UTF-8 text",
                show(path));
  }
  return absolute;
}

Result<std::string> absolute_image(std::string_view image, const std::filesystem::path& base) {
  if (image.empty() || image.starts_with('.') || image.starts_with('/') ||
      image.ends_with(".wasm")) {
    UNBOLT_ASSIGN(std::string path, absolute_path(image, base));
    const std::string_view last = std::string_view(path).substr(path.rfind('/') + 1);
    if (last.empty() || last == "." || last == "..") {
      return fail(ErrorCode::InvalidArgument, "'{}' is a folder, not a component's file",
                  show(image));
    }
    return path;
  }
  if (image.starts_with("oci://")) {
    return std::unexpected(Error{ErrorCode::InvalidArgument,
                                 fmt::format("'{}': a reference has no scheme", show(image)),
                                 fmt::format("write {}", show(image.substr(6)))});
  }
  if (!is_reference(image)) {
    return std::unexpected(
        Error{ErrorCode::InvalidArgument,
              fmt::format("'{}' is neither a path nor REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST]",
                          show(image)),
              fmt::format("write ./{} where it is a file", show(image))});
  }
  return std::string(image);
}

Result<std::string> absolute_url(std::string_view text, const contracts::ProviderUrl& url,
                                 const std::filesystem::path& base) {
  // What the provider will refuse by itself, with a better reason.
  if (url.rest.empty() || url.rest.starts_with('/') || url.rest.starts_with(':')) {
    return std::string(text);
  }
  const std::filesystem::path folder(percent_encode(base.string()));
  UNBOLT_ASSIGN(const std::string path, absolute_path(url.rest, folder));
  const std::size_t question = text.find('?');
  return fmt::format("{}:{}{}", url.scheme, path,
                     question == text.npos ? std::string_view{} : text.substr(question));
}

Result<std::string> absolute_grant(std::string_view grant, const std::filesystem::path& base) {
  UNBOLT_TRY(contracts::Grants().add(grant));
  constexpr std::string_view kFolder = "dir:";
  if (!grant.starts_with(kFolder)) return std::string(grant);
  std::string_view host = grant.substr(kFolder.size()), guest = host, mode;
  if (host.ends_with(":ro")) {
    mode = ":ro";
    host.remove_suffix(mode.size());
    guest = host;
  }
  if (const std::size_t between = host.find("::"); between != host.npos) {
    guest = host.substr(between + 2);
    host = host.substr(0, between);
  } else if (host.starts_with('/')) {
    return std::string(grant);
  }
  UNBOLT_ASSIGN(const std::string path, absolute_path(host, base));
  if (path.contains("::")) {
    return fail(ErrorCode::InvalidArgument, "'{}': a granted folder's path has no '::' in it",
                show(path));
  }
  return fmt::format("{}{}::{}{}", kFolder, path, guest, mode);
}

}  // namespace unbolt::control
