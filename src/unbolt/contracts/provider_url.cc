#include "unbolt/contracts/provider_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>

#include "unbolt/contracts/text.h"

namespace unbolt::contracts {
namespace {

constexpr std::size_t kLongestUrl = 8192;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

constexpr std::string_view kHidden = "***";

std::string show(std::string_view text) { return printable(text, 120); }
std::string show_url(std::string_view text) { return show(without_password(text)); }

// RFC 3986, 3.1: ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
bool is_scheme(std::string_view text) {
  auto letter = [](char c) { return is_lower(c) || is_upper(c); };
  return !text.empty() && letter(text[0]) && std::ranges::all_of(text, [&](char c) {
    return letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

std::optional<int> hex(char c) {
  if (is_digit(c)) return c - '0';
  if (char l = lower(c); l >= 'a' && l <= 'f') return l - 'a' + 10;
  return std::nullopt;
}

// `shown` stands for the text in messages.
Result<std::string> percent_decode(std::string_view text, std::string_view shown) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    auto high = i + 2 < text.size() ? hex(text[i + 1]) : std::nullopt;
    auto low = high ? hex(text[i + 2]) : std::nullopt;
    if (!low) {
      return std::unexpected(
          Error{ErrorCode::InvalidArgument,
                fmt::format("'{}' has a '%' without two hexadecimal digits", shown),
                "write %25 for a '%'"});
    }
    char c = static_cast<char>(*high << 4 | *low);
    if (is_control(c)) {
      return fail(ErrorCode::InvalidArgument, "'{}' has a control character in it", shown);
    }
    out += c;
    i += 2;
  }
  return out;
}

Error no_scheme(std::string_view text, std::span<const std::string_view> schemes) {
  Error error{ErrorCode::InvalidArgument,
              fmt::format("'{}' is no provider URL: it has no scheme", show_url(text)),
              {}};
  // `sqlite` for `sqlite:`, `sqlite/app.db` for `sqlite:app.db`, `app.db` for `sqlite:app.db`.
  std::string_view word = text.substr(0, text.find_first_of("/?=."));
  auto is_file = [&](std::string_view end) { return text.ends_with(end); };
  bool has_sqlite = std::ranges::find(schemes, "sqlite") != schemes.end();
  if (has_sqlite && (is_file(".db") || is_file(".sqlite") || is_file(".sqlite3"))) {
    error.hint = fmt::format("did you mean sqlite:{}?", show_url(text));
  } else if (auto meant = nearest(word, schemes)) {
    error.hint = fmt::format("did you mean {}:?", *meant);
  } else if (!schemes.empty()) {
    error.hint = fmt::format("known are {}:", fmt::join(schemes, ":, "));
  }
  return error;
}

Result<> parse_query(std::string_view text, ProviderUrl& url) {
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (part.empty()) continue;
    std::size_t equals = part.find('=');
    if (equals == 0 || equals == part.npos) {
      return fail(ErrorCode::InvalidArgument, "the option '{}' is not NAME=VALUE", show(part));
    }
    const std::string_view before = part.substr(0, equals), behind = part.substr(equals + 1);
    UNBOLT_ASSIGN(std::string name, percent_decode(before, show(before)));
    UNBOLT_ASSIGN(
        std::string value,
        percent_decode(behind, sounds_secret(name) ? std::string(kHidden) : show(behind)));
    if (!url.query.try_emplace(name, std::move(value)).second) {
      return fail(ErrorCode::InvalidArgument, "the option '{}' is given twice", show(name));
    }
  }
  return {};
}

// Whether the '?' was one in a password, whose end stands among the options then.
bool is_cut(const ProviderUrl& url) {
  const std::string_view rest = url.rest;
  if (!rest.starts_with("//") || rest.contains('@')) return false;
  const std::size_t colon = rest.starts_with("//[") ? rest.npos : rest.find(':', 2);
  const bool odd_port =
      colon != rest.npos &&
      !std::ranges::all_of(rest.substr(colon + 1, rest.find('/', colon) - colon - 1), is_digit);
  return std::ranges::any_of(url.query, [&](const auto& one) {
    return one.first.contains('@') || (odd_port && one.second.contains('@'));
  });
}

// WIT's: words of letters and digits, joined by '-'.
bool is_kebab(std::string_view text) {
  bool start = true;
  for (char c : text) {
    if (c == '-' ? start
        : start  ? !(is_lower(c) || is_upper(c))
                 : !(is_lower(c) || is_upper(c) || is_digit(c))) {
      return false;
    }
    start = c == '-';
  }
  return !start;
}

// A number and the unit behind it.
Result<std::uint64_t> number_with_unit(
    const ProviderUrl& url, std::string_view name, std::string_view text,
    std::span<const std::pair<std::string_view, std::uint64_t>> units, std::string_view example) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  auto found = std::ranges::find(units, unit, [](const auto& known) { return known.first; });
  std::uint64_t product = 0;
  if (error != std::errc() || found == units.end() ||
      __builtin_mul_overflow(number, found->second, &product)) {
    return fail(ErrorCode::InvalidArgument, "the option '{}' of '{}' is '{}', not a value like {}",
                name, url.shown(), show(text), example);
  }
  return product;
}

}  // namespace

