// A component's functions as paths: what is served, what is not and why, and the documents that say
// so.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/component/export_names.h"
#include "unbolt/component/linked_component.h"

namespace unbolt::host {

struct JsonFunction {
  const component::ExportedFunc* func;
  std::string path;        // the shortest: "/math/add"
  std::string not_served;  // why; empty: it is
};

// Immutable, shared by all loops.
class JsonApi {
 public:
  // `name` is the component's. Unsupported where none of its functions can be served: the message
  // says why of each.
  static Result<std::shared_ptr<const JsonApi>> make(
      std::shared_ptr<const component::LinkedComponent> component, const std::string& name);

  // By a path that is decoded, without the slash in front. Errors as of ExportNames.
  Result<const JsonFunction*> find(std::string_view name) const;
  // Paths that were probably meant.
  std::vector<std::string> nearest(std::string_view name) const;

  std::span<const JsonFunction> functions() const { return functions_; }
  // JSON: the list of the functions, and the OpenAPI description.
  const std::string& index() const { return index_; }
  const std::string& openapi() const { return openapi_; }

  static constexpr std::string_view kOpenApiPath = "/openapi.json";

 private:
  explicit JsonApi(std::shared_ptr<const component::LinkedComponent> component);

  const std::shared_ptr<const component::LinkedComponent> component_;
  const component::ExportNames names_;
  std::vector<JsonFunction> functions_;  // in the plan's order
  std::string index_, openapi_;
};

}  // namespace unbolt::host
