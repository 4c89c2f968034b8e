// What is asked of a hand-over from one store to another, and what it reports.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "unbolt/base/error.h"
#include "unbolt/base/task.h"

namespace unbolt::contracts {

struct CopyLimits {
  // Of one batch: at most so many keys, and about so many bytes of values.
  std::size_t batch_keys = 256;
  std::size_t batch_bytes = 1 << 20;
  // For one call to either store.
  std::chrono::milliseconds call{30'000};
  // After each batch, so that the stores and the processor are not the copy's alone.
  std::chrono::microseconds pause{0};
};

// Of a blob store: containers, objects and their bytes.
// How long a copy rests after each batch, in times of what the batch took: what the load leaves of
// the stores and of the processor is not the copy's alone, and a queue that it caused is gone
// before the next one.
enum class CopyPace : std::uint8_t {
  Hurry = 0,   // it does not keep up with the writers
  Steady = 1,  // it catches up with them
  Calm = 3,    // nobody waits for it
};

struct CopyCounts {
  std::uint64_t buckets = 0, keys = 0, bytes = 0;
  std::uint64_t removed = 0;  // from the new store, as the old one does not hold them
};

struct HandoverOptions {
  // What to do with keys that the new store holds already.
  enum class Existing : std::uint8_t {
    Refuse,  // the copy fails before it has changed anything
    Mirror,  // afterwards it holds what the old one holds and nothing else, in every bucket
  };
  Existing existing = Existing::Refuse;

  // How long writes may be held at the cut-over.
  std::chrono::milliseconds hold{5'000};
  // It begins when carrying over what was written meanwhile took no longer than this.
  std::chrono::milliseconds calm{5};
  // ... or at the latest after so many rounds of what was written meanwhile.
  unsigned rounds = 30;
  // For the names of keys that were written meanwhile. Where they are more, all is copied again, so
  // often at most.
  std::size_t changed_bytes = 64 << 20;
  unsigned passes = 3;

  CopyLimits copy;

  // Awaited once, within `hold`, while writes are held and the new store holds all: what must say
  // so after a crash is written there. Where it fails, and where the copy fails after it, the old
  // store stays in service.
  std::function<Task<Result<>>()> commit;
};

// Of the copy that runs, or ran last.
struct CopyReport {
  // Carried over, keys that were written meanwhile once more each time; buckets of the last pass.
  CopyCounts carried;
  unsigned passes = 0, rounds = 0;
  std::uint64_t last_keys = 0;  // carried while writes were held
  std::chrono::microseconds held{0}, took{0};
  std::uint64_t calls_held = 0;
};

}  // namespace unbolt::contracts