bool is_contract(std::string_view text) {
  std::size_t at = text.find('@');
  if (at != text.npos) {
    std::string_view version = text.substr(at + 1);
    if (version.empty() || !is_digit(version[0]) || !std::ranges::all_of(version, [](char c) {
          return is_digit(c) || is_lower(c) || is_upper(c) || c == '.' || c == '-' || c == '+';
        })) {
      return false;
    }
    text = text.substr(0, at);
  }
  std::size_t colon = text.find(':');
  if (colon == text.npos) return false;
  std::string_view package = text.substr(colon + 1);
  if (std::size_t slash = package.find('/'); slash != package.npos) {
    if (!is_kebab(package.substr(slash + 1))) return false;
    package = package.substr(0, slash);
  }
  return is_kebab(text.substr(0, colon)) && is_kebab(package);
}

bool sounds_secret(std::string_view name) {
  std::string text;
  std::ranges::transform(name, std::back_inserter(text), lower);
  return text.contains("pass") || text.contains("secret") || text.contains("token") ||
         text.contains("key");
}

std::string without_password(std::string_view text) {
  std::string out(text);
  const std::size_t at = text.rfind('@');
  if (at == text.npos) return out;
  const std::size_t slashes = text.find("//"), scheme = text.find(':');
  std::size_t from = slashes < at ? slashes + 2 : scheme < at ? scheme + 1 : 0;
  if (const std::size_t colon = text.find(':', from); colon < at) from = colon + 1;
  out.replace(from, at - from, kHidden);
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  return percent_decode(text, show(text));
}

std::string ProviderUrl::shown() const {
  if (is_cut(*this)) return fmt::format("{}://{}", scheme, kHidden);
  std::string text = rest;
  if (text.starts_with("//")) {
    std::size_t end = std::min(text.find('/', 2), text.size());
    std::size_t at = text.rfind('@', end);
    // A '/' in a password should be written as %2F; where it is not, what looks like a port is
    // none.
    const std::size_t port = text.find(':', 2) + 1;
    if (at == text.npos && port != 0 && port < end && text[2] != '[' &&
        !std::ranges::all_of(text.substr(port, end - port), is_digit)) {
      at = text.rfind('@');
    }
    if (at != text.npos && at > 2) {
      std::size_t colon = text.find(':', 2);
      std::size_t from = colon < at ? colon + 1 : 2;
      text.replace(from, at - from, "***");
    }
  }
  // The slashes may have been forgotten.
  if (!text.starts_with("//") && text.find(':') < text.rfind('@')) text = without_password(text);
  std::string out = fmt::format("{}:{}", scheme, text);
  char separator = '?';
  for (const auto& [name, value] : query) {
    fmt::format_to(std::back_inserter(out), "{}{}={}", separator, name,
                   sounds_secret(name) ? "***" : value);
    separator = '&';
  }
  return printable(out, 500);
}

Result<> ProviderUrl::only_options(std::span<const std::string_view> known) const {
  for (const auto& [name, value] : query) {
    if (std::ranges::find(known, name) != known.end()) continue;
    Error error{ErrorCode::InvalidArgument,
                fmt::format("'{}': a provider {}: has no option '{}'", shown(), scheme, show(name)),
                {}};
    if (auto meant = nearest(name, known)) {
      error.hint = fmt::format("did you mean {}=?", *meant);
    } else if (!known.empty()) {
      error.hint = fmt::format("its options are {}", fmt::join(known, ", "));
    }
    return std::unexpected(std::move(error));
  }
  return {};
}

