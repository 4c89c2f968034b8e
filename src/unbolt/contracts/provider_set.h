// The providers that are open, of every contract that has URLs: who names the same URL has the same
// provider.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/contracts/links.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::contracts {

// A table a contract; `cli/providers.cc` fills it.
struct ProviderTables {
  ProviderTable<KeyValue> key_value;
  ProviderTable<BlobStore> blob_store;
  ProviderTable<Messaging> messaging;
  ProviderTable<Config> config;
  ProviderTable<Sql> sql;
  ProviderTable<Pins> pins;
  ProviderTable<Postgres> postgres;

  // What can be linked: the schemes of each contract, a WIT package without its version.
  using Schemes = std::map<std::string, std::vector<std::string_view>, std::less<>>;
  Schemes schemes() const {
    return {{"wasi:keyvalue", key_value.schemes()},
            {"wasi:blobstore", blob_store.schemes()},
            {"wasmcloud:messaging", messaging.schemes()},
            {"wasi:config", config.schemes()},
            {"wasi:sql", sql.schemes()},
            {"unbolt:pins", pins.schemes()},
            {"wasmcloud:postgres", postgres.schemes()}};
  }
};

// InvalidArgument, with what there is, where the contract or the scheme has no provider.
Result<> check_linkable(const ProviderTables::Schemes& schemes, std::string_view contract,
                        const ProviderUrl& url);

// Thread-safe. Keeps no provider alive: who uses it does.
class ProviderSet {
 public:
  ProviderSet(ProviderTables tables, ProviderContext context)
      : schemes_(tables.schemes()),
        key_value_{"wasi:keyvalue", std::move(tables.key_value), &Links::key_value, {}},
        blob_store_{"wasi:blobstore", std::move(tables.blob_store), &Links::blob_store, {}},
        messaging_{"wasmcloud:messaging", std::move(tables.messaging), &Links::messaging, {}},
        config_{"wasi:config", std::move(tables.config), &Links::config, {}},
        sql_{"wasi:sql", std::move(tables.sql), &Links::sql, {}},
        pins_{"unbolt:pins", std::move(tables.pins), &Links::pins, {}},
        postgres_{"wasmcloud:postgres", std::move(tables.postgres), &Links::postgres, {}},
        context_(context) {}

  const ProviderTables::Schemes& schemes() const { return schemes_; }

  // Opens the provider, or takes the one that is open, and puts it among the links under `name`.
  // InvalidArgument where the contract or the scheme has none. May block. A component has one
  // configuration: the values of what is linked stand below those that are there already.
  Result<> link(Links& links, std::string_view contract, std::string name, const ProviderUrl& url);

 private:
  template <class Contract, class Member = LinkedProviders<Contract>>
  struct Shelf {
    std::string_view contract;
    ProviderTable<Contract> table;
    Member Links::* member;
    std::map<std::string, std::weak_ptr<Contract>, std::less<>> open;  // by URL
  };
  template <class Contract, class Member>
  Result<std::shared_ptr<Contract>> open(Shelf<Contract, Member>& shelf, const ProviderUrl& url);

  // With every shelf, until `use` returns true.
  template <class Use>
  bool any_shelf(Use use) {
    return use(key_value_) || use(blob_store_) || use(messaging_) || use(config_) || use(sql_) ||
           use(pins_) || use(postgres_);
  }

  std::mutex mutex_;
  const ProviderTables::Schemes schemes_;
  Shelf<KeyValue> key_value_;
  Shelf<BlobStore> blob_store_;
  Shelf<Messaging> messaging_;
  Shelf<Config, std::shared_ptr<Config>> config_;
  Shelf<Sql> sql_;
  Shelf<Pins> pins_;
  Shelf<Postgres> postgres_;
  ProviderContext context_;
};

}  // namespace unbolt::contracts
