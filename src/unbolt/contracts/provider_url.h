// How the operator names a provider, and the contract that it is to fulfil.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "unbolt/base/error.h"

namespace unbolt::contracts {

// `SCHEME:REST[?NAME=VALUE&…]`, as in `memory:`, `sqlite:app.db?busy_timeout=2s`,
// `redis://user:pass@host:6379/0`.
struct ProviderUrl {
  std::string scheme;  // lower case
  // What stands between the scheme and the question mark: as written, and with %XX decoded (never
  // with a zero byte or another control character in it). `rest` may carry a password: show
  // `shown()` instead.
  std::string rest;
  std::string path;
  std::map<std::string, std::string, std::less<>> query;  // decoded

  // The URL for messages: the password and the values of options that sound like secrets become
  // `***`.
  std::string shown() const;

  // The file or folder (`what`) of this machine that the URL names, as in `SCHEME:PATH` and
  // `SCHEME:///PATH`. InvalidArgument where it names a host or nothing, with an `example` of what
  // would be right.
  Result<std::string> local_path(std::string_view what, std::string_view example) const;

  // InvalidArgument where an option is given that the provider does not have, with the nearest one
  // it has.
  Result<> only_options(std::span<const std::string_view> known) const;
  // The option's value, `otherwise` where it is not given. Sizes end in nothing, K, M or G (with or
  // without `iB`: powers of 1024); durations in `ms` or `s`.
  Result<std::uint64_t> bytes_option(std::string_view name, std::uint64_t otherwise) const;
  Result<std::uint64_t> milliseconds_option(std::string_view name, std::uint64_t otherwise) const;
};

// %XX becomes the byte; InvalidArgument for a '%' without digits, and for a control character.
Result<std::string> percent_decode(std::string_view text);

// InvalidArgument, with what to write instead. Where `schemes` are given, another scheme is an
// error too.
Result<ProviderUrl> parse_provider_url(std::string_view text,
                                       std::span<const std::string_view> schemes = {});

// Whether an option or variable of this name probably holds a password.
bool sounds_secret(std::string_view name);

// What was meant to be a URL, with `***` in the place of its password: for messages about one that
// cannot be parsed.
std::string without_password(std::string_view text);

// NAMESPACE:PACKAGE[/INTERFACE][@VERSION].
bool is_contract(std::string_view text);

// `CONTRACT=URL` as in `wasi:keyvalue=sqlite:app.db`.
struct LinkArgument {
  std::string contract;
  ProviderUrl url;
};
Result<LinkArgument> parse_link_argument(std::string_view text,
                                         std::span<const std::string_view> schemes = {});

}  // namespace unbolt::contracts
