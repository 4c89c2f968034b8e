// A request as a CGI program sees it: meta-variables in the environment, query words as arguments
// (RFC 3875, section 4; names beginning with X_ are WAGI's).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/contracts/grants.h"
#include "unbolt/http/handler.h"

namespace unbolt::host {

struct CgiVariables {
  std::vector<std::pair<std::string, std::string>> environment;
  // What stands between the `&` of the query, not decoded.
  std::vector<std::string> words;
};

// What the operator `granted` comes first: a client's header never takes its place. There is no
// HTTP_PROXY (programs that call out would take it for their own proxy), and no variable for a
// field whose name has an underscore (it would pass for another's). InvalidArgument where the path
// is not one.
Result<CgiVariables> cgi_variables(const http::Request& request, const contracts::Grants& granted);

}  // namespace unbolt::host
