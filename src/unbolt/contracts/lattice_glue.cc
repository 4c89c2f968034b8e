// wasmcloud:bus/lattice: an instance chooses a link by its name.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/interfaces.h"
#include "unbolt/contracts/text.h"

namespace unbolt::contracts {
namespace {

using component::Call;
using component::Own;

constexpr std::size_t kMaxName = 256, kMaxShown = 100;
// The name by which components ask for the link that they had before.
constexpr std::string_view kDefault = "default";

template <auto Member>
bool has(const Links& links, std::string_view name) {
  return (links.*Member).named(name) != nullptr;
}
template <auto Member>
std::vector<std::string_view> names(const Links& links) {
  std::vector<std::string_view> all;
  for (const auto& [name, provider] : (links.*Member).all())
    all.push_back(name.empty() ? kDefault : std::string_view(name));
  return all;
}

struct Known {
  std::string_view interface;
  Choosable choosable;
  bool (*has)(const Links& links, std::string_view name);
  std::vector<std::string_view> (*names)(const Links& links);
};
constexpr Known kKnown[] = {
    {"wasi:keyvalue/store", Choosable::KeyValueStore, &has<&Links::key_value>,
     &names<&Links::key_value>},
    {"wasi:keyvalue/atomics", Choosable::KeyValueAtomics, &has<&Links::key_value>,
     &names<&Links::key_value>},
    {"wasi:keyvalue/batch", Choosable::KeyValueBatch, &has<&Links::key_value>,
     &names<&Links::key_value>},
    {"wasmcloud:messaging/consumer", Choosable::Messaging, &has<&Links::messaging>,
     &names<&Links::messaging>},
    {"wasi:blobstore/blobstore", Choosable::BlobStore, &has<&Links::blob_store>,
     &names<&Links::blob_store>},
    {"wasi:blobstore/container", Choosable::BlobStore, &has<&Links::blob_store>,
     &names<&Links::blob_store>},
    {"wasi:blobstore/types", Choosable::BlobStore, &has<&Links::blob_store>,
     &names<&Links::blob_store>},
    {"wasi:sql/types", Choosable::Sql, &has<&Links::sql>, &names<&Links::sql>},
    {"wasi:sql/readwrite", Choosable::Sql, &has<&Links::sql>, &names<&Links::sql>},
    {"wasmcloud:postgres/query", Choosable::Postgres, &has<&Links::postgres>,
     &names<&Links::postgres>},
    {"wasmcloud:postgres/prepared", Choosable::Postgres, &has<&Links::postgres>,
     &names<&Links::postgres>},
};

// resource call-target-interface
struct CallTarget {
  const Known* known;   // null: it is none of these
  std::string unknown;  // the start of its name then, for messages
};

Result<Own<CallTarget>> make_target(Call&, std::string_view ns, std::string_view package,
                                    std::string_view interface) {
  if (ns.size() > kMaxName || package.size() > kMaxName || interface.size() > kMaxName) {
    return fail(ErrorCode::LimitExceeded,
                "the name of an interface has more than {} bytes in one of its parts", kMaxName);
  }
  const std::string name = fmt::format("{}:{}/{}", ns, package, interface);
  const auto* known = std::ranges::find(kKnown, name, &Known::interface);
  if (known != std::end(kKnown)) return std::make_unique<CallTarget>(CallTarget{known, {}});
  return std::make_unique<CallTarget>(CallTarget{nullptr, printable(name, kMaxShown)});
}

// All of the interfaces, or none.
Result<> choose(Guest& guest, std::string_view name, const std::vector<Own<CallTarget>>& targets) {
  std::vector<const Known*> wanted;
  for (const auto& target : targets) {
    const Known* known = target->known;
    if (!known) {
      std::vector<std::string_view> all;
      for (const Known& one : kKnown) all.push_back(one.interface);
      return fail(ErrorCode::InvalidArgument,
                  "the link of {} cannot be chosen by its name: that can be done for {}",
                  target->unknown, fmt::join(all, ", "));
    }
    if (name != kDefault && !known->has(*guest.links, name)) {
      const auto there = known->names(*guest.links);
      const std::string_view contract = known->interface.substr(0, known->interface.find('/'));
      if (there.empty()) {
        return fail(ErrorCode::NotFound, "no link of {} is named '{}': it has none at all",
                    contract, printable(name, kMaxShown));
      }
      return fail(ErrorCode::NotFound, "no link of {} is named '{}': there is {}", contract,
                  printable(name, kMaxShown), fmt::join(there, ", "));
    }
    wanted.push_back(known);
  }
  for (const Known* known : wanted) {
    if (name == kDefault && !known->has(*guest.links, name)) {
      guest.chosen.reset(known->choosable);
    } else {
      guest.chosen.set(known->choosable, name);
    }
  }
  return {};
}

Result<> set_link_name_or_trap(Call& call, std::string_view name,
                               std::vector<Own<CallTarget>> interfaces) {
  return choose(call.host<Guest>(), name, interfaces);
}
std::expected<void, std::string> set_link_name(Call& call, std::string_view name,
                                               std::vector<Own<CallTarget>> interfaces) {
  if (auto chosen = choose(call.host<Guest>(), name, interfaces); !chosen)
    return std::unexpected(std::move(chosen.error().message));
  return {};
}

}  // namespace

void add_lattice(component::HostInterfaces& host) {
  host.add("wasmcloud:bus/lattice@2.0.1")
      .resource<CallTarget>("call-target-interface")
      .func<&make_target>("[constructor]call-target-interface")
      .func<&set_link_name>("set-link-name");
  host.add("wasmcloud:bus/lattice@1.0.0")
      .resource<CallTarget>("call-target-interface")
      .func<&make_target>("[constructor]call-target-interface")
      .func<&set_link_name_or_trap>("set-link-name");
}

}  // namespace unbolt::contracts
