// What an application shall be: its components, where their links lead, its routes, topics and
// listeners. A value, made of a manifest (manifest.h); what a host is asked for and what it stores.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace unbolt::control {

// One link: which import of a component leads where.
struct LinkKey {
  std::string contract;  // "wasi:keyvalue", "acme:shop/pricing": without its version
  std::string name;      // "": the link for every name that has none of its own
  auto operator<=>(const LinkKey&) const = default;
};

struct ComponentLimits {
  std::optional<std::uint64_t> memory_bytes;      // of each memory of an instance
  std::optional<std::chrono::milliseconds> time;  // of a call
  std::optional<std::uint32_t> instances;         // live at a time
  std::optional<std::uint32_t> concurrency;       // calls at a time; further ones wait
  std::uint32_t reuse = 1;                        // calls an instance serves; 1: a fresh one each
  bool operator==(const ComponentLimits&) const = default;
};

struct ComponentState {
  std::string image;   // an absolute path, or an OCI reference (see `is_file`)
  std::string digest;  // "sha256:" and 64 lower-case digits, or "": any
  // URLs that contracts::parse_provider_url takes, variables already in their places and files with
  // absolute paths. They may carry passwords: contracts::ProviderUrl::shown().
  std::map<LinkKey, std::string> links;
  std::map<std::string, std::string> config;
  // By name: `env:VARIABLE` and `file:/PATH`, read by the host, or `value:TEXT`.
  std::map<std::string, std::string> secrets;
  std::vector<std::string> watch;   // buckets whose changes its watcher is told of
  std::vector<std::string> grants;  // as contracts::Grants takes them, folders with absolute paths
  ComponentLimits limits;
  bool operator==(const ComponentState&) const = default;

  bool is_file() const { return image.starts_with('/'); }
};

// Requests of a host and below a path go to a component.
struct Route {
  std::string host;  // "" any; "shop.example"; "*.example": any name below it. Lower case.
  std::string path;  // "/", or a prefix as host::Router has it
  std::string to;    // a component
  bool operator==(const Route&) const = default;
};

// Messages of a subject go to a component.
struct Topic {
  std::string subject;
  std::string to;     // a component
  std::string from;   // a provider's URL; "": the component's link of wasmcloud:messaging
  std::string group;  // queue group or durable name; "": of application and component
  bool operator==(const Topic&) const = default;
};

// Who connects to an address talks to a component.
struct Listen {
  std::string telnet;                         // an address, as http::parse_listen_address takes it
  std::string to;                             // a component
  std::chrono::milliseconds idle{600'000};    // a session without input ends
  std::chrono::milliseconds stalled{30'000};  // one whose client does not read ends
  std::uint32_t sessions = 1'000;             // at a time
  bool operator==(const Listen&) const = default;
};

struct DesiredState {
  std::string name;
  std::map<std::string, ComponentState> components;
  // Empty where the manifest has none: then the host, which knows what components export, sends
  // everything to the one that handles HTTP.
  std::vector<Route> routes;
  std::vector<Topic> topics;
  std::vector<Listen> listen;
  bool operator==(const DesiredState&) const = default;
};

}  // namespace unbolt::control