Result<std::uint64_t> ProviderUrl::bytes_option(std::string_view name,
                                                std::uint64_t otherwise) const {
  static constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {
      {"", 1},           {"K", 1u << 10}, {"KiB", 1u << 10}, {"M", 1u << 20},
      {"MiB", 1u << 20}, {"G", 1u << 30}, {"GiB", 1u << 30}};
  auto found = query.find(name);
  if (found == query.end()) return otherwise;
  return number_with_unit(*this, name, found->second, kUnits, "64MiB");
}

Result<std::string> ProviderUrl::local_path(std::string_view what, std::string_view example) const {
  std::string_view local = path;
  if (local.starts_with("//")) {
    // `file:///var/data` has an empty host; `file://data` names a host, which is not what was
    // meant.
    if (!local.starts_with("///")) {
      return std::unexpected(Error{ErrorCode::InvalidArgument,
                                   fmt::format("'{}' names a host, not a {}", shown(), what),
                                   fmt::format("did you mean {}:{}?", scheme, local.substr(2))});
    }
    local.remove_prefix(2);
  }
  if (local.empty()) {
    return std::unexpected(Error{ErrorCode::InvalidArgument,
                                 fmt::format("'{}' names no {}", shown(), what),
                                 fmt::format("write {}", example)});
  }
  return std::string(local);
}

Result<std::uint64_t> ProviderUrl::milliseconds_option(std::string_view name,
                                                       std::uint64_t otherwise) const {
  static constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {{"ms", 1}, {"s", 1000}};
  auto found = query.find(name);
  if (found == query.end()) return otherwise;
  return number_with_unit(*this, name, found->second, kUnits, "500ms or 5s");
}

Result<ProviderUrl> parse_provider_url(std::string_view text,
                                       std::span<const std::string_view> schemes) {
  if (text.empty()) return fail(ErrorCode::InvalidArgument, "an empty provider URL");
  if (text.size() > kLongestUrl) {
    return fail(ErrorCode::LimitExceeded, "a provider URL of {} bytes: at most {} are allowed",
                text.size(), kLongestUrl);
  }
  if (std::ranges::any_of(text, is_control)) {
    return fail(ErrorCode::InvalidArgument, "'{}' has a control character in it", show_url(text));
  }
  std::size_t colon = text.find(':');
  if (colon == text.npos || !is_scheme(text.substr(0, colon))) {
    return std::unexpected(no_scheme(text, schemes));
  }
  ProviderUrl url;
  std::ranges::transform(text.substr(0, colon), std::back_inserter(url.scheme), lower);
  if (!schemes.empty() && std::ranges::find(schemes, url.scheme) == schemes.end()) {
    Error error{ErrorCode::InvalidArgument,
                fmt::format("there is no provider '{}:'", show(url.scheme)),
                {}};
    if (auto meant = nearest(url.scheme, schemes)) {
      error.hint = fmt::format("did you mean {}:?", *meant);
    } else {
      error.hint = fmt::format("known are {}:", fmt::join(schemes, ":, "));
    }
    return std::unexpected(std::move(error));
  }
  std::string_view rest = text.substr(colon + 1);
  std::size_t question = rest.find('?');
  url.rest = rest.substr(0, question);
  UNBOLT_ASSIGN(url.path, percent_decode(url.rest, show_url(url.rest)));
  if (question != rest.npos) UNBOLT_TRY(parse_query(rest.substr(question + 1), url));
  return url;
}

Result<LinkArgument> parse_link_argument(std::string_view text,
                                         std::span<const std::string_view> schemes) {
  constexpr std::string_view kExample = "write CONTRACT=URL, as in wasi:keyvalue=sqlite:app.db";
  std::size_t equals = text.find('=');
  if (equals == text.npos) {
    return std::unexpected(Error{ErrorCode::InvalidArgument,
                                 fmt::format("'{}' is no link", show(text)),
                                 std::string(kExample)});
  }
  std::string_view contract = text.substr(0, equals);
  if (!is_contract(contract)) {
    return std::unexpected(Error{
        ErrorCode::InvalidArgument,
        fmt::format("'{}' is no contract: NAMESPACE:PACKAGE[/INTERFACE][@VERSION]", show(contract)),
        std::string(kExample)});
  }
  auto url = parse_provider_url(text.substr(equals + 1), schemes);
  if (!url)
    return std::unexpected(std::move(url.error()).in(fmt::format("the link of {}", contract)));
  return LinkArgument{std::string(contract), std::move(*url)};
}

}  // namespace unbolt::contracts
