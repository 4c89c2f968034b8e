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

  // InvalidArgument where an option is given that the provider does not have, with the nearest one
  // it has.
  Result<> only_options(std::span<const std::string_view> known) const;
  // The option's value, `otherwise` where it is not given. Sizes end in nothing, K, M or G (with or
  // without `iB`: powers of 1024); durations in `ms` or `s`.
  Result<std::uint64_t> bytes_option(std::string_view name, std::uint64_t otherwise) const;
  Result<std::uint64_t> milliseconds_option(std::string_view name, std::uint64_t otherwise) const;
};

// InvalidArgument, with what to write instead. Where `schemes` are given, another scheme is an
// error too.
Result<ProviderUrl> parse_provider_url(std::string_view text,
                                       std::span<const std::string_view> schemes = {});

// `CONTRACT=URL` as in `wasi:keyvalue=sqlite:app.db`. The contract is
// NAMESPACE:PACKAGE[/INTERFACE][@VERSION].
struct LinkArgument {
  std::string contract;
  ProviderUrl url;
};
Result<LinkArgument> parse_link_argument(std::string_view text,
                                         std::span<const std::string_view> schemes = {});

}  // namespace unbolt::contracts
