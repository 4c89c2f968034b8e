// The providers of one capability that this program has, by the scheme of their URLs.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/error.h"
#include "unbolt/base/log.h"
#include "unbolt/contracts/provider_url.h"

namespace unbolt::contracts {

// What a provider may use besides its URL; all of it outlives the provider.
struct ProviderContext {
  Log& log;
  BlockingPool& blocking;
};

// Opens a provider. May block (files, a recovery, a connection): call it before the loops run or in
// the blocking pool. Dropping the last pointer does not block: a provider closes what it holds in
// the background.
template <class Contract>
using ProviderFactory = Result<std::shared_ptr<Contract>> (*)(const ProviderUrl&,
                                                              const ProviderContext&);

// A value, made by `cli/main.cc`: `ProviderTable<KeyValue>({{"memory", make_kv_memory}, {"sqlite",
// make_kv_sqlite}})`.
template <class Contract>
class ProviderTable {
 public:
  struct Entry {
    std::string_view scheme;  // lives as long as the program
    ProviderFactory<Contract> make;
  };

  explicit ProviderTable(std::vector<Entry> entries) : entries_(std::move(entries)) {
    for (const Entry& entry : entries_) schemes_.push_back(entry.scheme);
  }

  // For `parse_provider_url` and for help texts.
  const std::vector<std::string_view>& schemes() const { return schemes_; }

  // InvalidArgument for a scheme that is not in the table, else what the provider answers.
  Result<std::shared_ptr<Contract>> open(const ProviderUrl& url,
                                         const ProviderContext& context) const {
    for (const Entry& entry : entries_) {
      if (entry.scheme == url.scheme) return entry.make(url, context);
    }
    return fail(ErrorCode::InvalidArgument, "there is no provider '{}:' of this contract",
                url.scheme);
  }
  Result<std::shared_ptr<Contract>> open(std::string_view text,
                                         const ProviderContext& context) const {
    UNBOLT_ASSIGN(ProviderUrl url, parse_provider_url(text, schemes_));
    return open(url, context);
  }

 private:
  std::vector<Entry> entries_;
  std::vector<std::string_view> schemes_;
};

}  // namespace unbolt::contracts
