#include "unbolt/contracts/guarded_calls.h"

#include <algorithm>
#include <array>

namespace unbolt::contracts {
namespace {

using enum GuardedCall::Effect;
using enum GuardedCall::About;

constexpr std::string_view kStore = "wasi:keyvalue/store", kAtomics = "wasi:keyvalue/atomics",
                           kBatch = "wasi:keyvalue/batch", kBlobs = "wasi:blobstore/blobstore",
                           kContainer = "wasi:blobstore/container", kBoard = "unbolt:pins/board",
                           kConsumer = "wasmcloud:messaging/consumer";

constexpr std::array kCalls{
    GuardedCall{kStore, "", "open", Open, Parameter, "bucket"},
    GuardedCall{kStore, "bucket", "get", Read, Handle, "bucket"},
    GuardedCall{kStore, "bucket", "set", Write, Handle, "bucket"},
    GuardedCall{kStore, "bucket", "delete", Write, Handle, "bucket"},
    GuardedCall{kStore, "bucket", "exists", Read, Handle, "bucket"},
    GuardedCall{kStore, "bucket", "list-keys", Read, Handle, "bucket"},
    // Its answer tells the value.
    GuardedCall{kAtomics, "", "increment", ReadAndWrite, Handle, "bucket"},
    GuardedCall{kAtomics, "cas", "new", Read, Handle, "bucket"},
    GuardedCall{kAtomics, "cas", "current", Read, Handle, "bucket"},
    GuardedCall{kAtomics, "", "swap", ReadAndWrite, Handle, "bucket"},
    GuardedCall{kBatch, "", "get-many", Read, Handle, "bucket"},
    GuardedCall{kBatch, "", "set-many", Write, Handle, "bucket"},
    GuardedCall{kBatch, "", "delete-many", Write, Handle, "bucket"},

    GuardedCall{kBlobs, "", "create-container", Write, Parameter, "container"},
    GuardedCall{kBlobs, "", "get-container", Open, Parameter, "container"},
    GuardedCall{kBlobs, "", "delete-container", Write, Parameter, "container"},
    GuardedCall{kBlobs, "", "container-exists", Read, Parameter, "container"},
    GuardedCall{kBlobs, "", "copy-object", ReadAndWrite, TwoParameters, "container"},
    GuardedCall{kBlobs, "", "move-object", ReadAndWrite, TwoParameters, "container"},
    GuardedCall{kContainer, "container", "name", Open, Handle, "container"},
    GuardedCall{kContainer, "container", "info", Read, Handle, "container"},
    GuardedCall{kContainer, "container", "get-data", Read, Handle, "container"},
    GuardedCall{kContainer, "container", "write-data", Write, Handle, "container"},
    GuardedCall{kContainer, "container", "list-objects", Read, Handle, "container"},
    GuardedCall{kContainer, "container", "delete-object", Write, Handle, "container"},
    GuardedCall{kContainer, "container", "delete-objects", Write, Handle, "container"},
    GuardedCall{kContainer, "container", "has-object", Read, Handle, "container"},
    GuardedCall{kContainer, "container", "object-info", Read, Handle, "container"},
    GuardedCall{kContainer, "container", "clear", Write, Handle, "container"},
    // Of what `list-objects` gave.
    GuardedCall{kContainer, "stream-object-names", "read-stream-object-names", Open, All, ""},
    GuardedCall{kContainer, "stream-object-names", "skip-stream-object-names", Open, All, ""},

    GuardedCall{"wasi:config/store", "", "get", Read, Parameter, "key"},
    GuardedCall{"wasi:config/store", "", "get-all", Read, All, "key"},
    GuardedCall{"wasi:config/runtime", "", "get", Read, Parameter, "key"},
    GuardedCall{"wasi:config/runtime", "", "get-all", Read, All, "key"},
    GuardedCall{"wasmcloud:secrets/store", "", "get", Read, Parameter, "key"},
    GuardedCall{"wasmcloud:secrets/reveal", "", "reveal", Open, All, ""},

    GuardedCall{kConsumer, "", "publish", Write, Parameter, "topic"},
    GuardedCall{kConsumer, "", "request", ReadAndWrite, Parameter, "topic"},

    GuardedCall{kBoard, "", "pins", Read, All, "pin"},
    GuardedCall{kBoard, "", "set-level", Write, Parameter, "pin"},
    GuardedCall{kBoard, "", "get-level", Read, Parameter, "pin"},
    GuardedCall{kBoard, "", "set-voltage", Write, Parameter, "pin"},
    GuardedCall{kBoard, "", "get-voltage", Read, Parameter, "pin"},
    GuardedCall{kBoard, "", "set-color", Write, Parameter, "pin"},
    GuardedCall{kBoard, "", "get-color", Read, Parameter, "pin"},
    GuardedCall{kBoard, "", "watch", Read, Parameter, "pin"},
    GuardedCall{kBoard, "watching", "next", Open, All, ""},

    // What a statement does is the database's to say.
    GuardedCall{"wasi:sql/types", "connection", "open", Open, All, ""},
    GuardedCall{"wasi:sql/types", "statement", "prepare", Open, All, ""},
    GuardedCall{"wasi:sql/types", "error", "trace", Open, All, ""},
};

// A folder is for reading, or for both.
constexpr std::array<std::string_view, 4> kReadAndWrite{"wasi:keyvalue", "wasi:blobstore",
                                                        "wasi:filesystem", "unbolt:pins"};
constexpr std::array<std::string_view, 4> kFree{"wasi:io", "wasi:clocks", "wasi:random",
                                                "wasmcloud:bus"};
constexpr std::array<std::string_view, 7> kPlumbing{
    "wasi:http/types",        "wasi:filesystem/types",         "wasi:filesystem/preopens",
    "wasi:sockets/network",   "wasi:sockets/instance-network", "wasi:blobstore/types",
    "wasmcloud:secrets/types"};
constexpr std::array<std::string_view, 4> kOwnAnswers{"wasi:http", "wasi:filesystem",
                                                      "wasi:sockets", "wasi:cli"};

bool has(const auto& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

}  // namespace

CallName call_name(std::string_view interface_name, std::string_view function) {
  CallName call;
  call.interface = interface_name.substr(0, interface_name.find('@'));
  call.package = call.interface.substr(0, call.interface.find('/'));
  call.function = function;
  if (const auto bracket = function.find(']'); bracket != std::string_view::npos) {
    const bool makes = function.starts_with("[constructor]");
    const auto name = function.substr(bracket + 1);
    const auto dot = name.find('.');
    call.resource = name.substr(0, dot);
    call.function = makes || dot == std::string_view::npos ? std::string_view("constructor")
                                                           : name.substr(dot + 1);
  }
  return call;
}

const GuardedCall* find_guarded(const CallName& call) {
  const auto found = std::ranges::find_if(kCalls, [&](const GuardedCall& item) {
    return item.interface == call.interface && item.resource == call.resource &&
           item.function == call.function;
  });
  return found == kCalls.end() ? nullptr : &*found;
}

bool tells_reading_from_writing(std::string_view package) { return has(kReadAndWrite, package); }
bool is_plumbing(const CallName& call) { return has(kPlumbing, call.interface); }
bool needs_no_grant(std::string_view package) { return has(kFree, package); }
bool answers_for_itself(std::string_view package) { return has(kOwnAnswers, package); }

}  // namespace unbolt::contracts
