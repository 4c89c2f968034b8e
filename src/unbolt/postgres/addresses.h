// Looking up the names of servers beside the loop: libpq would hold it up until the answer comes.
#pragma once

#include <string>

#include "unbolt/base/error.h"
#include "unbolt/base/task.h"

namespace unbolt::postgres {

// libpq's options of these names: a server for each address, in lists that belong together. Empty
// where libpq needs no address from us: for sockets of the file system, and where the URI has
// `hostaddr`.
struct Addresses {
  std::string host, hostaddr, port;
};

// Of the servers that the URI names. One without an address is left out while others have some;
// Unavailable where none has. `shown` stands for the URI in messages. Not cancellable: ends when
// the system's resolver has answered.
Task<Result<Addresses>> find_addresses(std::string uri, std::string shown);

}  // namespace unbolt::postgres
