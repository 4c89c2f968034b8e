#include "unbolt/contracts/claimed_grants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "unbolt/contracts/declarations.h"

namespace unbolt::contracts {
namespace {

using Verdict = ClaimedGrants::Verdict;
using Texts = std::vector<std::string>;

bool allows(const Texts& grants, std::string_view interface, std::string_view function,
            std::optional<std::string_view> about = std::nullopt) {
  for (const auto& text : grants)
    EXPECT_TRUE(ClaimedGrant::parse(text)) << ClaimedGrant::parse(text).error().message;
  return ClaimedGrants::of(grants).allows(call_name(interface, function), about);
}

TEST(ClaimedGrants, SayWhatMayBeCalled) {
  constexpr std::string_view kStore = "wasi:keyvalue/store@0.2.0-draft",
                             kAtomics = "wasi:keyvalue/atomics@0.2.0-draft";
  struct Case {
    Texts grants;
    std::string_view interface, function;
    std::optional<std::string_view> about;
    bool allowed;
  };
  const Case cases[] = {
      {{}, kStore, "open", "a", false},
      {{"wasi:keyvalue"}, kStore, "open", "a", true},
      {{"wasi:keyvalue/store"}, kStore, "[method]bucket.get", "a", true},
      {{"wasi:keyvalue/store"}, kAtomics, "increment", "a", false},
      // What is opened for another interface of the contract.
      {{"wasi:keyvalue/atomics bucket=a"}, kStore, "open", "a", true},
      {{"wasi:keyvalue/atomics bucket=a"}, kStore, "open", "b", false},
      {{"wasi:keyvalue/atomics bucket=a"}, kStore, "[method]bucket.get", "a", false},
      {{"wasi:keyvalue/store{get} bucket=s-*"}, kStore, "[method]bucket.get", "s-1", true},
      {{"wasi:keyvalue/store{get} bucket=s-*"}, kStore, "[method]bucket.get", "t-1", false},
      {{"wasi:keyvalue/store{get} bucket=s-*"}, kStore, "[method]bucket.set", "s-1", false},
      {{"wasi:keyvalue/store{bucket.get}"}, kStore, "[method]bucket.get", "x", true},
      {{"wasi:keyvalue/store{cas.get}"}, kStore, "[method]bucket.get", "x", false},
      // Each bucket by its own grant.
      {{"wasi:keyvalue/store{get} bucket=a", "wasi:keyvalue/store{set} bucket=b"},
       kStore,
       "[method]bucket.set",
       "a",
       false},
      {{"wasi:keyvalue/store{get} bucket=a", "wasi:keyvalue/store{set} bucket=b"},
       kStore,
       "[method]bucket.set",
       "b",
       true},
      {{"wasi:keyvalue access=read"}, kStore, "[method]bucket.exists", "a", true},
      {{"wasi:keyvalue access=read"}, kStore, "[method]bucket.delete", "a", false},
      {{"wasi:keyvalue access=write"}, kStore, "[method]bucket.get", "a", false},
      // It tells the value, too.
      {{"wasi:keyvalue access=write"}, kAtomics, "increment", "a", false},
      {{"wasi:keyvalue access=read bucket=a", "wasi:keyvalue access=write bucket=a"},
       kAtomics,
       "increment",
       "a",
       true},
      {{"wasi:keyvalue access=read bucket=a", "wasi:keyvalue access=write bucket=b"},
       kAtomics,
       "increment",
       "a",
       false},
      {{"wasi:keyvalue bucket=a%2Cb"}, kStore, "open", "a,b", true},
      {{"wasi:keyvalue bucket=a%2Cb"}, kStore, "open", "a%2Cb", false},
      {{"wasi:keyvalue bucket=%2A"}, kStore, "open", "*", true},
      {{"wasi:keyvalue bucket=%2A"}, kStore, "open", "a", false},

      {{"wasi:blobstore access=read container=in", "wasi:blobstore access=write container=out"},
       "wasi:blobstore/blobstore",
       "copy-object",
       "in",
       false},
      {{"wasi:blobstore/blobstore{copy-object} container=a,b"},
       "wasi:blobstore/blobstore",
       "copy-object",
       "b",
       true},
      {{"wasi:blobstore access=read"}, "wasi:blobstore/blobstore", "create-container", "a", false},
      {{"wasi:blobstore access=read"},
       "wasi:blobstore/types",
       "[static]outgoing-value.new-outgoing-value",
       {},
       true},

      {{"wasi:config key=app-*"}, "wasi:config/store@0.2.0-rc.1", "get", "app-x", true},
      {{"wasi:config key=app-*"}, "wasi:config/runtime@0.2.0-draft", "get", "x", false},
      // All of them would be too many.
      {{"wasi:config key=app-*"}, "wasi:config/store@0.2.0-rc.1", "get-all", {}, false},
      {{"wasi:config"}, "wasi:config/store@0.2.0-rc.1", "get-all", {}, true},
      {{"wasmcloud:secrets key=a"}, "wasmcloud:secrets/store@0.1.0-draft", "get", "b", false},
      {{"wasmcloud:secrets key=a"}, "wasmcloud:secrets/reveal@0.1.0-draft", "reveal", {}, true},
      {{}, "wasmcloud:secrets/reveal@0.1.0-draft", "reveal", {}, false},

      {{"wasmcloud:messaging/consumer topic=orders.*"},
       "wasmcloud:messaging/consumer@0.2.0",
       "publish",
       "orders.new",
       true},
      {{"wasmcloud:messaging/consumer topic=orders.*"},
       "wasmcloud:messaging/consumer@0.2.0",
       "publish",
       "orders.new.one",
       false},
      {{"wasmcloud:messaging/consumer{request} topic=>"},
       "wasmcloud:messaging/consumer@0.2.0",
       "publish",
       "a",
       false},

      {{"unbolt:pins access=read pin=door"}, "unbolt:pins/board@0.1.0", "get-level", "door", true},
      {{"unbolt:pins access=read pin=door"}, "unbolt:pins/board@0.1.0", "set-level", "door", false},
      {{"unbolt:pins access=read pin=door"}, "unbolt:pins/board@0.1.0", "pins", {}, false},

      {{"wasi:sql/readwrite{query}"},
       "wasi:sql/types@0.2.0-draft",
       "[static]connection.open",
       {},
       true},
      {{"wasi:sql/readwrite{query}"}, "wasi:sql/readwrite@0.2.0-draft", "exec", {}, false},
      {{"wasi:sql role=reader"}, "wasi:sql/readwrite@0.2.0-draft", "exec", {}, true},

      {{"shop:pricing/prices{quote}"}, "shop:pricing/prices@1.0.0", "quote", {}, true},
      {{"shop:pricing/prices{quote}"}, "shop:pricing/prices@1.0.0", "change", {}, false},
      {{"shop:pricing"}, "shop:prices/prices@1.0.0", "quote", {}, false},

      {{}, "wasi:io/streams@0.2.12", "[method]input-stream.read", {}, true},
      {{}, "wasi:http/types@0.2.12", "[constructor]fields", {}, true},
      {{"wasi:http/types{fields.get}"}, "wasi:http/types@0.2.12", "[constructor]fields", {}, false},
      // Answers for itself: no hosts are left to it.
      {{}, "wasi:http/outgoing-handler@0.2.12", "handle", {}, true},
      {{"wasi:http/types"}, "wasi:http/outgoing-handler@0.2.12", "handle", {}, false},
      {{"wasi:sockets/tcp"}, "wasi:sockets/udp@0.2.12", "[method]udp-socket.stream", {}, false},
      {{}, "wasi:logging/logging@0.1.0-draft", "log", {}, false},
  };
  for (const Case& one : cases) {
    std::string shown;
    for (const auto& text : one.grants) shown += text + "; ";
    EXPECT_EQ(allows(one.grants, one.interface, one.function, one.about), one.allowed)
        << shown << one.interface << "#" << one.function << " " << one.about.value_or("(nothing)");
  }
}

// Every function of every contract is one of: free, answering for itself, or refused where nothing
// is granted; and granted with all of its contract.
TEST(ClaimedGrants, NoFunctionIsForgotten) {
  const ClaimedGrants nothing = ClaimedGrants::of({});
  std::set<std::string> guarded;
  for (const char* folder :
       {"blobstore", "bus",          "bus_1",           "cli",        "clocks",
        "config",    "config_bytes", "config_draft",    "filesystem", "http",
        "io",        "keyvalue",     "keyvalue_draft2", "logging",    "logging_unversioned",
        "messaging", "pins",         "postgres",        "random",     "secrets",
        "sockets",   "sql"}) {
    const auto package = wit_package(folder);
    ASSERT_TRUE(package) << folder;
    for (const auto& interface : package->imports) {
      for (const auto* func : interface.funcs) {
        const CallName call = call_name(interface.name, func->name);
        const bool open =
            needs_no_grant(call.package) || answers_for_itself(call.package) || is_plumbing(call);
        EXPECT_EQ(nothing.verdict(call) == Verdict::Granted, open)
            << interface.name << "#" << func->name;
        const ClaimedGrants all = ClaimedGrants::of({std::string(call.package)});
        EXPECT_EQ(all.verdict(call), Verdict::Granted) << interface.name << "#" << func->name;
        if (find_guarded(call)) {
          guarded.insert(fmt::format("{}.{}.{}", call.interface, call.resource, call.function));
        } else if (tells_reading_from_writing(call.package) && !is_plumbing(call) &&
                   !answers_for_itself(call.package)) {
          // These are called on what the host gave away, or are not imported by anybody.
          EXPECT_TRUE(call.interface == "wasi:keyvalue/watcher")
              << interface.name << "#" << func->name << " reads or writes?";
        }
      }
    }
  }
  EXPECT_GE(guarded.size(), 45u);
}

// What docs/grants.md says, once more and otherwise: each thing that a call does has to be granted.
bool by_the_book(const std::vector<ClaimedGrant>& grants, const CallName& call,
                 const std::optional<std::string>& about) {
  const GuardedCall& known = *find_guarded(call);
  const auto about_it = [&](const ClaimedGrant& grant) {
    const auto patterns = grant.arguments.find(known.kind);
    if (known.kind.empty() || patterns == grant.arguments.end()) return true;
    if (!about) return false;
    for (const auto& pattern : patterns->second) {
      if (known.kind == "topic" ? (pattern == *about || pattern == ">" ||
                                   (pattern == "a.*" && about->starts_with("a.")))
                                : (pattern == *about || pattern == "*" ||
                                   (pattern == "a*" && about->starts_with("a"))))
        return true;
    }
    return false;
  };
  const auto granted = [&](bool reading) {
    for (const auto& grant : grants) {
      if (grant.contract != call.package && grant.contract != call.interface) continue;
      if (grant.access == (reading ? ClaimedGrant::Access::Write : ClaimedGrant::Access::Read))
        continue;
      bool named = grant.functions.empty();
      for (const auto& name : grant.functions) {
        named |= name == call.function ||
                 name == std::string(call.resource) + "." + std::string(call.function);
      }
      if (named && about_it(grant)) return true;
    }
    return false;
  };
  switch (known.effect) {
    case GuardedCall::Effect::Open:
      for (const auto& grant : grants) {
        if (grant.contract.substr(0, grant.contract.find('/')) == call.package && about_it(grant))
          return true;
      }
      return false;
    case GuardedCall::Effect::Read: return granted(true);
    case GuardedCall::Effect::Write: return granted(false);
    case GuardedCall::Effect::ReadAndWrite: return granted(true) && granted(false);
  }
  return false;
}

TEST(ClaimedGrants, AMillionRandomCombinations) {
  struct Known {
    std::string interface, function;  // as they are imported
    std::string kind;
  };
  std::vector<Known> calls;
  for (const char* folder :
       {"blobstore", "config", "keyvalue_draft2", "messaging", "pins", "secrets", "sql"}) {
    for (const auto& interface : wit_package(folder)->imports) {
      for (const auto* func : interface.funcs) {
        const auto* known = find_guarded(call_name(interface.name, func->name));
        if (known) calls.push_back({interface.name, func->name, std::string(known->kind)});
      }
    }
  }
  ASSERT_GE(calls.size(), 45u);
  std::mt19937 random(20261122);
  const auto below = [&](std::size_t n) { return random() % n; };
  const auto name_of = [&](const Known& one) -> std::string {
    return one.kind == "topic" ? std::array{"a.b", "a.c", "b", "b.a"}[below(4)]
                               : std::array{"a", "ab", "b", "c"}[below(4)];
  };
  std::size_t allowed = 0, refused = 0;
  for (int round = 0; round < 1'000'000; ++round) {
    const Known& called = calls[below(calls.size())];
    const CallName call = call_name(called.interface, called.function);
    std::vector<ClaimedGrant> grants;
    for (std::size_t n = below(4); n > 0; --n) {
      // Mostly of the same contract.
      const Known& other = below(3) ? called : calls[below(calls.size())];
      const CallName about = call_name(other.interface, other.function);
      ClaimedGrant grant{.contract = std::string(below(2) ? about.package : about.interface)};
      if (tells_reading_from_writing(about.package) && below(3) == 0) {
        grant.access = below(2) ? ClaimedGrant::Access::Read : ClaimedGrant::Access::Write;
      } else if (below(2)) {
        const Known& third = below(2) ? other : calls[below(calls.size())];
        const CallName function = call_name(third.interface, third.function);
        grant.functions.push_back(function.resource.empty() || below(2)
                                      ? std::string(function.function)
                                      : std::string(function.resource) + "." +
                                            std::string(function.function));
      }
      std::string kind = other.kind;
      for (const Known& same : calls) {
        if (kind.empty() && call_name(same.interface, same.function).package == about.package)
          kind = same.kind;
      }
      if (!kind.empty() && below(2)) {
        const bool topic = kind == "topic";
        auto& patterns = grant.arguments[kind];
        for (std::size_t m = 1 + below(2); m > 0; --m) {
          patterns.emplace_back(topic ? std::array{"a.b", "a.*", "b", ">"}[below(4)]
                                      : std::array{"a", "a*", "b", "*"}[below(4)]);
        }
      }
      grants.push_back(std::move(grant));
    }
    const GuardedCall& known = *find_guarded(call);
    std::optional<std::string> about;
    if (known.about != GuardedCall::About::All) about = name_of(called);
    const ClaimedGrants claimed(grants);
    const bool expected = by_the_book(grants, call, about);
    const auto as_text = [&] {
      std::string text =
          fmt::format("{}#{} {}:", called.interface, called.function, about.value_or("(nothing)"));
      for (const auto& grant : grants) text += "\n  " + grant.text();
      return text;
    };
    ASSERT_EQ(claimed.allows(call, about), expected) << as_text();
    // What is decided when it is linked decides no more than that.
    const Verdict verdict = claimed.verdict(call);
    if (verdict == Verdict::Refused) ASSERT_FALSE(expected) << as_text();
    if (verdict == Verdict::Granted) ASSERT_TRUE(expected) << as_text();
    ++(expected ? allowed : refused);
  }
  EXPECT_GT(allowed, 100'000u);
  EXPECT_GT(refused, 100'000u);
}

Grants operators(std::initializer_list<std::string_view> texts) {
  Grants grants;
  for (const auto text : texts) EXPECT_TRUE(grants.add(text)) << text;
  return grants;
}

TEST(ClaimedGrants, BoundWhatTheOperatorGrants) {
  const Grants all = operators({"host:*", "dir:/srv/data::/data", "dir:/srv/other::/other",
                                "env:APP_A=1", "env:SECRET=2", "connect:*", "listen:*"});
  const auto within = [&](const Texts& texts) { return ClaimedGrants::of(texts).within(all); };

  const Grants none = within({});
  EXPECT_FALSE(none.allows_host("example.com", 443));
  EXPECT_TRUE(none.directories.empty());
  EXPECT_TRUE(none.env.empty());
  ASSERT_TRUE(none.network.claimed);
  EXPECT_FALSE(none.network.claimed->any());

  const Grants some =
      within({"wasi:http/outgoing-handler host=*.example.com", "wasi:cli env=APP_*",
              "wasi:filesystem access=read dir=/data/in", "wasi:sockets connect=10.0.0.0/8:5432"});
  EXPECT_TRUE(some.allows_host("api.example.com", 443));
  EXPECT_FALSE(some.allows_host("example.org", 443));
  EXPECT_EQ(some.env, (std::map<std::string, std::string>{{"APP_A", "1"}}));
  ASSERT_EQ(some.directories.size(), 1u);
  EXPECT_EQ(some.directories[0].host, "/srv/data/in");
  EXPECT_EQ(some.directories[0].guest, "/data/in");
  EXPECT_TRUE(some.directories[0].read_only);
  EXPECT_TRUE(some.network.claimed->allows_connect(asio::ip::make_address("10.1.2.3"), 5432));
  EXPECT_FALSE(some.network.claimed->allows_connect(asio::ip::make_address("10.1.2.3"), 80));
  EXPECT_FALSE(some.network.claimed->allows_listen(asio::ip::make_address("127.0.0.1"), 80));

  const Grants whole = within({"wasi:http", "wasi:cli", "wasi:filesystem", "wasi:sockets/tcp"});
  EXPECT_TRUE(whole.allows_host("example.org", 443));
  EXPECT_EQ(whole.env.size(), 2u);
  EXPECT_EQ(whole.directories.size(), 2u);
  EXPECT_FALSE(whole.directories[0].read_only);
  EXPECT_FALSE(whole.network.claimed);

  // Claims never add anything.
  const Grants little = ClaimedGrants::of({"wasi:http", "wasi:filesystem dir=/", "wasi:cli"})
                            .within(operators({"dir:/srv/data::/data:ro"}));
  EXPECT_FALSE(little.allows_host("example.org", 443));
  ASSERT_EQ(little.directories.size(), 1u);
  EXPECT_TRUE(little.directories[0].read_only);
  // Nothing in common: a name that only begins alike.
  EXPECT_TRUE(within({"wasi:filesystem dir=/dat"}).directories.empty());
  // The wider of two.
  const Grants both =
      within({"wasi:filesystem access=read dir=/data", "wasi:filesystem dir=/data"});
  ASSERT_EQ(both.directories.size(), 1u);
  EXPECT_FALSE(both.directories[0].read_only);
}

TEST(ClaimedGrants, RolesOfDatabases) {
  const auto granted = [](const Texts& texts, std::string_view url) {
    return ClaimedGrants::of(texts).check_role("wasi:sql", *parse_provider_url(url)).has_value();
  };
  EXPECT_TRUE(granted({"wasi:sql role=reader"}, "postgres://reader:x@db/shop"));
  EXPECT_FALSE(granted({"wasi:sql role=reader"}, "postgres://owner:x@db/shop"));
  EXPECT_FALSE(granted({"wasi:sql role=reader"}, "postgres://db/shop"));
  EXPECT_TRUE(granted({"wasi:sql role=reader"}, "sqlite:shop.db"));
  EXPECT_TRUE(granted({"wasi:sql"}, "postgres://owner:x@db/shop"));
}

TEST(ClaimedGrants, WhatIsNotUnderstoodGrantsNothing) {
  EXPECT_FALSE(ClaimedGrants::of({"wasi:keyvalue frobnicate=7"})
                   .allows(call_name("wasi:keyvalue/store", "open"), "a"));
}

}  // namespace
}  // namespace unbolt::contracts
