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

std::string show(std::string_view text) { return printable(text, 120); }

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

Result<std::string> percent_decode(std::string_view text) {
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
                fmt::format("'{}' has a '%' without two hexadecimal digits", show(text)),
                "write %25 for a '%'"});
    }
    char c = static_cast<char>(*high << 4 | *low);
    if (is_control(c)) {
      return fail(ErrorCode::InvalidArgument, "'{}' has a control character in it", show(text));
    }
    out += c;
    i += 2;
  }
  return out;
}

Error no_scheme(std::string_view text, std::span<const std::string_view> schemes) {
  Error error{ErrorCode::InvalidArgument,
              fmt::format("'{}' is no provider URL: it has no scheme", show(text)),
              {}};
  // `sqlite` for `sqlite:`, `sqlite/app.db` for `sqlite:app.db`, `app.db` for `sqlite:app.db`.
  std::string_view word = text.substr(0, text.find_first_of("/?=."));
  auto is_file = [&](std::string_view end) { return text.ends_with(end); };
  bool has_sqlite = std::ranges::find(schemes, "sqlite") != schemes.end();
  if (has_sqlite && (is_file(".db") || is_file(".sqlite") || is_file(".sqlite3"))) {
    error.hint = fmt::format("did you mean sqlite:{}?", show(text));
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
    UNBOLT_ASSIGN(std::string name, percent_decode(part.substr(0, equals)));
    UNBOLT_ASSIGN(std::string value, percent_decode(part.substr(equals + 1)));
    if (!url.query.try_emplace(name, std::move(value)).second) {
      return fail(ErrorCode::InvalidArgument, "the option '{}' is given twice", show(name));
    }
  }
  return {};
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

bool sounds_secret(std::string_view name) {
  std::string text;
  std::ranges::transform(name, std::back_inserter(text), lower);
  return text.contains("pass") || text.contains("secret") || text.contains("token") ||
         text.contains("key");
}

}  // namespace

std::string ProviderUrl::shown() const {
  std::string text = rest;
  if (text.starts_with("//")) {
    std::size_t end = std::min(text.find('/', 2), text.size());
    std::size_t at = text.rfind('@', end);
    if (at != text.npos && at > 2) {
      std::size_t colon = text.find(':', 2);
      std::size_t from = colon < at ? colon + 1 : 2;
      text.replace(from, at - from, "***");
    }
  }
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
    return fail(ErrorCode::InvalidArgument, "'{}' has a control character in it", show(text));
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
  UNBOLT_ASSIGN(url.path, percent_decode(url.rest));
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
