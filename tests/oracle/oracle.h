// The reference engine's own component API (native/oracle), as a process that answers over its
// standard input and output.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <vector>

#include "outcome.h"

namespace unbolt::oracle {

// Throws where the process cannot be started or does not answer.
class Oracle {
 public:
  explicit Oracle(const std::string& program);
  ~Oracle();
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  // Sends one component and its cases; `receive` their outcomes, in the order of the cases, or why
  // the oracle does not take the component. In between there is time for other work.
  void send(ByteView component, const std::vector<RawCase>& cases);
  std::expected<std::vector<Outcome>, std::string> receive();

 private:
  void read(std::uint8_t* out, std::size_t count);
  pid_t child_ = -1;
  int to_ = -1, from_ = -1;
};

}  // namespace unbolt::oracle
