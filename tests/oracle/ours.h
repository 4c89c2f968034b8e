// The layer under test, as a host that is compared with the oracle.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "outcome.h"
#include "unbolt/component/testing/guest.h"

namespace unbolt::oracle {

class Ours {
 public:
  Ours();
  // Throws where the component cannot be linked.
  std::vector<Outcome> run(ByteView component, const std::vector<RawCase>& cases);

 private:
  Outcome run_one(const std::shared_ptr<const component::LinkedComponent>& linked,
                  const RawCase& one);
  component::TestHost host_;
};

}  // namespace unbolt::oracle
