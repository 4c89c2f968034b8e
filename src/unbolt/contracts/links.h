// Where a component's contracts lead: the providers of its links.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/contracts/blob_store.h"
#include "unbolt/contracts/config.h"
#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/logging.h"
#include "unbolt/contracts/messaging.h"
#include "unbolt/contracts/pins.h"
#include "unbolt/contracts/postgres.h"
#include "unbolt/contracts/secrets.h"
#include "unbolt/contracts/sql.h"

namespace unbolt::plugin {
class Binding;
}

namespace unbolt::contracts {

// The providers of one contract, by the name of their link. There are few of them.
template <class Contract>
class LinkedProviders {
 public:
  LinkedProviders() = default;
  // One alone, for every name.
  LinkedProviders(std::shared_ptr<Contract> only) { set({}, std::move(only)); }

  // The link without a name serves every name that has no link of its own.
  void set(std::string name, std::shared_ptr<Contract> provider) {
    for (auto& [known, of] : named_) {
      if (known == name) {
        of = std::move(provider);
        return;
      }
    }
    named_.emplace_back(std::move(name), std::move(provider));
  }

  // Null where nothing is linked under this name.
  const std::shared_ptr<Contract>& find(std::string_view name) const {
    static const std::shared_ptr<Contract> none;
    const std::shared_ptr<Contract>* otherwise = &none;
    for (const auto& [known, of] : named_) {
      if (known == name) return of;
      if (known.empty()) otherwise = &of;
    }
    return *otherwise;
  }

  // As `find`, but of the link of the name `chosen` where that is not null.
  const std::shared_ptr<Contract>& find(const std::string* chosen, std::string_view name) const {
    return chosen ? named(*chosen) : find(name);
  }

  // The link of exactly this name; null where there is none.
  const std::shared_ptr<Contract>& named(std::string_view name) const {
    static const std::shared_ptr<Contract> none;
    for (const auto& [known, of] : named_) {
      if (known == name) return of;
    }
    return none;
  }

  bool empty() const { return named_.empty(); }
  const std::vector<std::pair<std::string, std::shared_ptr<Contract>>>& all() const {
    return named_;
  }

 private:
  std::vector<std::pair<std::string, std::shared_ptr<Contract>>> named_;
};

// The providers of a component's links. An immutable snapshot: to swap is to publish another.
struct Links {
  LinkedProviders<KeyValue> key_value;
  LinkedProviders<Messaging> messaging;
  LinkedProviders<BlobStore> blob_store;
  LinkedProviders<Sql> sql;
  LinkedProviders<Pins> pins;
  LinkedProviders<Postgres> postgres;
  std::shared_ptr<Config> config;
  std::shared_ptr<Secrets> secrets;  // null: there are none
  std::shared_ptr<Logging> logging;
  // Plug-ins that meet contracts which the host does not know, in the order of the names by which
  // they are linked (host/plugin_link.h).
  std::vector<std::shared_ptr<const plugin::Binding>> plugins;
};

}  // namespace unbolt::contracts
