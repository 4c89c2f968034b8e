// How much has come in on a connection, by the kernel's count: the library tells nobody.
#pragma once

#include <cstdint>
#include <optional>

namespace unbolt::postgres {

// Counts from its making on. With TLS the records around the bytes count too.
class Received {
 public:
  explicit Received(int socket);

  // Before each reading: where the kernel has no count (a socket of the file system) it is what
  // lies ready then, so less than what is read.
  void before_reading();
  std::uint64_t bytes() const;

 private:
  const int socket_;
  std::optional<std::uint64_t> begin_;
  std::uint64_t seen_ = 0;
};

}  // namespace unbolt::postgres
