#include "unbolt/cli/keys.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "unbolt/cli/output.h"
#include "unbolt/identity/key_store.h"

namespace unbolt::cli {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const identity::NamedKey& item) {
  return {{"name", item.name},
          {"kind", identity::to_string(item.key.kind())},
          {"publicKey", item.key.text()}};
}

int print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? kFailed : kDone;
}

// Past the buffers of standard output, which nobody wipes.
int print_secret(const identity::SeedText& seed) {
  for (std::string_view rest :
       {std::string_view(seed.get().data(), seed.get().size()), std::string_view("\n")}) {
    while (!rest.empty()) {
      const ssize_t n = ::write(STDOUT_FILENO, rest.data(), rest.size());
      if (n <= 0) return kFailed;
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  return kDone;
}

}  // namespace

int new_key_command(const NewKeyOptions& options) {
  const auto kind = identity::key_kind_named(options.kind);
  if (!kind) return usage_error("keys new: the kind is one of account, component, host, operator");
  const auto store = identity::KeyStore::of_user();
  if (!store) return report(store.error());
  const auto key = identity::KeyPair::generate(*kind);
  if (!key) return report(key.error());
  const identity::NamedKey named{options.name.empty() ? options.kind : options.name,
                                 key->public_key()};
  if (const auto added = store->add(named.name, *key); !added) return report(added.error());
  if (options.output == "json") return print(to_json(named).dump(2) + "\n");
  return print(fmt::format("{}: {} {}\nkept in {}/{}.nk: make a copy in a safe place\n", named.name,
                           options.kind, named.key.text(), store->folder().native(), named.name));
}

int list_keys_command(const ListKeysOptions& options) {
  const auto store = identity::KeyStore::of_user();
  if (!store) return report(store.error());
  std::vector<std::string> unreadable;
  const auto keys = store->list(&unreadable);
  if (!keys) return report(keys.error());
  std::string text;
  if (options.output == "json") {
    auto list = ordered_json::array();
    for (const auto& item : *keys) list.push_back(to_json(item));
    text = list.dump(2) + "\n";
  } else {
    for (const auto& item : *keys) {
      text += fmt::format("{:<20} {:<10} {}\n", item.name, identity::to_string(item.key.kind()),
                          item.key.text());
    }
    if (keys->empty()) text = "no keys: unbolt keys new makes one\n";
  }
  for (const auto& message : unreadable) fmt::print(stderr, "warning: {}\n", message);
  return print(text);
}

int show_key_command(const ShowKeyOptions& options) {
  const auto store = identity::KeyStore::of_user();
  if (!store) return report(store.error());
  const auto key = store->find(options.name);
  if (!key) return report(key.error());
  if (options.secret) return print_secret(key->seed());
  return print(key->public_key().text() + "\n");
}

}  // namespace unbolt::cli
