#include "unbolt/control/shape.h"

#include <algorithm>

namespace unbolt::control {
namespace {

using enum Shape::Form;
using enum Field::Need;

const Shape kNameShape{.form = Scalar, .scalar = &kName};
const Shape kImageShape{.form = Scalar, .scalar = &kImage};
const Shape kDigestShape{.form = Scalar, .scalar = &kDigest};
const Shape kUrlShape{.form = Scalar, .scalar = &kUrl};
const Shape kBrokerShape{.form = Scalar, .scalar = &kBroker};
const Shape kValueShape{.form = Scalar, .scalar = &kValue};
const Shape kSecretShape{.form = Scalar, .scalar = &kSecret};
const Shape kBucketShape{.form = Scalar, .scalar = &kBucket};
const Shape kGrantShape{.form = Scalar, .scalar = &kGrant};
const Shape kCommandShape{.form = Scalar, .scalar = &kCommand};
const Shape kFolderShape{.form = Scalar, .scalar = &kFolder};
const Shape kSizeShape{.form = Scalar, .scalar = &kSize};
const Shape kDurationShape{.form = Scalar, .scalar = &kDuration};
const Shape kCountShape{.form = Scalar, .scalar = &kCount};
const Shape kIsolationShape{.form = Scalar, .scalar = &kIsolation};
const Shape kHostShape{.form = Scalar, .scalar = &kHost};
const Shape kPathShape{.form = Scalar, .scalar = &kPath};
const Shape kSubjectShape{.form = Scalar, .scalar = &kSubject};
const Shape kListenShape{.form = Scalar, .scalar = &kListen};
const Shape kGroupShape{.form = Scalar, .scalar = &kGroup};

const Shape kLinkShape{.form = Named,
                       .key = &kLinkName,
                       .item = &kUrlShape,
                       .item_name = "LINK",
                       .has_short_form = true,
                       .short_form = ""};
const Shape kLinksShape{
    .form = Named, .key = &kContract, .item = &kLinkShape, .item_name = "CONTRACT"};
const Shape kConfigShape{.form = Named, .key = &kKey, .item = &kValueShape, .item_name = "KEY"};
const Shape kSecretsShape{.form = Named, .key = &kKey, .item = &kSecretShape, .item_name = "NAME"};
const Shape kWatchShape{.form = List, .item = &kBucketShape};
const Shape kGrantsShape{.form = List, .item = &kGrantShape};

const Field kLimitFields[] = {
    {"memory", kSizeShape, Optional, "What each memory of an instance may grow to.", "64MiB"},
    {"time", kDurationShape, Optional, "What a call may take.", "5s"},
    {"instances", kCountShape, Optional, "How many instances may be live at a time.", "100"},
    {"concurrency", kCountShape, Optional,
     "How many calls may be under way at a time; further ones wait.", "50"},
    {"isolation", kIsolationShape, Optional,
     "Whether each call has a fresh instance (the default), or an instance serves N calls.",
     "reused:1000"},
};
const Shape kLimitsShape{.form = Mapping, .fields = kLimitFields};

const Field kBuildFields[] = {
    {"command", kCommandShape, Required,
     "What makes the image: a component, or a core module, which is then made one.", "make"},
    {"in", kFolderShape, Optional,
     "The folder where the command runs, with the component's sources; without it, the manifest's.",
     "./orders"},
};
const Shape kBuildShape{
    .form = Mapping, .fields = kBuildFields, .has_short_form = true, .short_form = "command"};

const Field kComponentFields[] = {
    {"image", kImageShape, Required,
     "The component's file, relative to the manifest, or where a registry has it.",
     "./orders.wasm"},
    {"build", kBuildShape, Optional,
     "How `unbolt build` and `unbolt dev` make the image; a host that runs it takes no notice.",
     "{command: make, in: ./orders}"},
    {"digest", kDigestShape, Optional, "What the file must be: another one is refused.",
     "sha256:0f9c2e5ab6d1470c3b8e9d2a41f65c07d8b3e6fa92c41057be83d9a6f0e2c714"},
    {"links", kLinksShape, Optional,
     "Where the contracts that it imports lead: a provider's URL for each, or one for each name "
     "by which the component asks.",
     "{wasi:keyvalue: 'sqlite:orders.db'}"},
    {"config", kConfigShape, Optional, "What wasi:config answers.", "{currency: EUR}"},
    {"secrets", kSecretsShape, Optional,
     "What wasmcloud:secrets answers, and where the host reads it.", "{api-key: env:SHOP_API_KEY}"},
    {"watch", kWatchShape, Optional,
     "The buckets whose changes its wasi:keyvalue/watcher is told of, at the provider where each "
     "leads.",
     "[stock]"},
    {"grants", kGrantsShape, Optional, "What else it may do; nothing is granted by default.",
     "['host:api.example.com']"},
    {"limits", kLimitsShape, Optional, "What it may use.", "{memory: 64MiB, time: 5s}"},
};
const Shape kComponentShape{
    .form = Mapping, .fields = kComponentFields, .has_short_form = true, .short_form = "image"};
const Shape kComponentsShape{
    .form = Named, .key = &kName, .item = &kComponentShape, .item_name = "NAME"};

const Field kRouteFields[] = {
    {"host", kHostShape, Optional, "The host of the requests; without it, any.", "shop.example"},
    {"path", kPathShape, Optional,
     "The path of the requests: itself and what is below it; without it, all.", "/orders"},
    {"to", kNameShape, Optional,
     "The component that answers; need not be said where there is one alone.", "orders"},
};
const Shape kRouteShape{.form = Mapping, .fields = kRouteFields};
const Shape kRoutesShape{.form = List, .item = &kRouteShape};

const Field kTopicFields[] = {
    {"subject", kSubjectShape, Required, "The subject of the messages.", "shop.orders.*"},
    {"to", kNameShape, Optional,
     "The component that handles them; need not be said where there is one alone.", "orders"},
    {"from", kBrokerShape, Optional,
     "The broker; without it, the one that the component's wasmcloud:messaging is linked to.",
     "nats://127.0.0.1:4222"},
    {"group", kGroupShape, Optional,
     "The hosts of one group share the messages; without it, made of the names of the application "
     "and the component.",
     "billing"},
};
const Shape kTopicShape{.form = Mapping, .fields = kTopicFields};
const Shape kTopicsShape{.form = List, .item = &kTopicShape};

const Field kListenerFields[] = {
    {"telnet", kListenShape, Required, "The address where telnet clients connect.",
     "127.0.0.1:2323"},
    {"to", kNameShape, Optional,
     "The component that answers; need not be said where there is one alone.", "game"},
    {"idle", kDurationShape, Optional, "A session in which nothing is typed for so long is ended.",
     "10m"},
    {"stalled", kDurationShape, Optional,
     "A session whose client reads nothing for so long, of what was written, is ended.", "30s"},
    {"sessions", kCountShape, Optional, "How many there may be at a time.", "1000"},
};
const Shape kListenerShape{.form = Mapping, .fields = kListenerFields};
const Shape kListenersShape{.form = List, .item = &kListenerShape};

const Field kManifestFields[] = {
    {"name", kNameShape, Optional, "The application; without it, the manifest's folder names it.",
     "shop"},
    {"components", kComponentsShape, Required, "The components, each by a name of its own.",
     "{orders: ./orders.wasm}"},
    {"routes", kRoutesShape, Optional,
     "Which requests go where. Without any, all go to the component that handles HTTP, where there "
     "is one alone.",
     "[{path: /orders, to: orders}]"},
    {"topics", kTopicsShape, Optional, "Which messages go where.",
     "[{subject: 'shop.orders.*', to: orders}]"},
    {"listen", kListenersShape, Optional, "Where clients that speak no HTTP connect.",
     "[{telnet: '127.0.0.1:2323', to: game}]"},
};

}  // namespace

const Shape kManifestShape{.form = Shape::Form::Mapping, .fields = kManifestFields};

const ScalarType* short_form_of(const Shape& shape) {
  if (!shape.has_short_form) return nullptr;
  if (shape.form == Shape::Form::Named) return shape.item->scalar;
  return std::ranges::find(shape.fields, shape.short_form, &Field::name)->shape.scalar;
}

}  // namespace unbolt::control
