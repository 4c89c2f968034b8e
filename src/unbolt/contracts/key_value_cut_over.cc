#include <utility>

#include "unbolt/contracts/cut_over.h"
#include "unbolt/contracts/key_value_copier.h"
#include "unbolt/contracts/key_value_handover_state.h"

namespace unbolt::contracts {

Task<Result<CopyReport>> hand_over(std::shared_ptr<KeyValueHandover::State> state,
                                   HandoverOptions options) {
  return run_handover<KeyValueCopier>(std::move(state), options);
}

}  // namespace unbolt::contracts
