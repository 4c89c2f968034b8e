#include "unbolt/contracts/provider_set.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace unbolt::contracts {
namespace {

// The same text for the same provider: options in one order.
std::string key_of(const ProviderUrl& url) {
  std::string key = url.scheme + ":" + url.rest;
  for (const auto& [name, value] : url.query) key += "\n" + name + "=" + value;
  return key;
}

template <class Contract>
void put(LinkedProviders<Contract>& among, std::string name, std::shared_ptr<Contract> provider) {
  among.set(std::move(name), std::move(provider));
}
void put(std::shared_ptr<Config>& config, const std::string&, std::shared_ptr<Config> provider) {
  config = layered(std::move(config), std::move(provider));
}

}  // namespace

Result<> check_linkable(const ProviderTables::Schemes& schemes, std::string_view contract,
                        const ProviderUrl& url) {
  const auto found = schemes.find(contract);
  if (found == schemes.end()) {
    std::vector<std::string_view> contracts;
    for (const auto& [name, of] : schemes) contracts.push_back(name);
    return fail(ErrorCode::InvalidArgument,
                "there is no provider for the contract '{}'; there are some for {}", contract,
                fmt::join(contracts, ", "));
  }
  if (std::ranges::find(found->second, url.scheme) == found->second.end()) {
    return fail(ErrorCode::InvalidArgument, "{} has no provider '{}:'; it has {}:", contract,
                url.scheme, fmt::join(found->second, ":, "));
  }
  return {};
}

template <class Contract, class Member>
Result<std::shared_ptr<Contract>> ProviderSet::open(Shelf<Contract, Member>& shelf,
                                                    const ProviderUrl& url) {
  std::erase_if(shelf.open, [](const auto& entry) { return entry.second.expired(); });
  std::string key = key_of(url);
  if (const auto found = shelf.open.find(key); found != shelf.open.end()) {
    if (auto provider = found->second.lock()) return provider;
  }
  UNBOLT_ASSIGN(auto provider, shelf.table.open(url, context_));
  shelf.open.insert_or_assign(std::move(key), provider);
  return provider;
}

Result<> ProviderSet::link(Links& links, std::string_view contract, std::string name,
                           const ProviderUrl& url) {
  UNBOLT_TRY(check_linkable(schemes_, contract, url));
  const std::lock_guard lock(mutex_);
  Result<> done;
  any_shelf([&](auto& shelf) {
    if (shelf.contract != contract) return false;
    if (auto provider = open(shelf, url)) {
      put(links.*shelf.member, std::move(name), std::move(*provider));
    } else {
      done = std::unexpected(std::move(provider).error());
    }
    return true;
  });
  return done;
}

}  // namespace unbolt::contracts
